"""The matrix: images down, credentials across."""
