"""The matrix: rows are asked for like a list of images, columns like a list of credentials."""

from glint.api.schemas import lists, parts
from glint.api.schemas.deployments import CELL
from glint.api.schemas.images import PROPERTY
from glint.states import DeploymentStatus, ImageState, SiteHealth

CONFLICTS = ("same_name", "same_content", "duplicate")
OWNERSHIPS = ("project", "project_public", "shared", "public")
SHOWS = ("all", "mine", "shared", "public")

_COLUMN = parts.answer(
    id=parts.ID,
    name=parts.TEXT,
    site_id=parts.ID,
    site_name=parts.TEXT,
    site_type=parts.TEXT,
    home=parts.BOOL,
    enabled=parts.BOOL,
    health=parts.one_of(SiteHealth),
)
_ROW = parts.answer(
    id=parts.ID,
    name=parts.TEXT,
    size=parts.or_null(parts.BYTES),
    os_hash_algo=parts.or_null(parts.TEXT),
    os_hash_value=parts.or_null(parts.TEXT),
    disk_format=parts.TEXT,
    state=parts.one_of(ImageState),
    ownership={
        "type": "string",
        "enum": [*OWNERSHIPS],
        "description": "whose it was where it was found, and whether all could see it there",
    },
    generation=parts.GENERATION,
    created_at=parts.TIME,
    updated_at=parts.TIME,
    conflicts=parts.array({"type": "string", "enum": [*CONFLICTS]}),
    cells={
        "type": "object",
        "additionalProperties": parts.answer(
            **CELL,
            deployment_id=parts.or_null(parts.ID),
            generation=parts.or_null(parts.GENERATION),
        ),
    },
)
CURSOR = {"type": "string", "pattern": r"^[0-9]{1,20}\.[0-9a-f]{16}$"}

_CHOICE = ("eq",)
#: Which columns there are, and which of an image's cells the filters below look at.
COLUMNS = {
    "credential_id": lists.Filter(lists.Kind.TEXT, operators=("eq", "neq", "in")),
    "site_id": lists.Filter(lists.Kind.TEXT, operators=("eq", "neq", "in")),
}
CHOICES = {
    "show": lists.Filter(lists.Kind.ENUM, SHOWS, _CHOICE),
    "differs": lists.Filter(lists.Kind.BOOL, operators=_CHOICE),
    "present": lists.Filter(lists.Kind.BOOL, operators=_CHOICE),
    "status": lists.Filter(lists.Kind.ENUM, tuple(map(str, DeploymentStatus)), ("eq", "in")),
    "conflict": lists.Filter(lists.Kind.ENUM, CONFLICTS, _CHOICE),
}
LISTING = lists.listing(
    "images",
    _ROW,
    filters=("id", "name", "size", "disk_format", "os_hash_value", "created_at", "updated_at"),
    sort=("id", "name", "size", "disk_format", "created_at", "updated_at"),
    search=("name",),
    more={"property": PROPERTY, **COLUMNS, **CHOICES},
    beside={
        "credentials": parts.array(_COLUMN),
        "cursor": CURSOR,
        "reset": parts.BOOL,
        "deleted": parts.array(parts.ID),
        "counts": {"type": ["object", "null"], "additionalProperties": parts.COUNT},
    },
)
QUERY = {"counts": parts.BOOL, "changes_since": CURSOR}
