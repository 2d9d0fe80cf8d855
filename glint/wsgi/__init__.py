"""Composition roots of WSGI servers."""
