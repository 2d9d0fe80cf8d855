"""History."""

from glint.policies.base import ADMIN, READER, rule

RULES = [
    rule("event:list", READER, "Read the project's history.", "GET /v1/events"),
    rule(
        "event:list_all_projects",
        ADMIN,
        "Read the history of all projects.",
        "GET /v1/events?all_projects=true",
    ),
]
