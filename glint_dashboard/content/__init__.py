"""One package per panel."""
