"""Attempts to make a cell true."""

from glint.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("transfer:list", READER, "List the project's transfers.", "GET /v1/transfers"),
    rule(
        "transfer:list_all_projects",
        ADMIN,
        "List the transfers of all projects.",
        "GET /v1/transfers?all_projects=true",
    ),
    rule("transfer:show", READER, "Show a transfer.", "GET /v1/transfers/{transfer_id}"),
    rule(
        "transfer:cancel",
        MEMBER,
        "Stop what is at work and withdraw the wish.",
        "POST /v1/transfers/{transfer_id}/cancel",
    ),
    rule(
        "transfer:retry",
        MEMBER,
        "Try again what failed.",
        "POST /v1/transfers/{transfer_id}/retry",
    ),
]
