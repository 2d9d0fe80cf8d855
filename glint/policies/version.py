"""The version document."""

from glint.policies.base import READER, rule

RULES = [
    rule("version:show", READER, "Show the version and its resources.", "GET /v1"),
    rule(
        "version:openapi",
        READER,
        "Show the whole API as an OpenAPI document.",
        "GET /v1/openapi.json",
    ),
]
