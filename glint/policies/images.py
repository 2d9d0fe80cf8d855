"""The catalogue."""

from glint.policies.base import ADMIN, MEMBER, READER, rule

ONE = "/v1/images/{image_id}"

RULES = [
    rule("image:list", READER, "List the project's catalogue.", "GET /v1/images"),
    rule(
        "image:list_all_projects",
        ADMIN,
        "List the catalogues of all projects.",
        "GET /v1/images?all_projects=true",
    ),
    rule("image:show", READER, "Show an image.", f"GET {ONE}"),
    rule(
        "image:create",
        MEMBER,
        "Register an image found at a site, or make one of an upload or a URL.",
        "POST /v1/images",
    ),
    rule("image:upload", MEMBER, "Upload an image's content.", f"PUT {ONE}/file"),
    rule("image:download", READER, "Download an image's content.", f"GET {ONE}/file"),
    rule("image:update", MEMBER, "Change an image's labels.", f"PATCH {ONE}"),
    rule("image:delete", MEMBER, "Forget an image.", f"DELETE {ONE}"),
]
