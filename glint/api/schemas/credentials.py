"""Credentials. What ``auth`` holds is said by the site's type, or is ``{"auth_type": "home"}``."""

from glint.api.schemas import lists, parts

_AUTH = {
    "type": "object",
    "properties": {"auth_type": parts.ID},
    "required": ["auth_type"],
}

_REGISTER = {
    "type": "array",
    "maxItems": 3,
    "uniqueItems": True,
    "items": {"type": "string", "enum": ["shared", "community", "public"]},
    "description": "visibilities of other projects' images at the site that a scan takes into the"
    " catalogue, besides the remote project's own images",
}

CREDENTIAL = parts.answer(
    id=parts.ID,
    name=parts.TEXT,
    site_id=parts.ID,
    site_name=parts.TEXT,
    project_id=parts.TEXT,
    user_id=parts.or_null(parts.TEXT),
    shared=parts.BOOL,
    auth=_AUTH,
    managed=parts.BOOL,
    remote_project_id=parts.or_null(parts.TEXT),
    remote_project_name=parts.or_null(parts.TEXT),
    verified_at=parts.or_null(parts.TIME),
    scanned_at=parts.or_null(parts.TIME),
    register=_REGISTER,
    facts=parts.or_null(parts.ANY_OBJECT),
    error_code=parts.or_null(parts.TEXT),
    error_detail=parts.or_null(parts.TEXT),
    generation=parts.GENERATION,
    created_at=parts.TIME,
    updated_at=parts.TIME,
)

CREATE = parts.body(
    ("site_id", "auth"),
    site_id=parts.ID,
    auth=_AUTH,
    shared=parts.BOOL,
    register=_REGISTER,
    verify=parts.BOOL,
)
UPDATE = parts.change(auth=_AUTH, shared=parts.BOOL, register=_REGISTER)
DELETE_QUERY = {"force": parts.BOOL}
ONE = parts.answer(credential=CREDENTIAL)
LISTING = lists.listing(
    "credentials",
    CREDENTIAL,
    filters=("id", "site_id", "site_name", "project_id", "user_id", "shared", "managed",
             "remote_project_id", "remote_project_name", "error_code", "verified_at",
             "scanned_at", "created_at", "updated_at"),
    sort=("id", "site_id", "site_name", "remote_project_name", "verified_at", "scanned_at",
          "created_at", "updated_at"),
    search=("site_name", "remote_project_name"),
)  # fmt: skip
