"""Cells of the matrix."""

from glint.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("deployment:list", READER, "List the project's deployments.", "GET /v1/deployments"),
    rule(
        "deployment:list_all_projects",
        ADMIN,
        "List the deployments of all projects.",
        "GET /v1/deployments?all_projects=true",
    ),
    rule("deployment:show", READER, "Show a deployment.", "GET /v1/deployments/{deployment_id}"),
    rule(
        "deployment:cancel",
        MEMBER,
        "Stop what is at work and withdraw the wish.",
        "POST /v1/deployments/{deployment_id}/cancel",
    ),
    rule(
        "deployment:retry",
        MEMBER,
        "Try again what failed.",
        "POST /v1/deployments/{deployment_id}/retry",
    ),
]
