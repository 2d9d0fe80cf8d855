"""Saves."""

from glint.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("operation:list", READER, "List the project's Saves.", "GET /v1/operations"),
    rule(
        "operation:list_all_projects",
        ADMIN,
        "List the Saves of all projects.",
        "GET /v1/operations?all_projects=true",
    ),
    rule("operation:show", READER, "Show a Save.", "GET /v1/operations/{operation_id}"),
    rule(
        "operation:create",
        MEMBER,
        "Save: say which image should be where.",
        "POST /v1/operations",
    ),
    rule(
        "operation:cancel",
        MEMBER,
        "Stop what is at work and withdraw the wish.",
        "POST /v1/operations/{operation_id}/cancel",
    ),
    rule(
        "operation:retry",
        MEMBER,
        "Try again what failed.",
        "POST /v1/operations/{operation_id}/retry",
    ),
]
