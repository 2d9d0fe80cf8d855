"""The personas, and what the rules of all resources have in common.

reader: sees what its project sees. member: also changes what is its project's. manager: the same;
Keystone lets it imply member, and nothing here is for it alone. admin: also what concerns more than
one project. service: nothing, because no other service needs Glint's API. All work with a
project-scoped token: Glint has no system-wide or domain-wide view, because credentials always
belong to a project.
"""

from __future__ import annotations

from oslo_policy import policy

ADMIN = "rule:admin_api"
READER = "rule:project_reader_or_admin"
MEMBER = "rule:project_member_or_admin"

RULES = [
    policy.RuleDefault("admin_api", "role:admin", "The administrator of this Glint."),
    policy.RuleDefault(
        "project_reader",
        "role:reader and project_id:%(project_id)s",
        "May look at what its project has.",
    ),
    policy.RuleDefault(
        "project_member",
        "role:member and project_id:%(project_id)s",
        "May change what its project has.",
    ),
    policy.RuleDefault(
        "project_reader_or_admin",
        "rule:project_reader or rule:admin_api",
        "Default of all rules that only look.",
    ),
    policy.RuleDefault(
        "project_member_or_admin",
        "rule:project_member or rule:admin_api",
        "Default of all rules that change something within a project.",
    ),
]


def rule(name: str, check: str, description: str, *operations: str) -> policy.RuleDefault:
    """A documented rule for project-scoped tokens.

    :param operations: as "GET /v1/sites".
    """
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check,
        description=description,
        operations=[
            {"method": method, "path": path}
            for method, path in (operation.split(" ", 1) for operation in operations)
        ],
        scope_types=["project"],
    )
