"""Glint keeps the same VM images on every cloud that its users have."""
