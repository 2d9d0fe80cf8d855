"""Quotas."""

from glint.policies.base import READER, rule

RULES = [
    rule("quota:show", READER, "Show the project's limits and what it uses.", "GET /v1/quotas"),
]
