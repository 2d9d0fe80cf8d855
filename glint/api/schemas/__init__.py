"""Query, body and answer of every route as JSON schemas: plain data, one module per resource."""
