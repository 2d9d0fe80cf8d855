"""The sites of all projects, and those for everyone."""
