"""Kinds of clouds."""

from glint.policies.base import READER, rule

RULES = [
    rule("site_type:list", READER, "List the kinds of clouds.", "GET /v1/site-types"),
    rule(
        "site_type:show",
        READER,
        "Show what a kind of cloud needs to be told.",
        "GET /v1/site-types/{name}",
    ),
]
