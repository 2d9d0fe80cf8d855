"""The columns of the matrix."""
