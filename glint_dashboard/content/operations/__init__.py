"""Saves, and what became of them."""
