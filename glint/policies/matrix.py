"""The matrix."""

from glint.policies.base import READER, rule

RULES = [
    rule("matrix:show", READER, "Show which image is where.", "GET /v1/matrix"),
]
