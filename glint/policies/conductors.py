"""Conductors."""

from glint.policies.base import ADMIN, rule

RULES = [
    rule("conductor:list", ADMIN, "List the conductors and what they do.", "GET /v1/conductors"),
]
