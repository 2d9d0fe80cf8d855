"""What credentials saw at their sites."""

from glint.policies.base import READER, rule

RULES = [
    rule(
        "inventory:list",
        READER,
        "List the images that a credential saw at its site.",
        "GET /v1/credentials/{credential_id}/inventory",
    ),
]
