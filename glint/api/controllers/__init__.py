"""One controller per resource: each method is the end of one route."""
