"""Sites."""

from glint.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("site:list", READER, "List the project's and the shared sites.", "GET /v1/sites"),
    rule(
        "site:list_all_projects",
        ADMIN,
        "List the sites of all projects.",
        "GET /v1/sites?all_projects=true",
    ),
    rule("site:show", READER, "Show a site.", "GET /v1/sites/{site_id}"),
    rule("site:create", MEMBER, "Add a site to the project.", "POST /v1/sites"),
    rule("site:update", MEMBER, "Change a site.", "PATCH /v1/sites/{site_id}"),
    rule("site:delete", MEMBER, "Forget a site.", "DELETE /v1/sites/{site_id}"),
    rule(
        "site:probe",
        MEMBER,
        "Ask a site now whether it answers.",
        "POST /v1/sites/{site_id}/probe",
    ),
    rule(
        "site:shared",
        ADMIN,
        "Add, change or forget a site that all projects see. Asked besides site:create, site:update"
        " or site:delete.",
        "POST /v1/sites",
        "PATCH /v1/sites/{site_id}",
        "DELETE /v1/sites/{site_id}",
    ),
    rule(
        "site:insecure",
        ADMIN,
        "Use a site without checking its certificate (connection.insecure): whoever sits between"
        " Glint and the site can read the credentials. Asked besides site:create or site:update.",
        "POST /v1/sites",
        "PATCH /v1/sites/{site_id}",
    ),
]
