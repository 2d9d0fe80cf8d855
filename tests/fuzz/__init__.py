"""Requests that nobody would send in good faith, and what a trustworthy API answers to them."""
