"""Credentials."""

from glint.policies.base import ADMIN, MEMBER, READER, rule

ONE = "/v1/credentials/{credential_id}"

RULES = [
    rule(
        "credential:list",
        READER,
        "List the caller's credentials and those shared in the project; never their secrets.",
        "GET /v1/credentials",
    ),
    rule(
        "credential:list_all_projects",
        ADMIN,
        "List the credentials of all projects and users, without their secrets.",
        "GET /v1/credentials?all_projects=true",
    ),
    rule("credential:show", READER, "Show a credential without its secret.", f"GET {ONE}"),
    rule("credential:create", MEMBER, "Add a credential for a site.", "POST /v1/credentials"),
    rule("credential:update", MEMBER, "Change a credential.", f"PATCH {ONE}"),
    rule(
        "credential:share",
        MEMBER,
        "Let the whole project use a credential, or end that. Asked besides credential:create or"
        " credential:update.",
        "POST /v1/credentials",
        f"PATCH {ONE}",
    ),
    rule("credential:delete", MEMBER, "Forget a credential and its column.", f"DELETE {ONE}"),
    rule("credential:verify", MEMBER, "Log in with a credential now.", f"POST {ONE}/verify"),
    rule("credential:scan", MEMBER, "Look through a credential's images now.", f"POST {ONE}/scan"),
]
