"""The Saves of all projects."""
