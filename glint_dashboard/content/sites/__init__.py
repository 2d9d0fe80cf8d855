"""Clouds where images can be kept."""
