"""The processes that carry everything out."""
