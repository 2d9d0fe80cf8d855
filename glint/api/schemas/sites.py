"""Sites. What ``connection`` holds is said by the site's type."""

from glint.api.schemas import lists, parts
from glint.states import SiteHealth

_MAX_TRANSFERS = {"type": "integer", "minimum": 1, "maximum": 100}
#: Bytes per second. Less than one chunk a minute would look like a stall.
_BANDWIDTH = parts.or_null({"type": "integer", "minimum": 65536, "maximum": 10**13})
_HOURS = parts.or_null({"type": "string", "minLength": 11, "maxLength": 64})

_PRIVATE = {**parts.BOOL, "description": "seen and used by one user of the project only"}

SITE = parts.answer(
    id=parts.ID,
    name=parts.TEXT,
    type=parts.TEXT,
    project_id=parts.or_null(parts.TEXT),
    user_id=parts.or_null(parts.TEXT),
    shared=parts.BOOL,
    private=_PRIVATE,
    connection=parts.ANY_OBJECT,
    enabled=parts.BOOL,
    home=parts.BOOL,
    health=parts.one_of(SiteHealth),
    health_code=parts.or_null(parts.TEXT),
    health_detail=parts.or_null(parts.TEXT),
    health_at=parts.or_null(parts.TIME),
    max_transfers=_MAX_TRANSFERS,
    bandwidth=_BANDWIDTH,
    hours=_HOURS,
    facts=parts.ANY_OBJECT,
    generation=parts.GENERATION,
    created_at=parts.TIME,
    updated_at=parts.TIME,
)

CREATE = parts.body(
    ("name", "type", "connection"),
    name=parts.NAME,
    type=parts.ID,
    connection=parts.ANY_OBJECT,
    enabled=parts.BOOL,
    max_transfers=_MAX_TRANSFERS,
    bandwidth=_BANDWIDTH,
    hours=_HOURS,
    shared=parts.BOOL,
    private=_PRIVATE,
    probe=parts.BOOL,
)
UPDATE = parts.change(
    name=parts.NAME,
    connection=parts.ANY_OBJECT,
    enabled=parts.BOOL,
    max_transfers=_MAX_TRANSFERS,
    bandwidth=_BANDWIDTH,
    hours=_HOURS,
    private=_PRIVATE,
)
ONE = parts.answer(site=SITE)
LISTING = lists.listing(
    "sites",
    SITE,
    filters=("id", "name", "type", "project_id", "user_id", "shared", "private", "enabled",
             "home", "health", "health_code", "max_transfers", "health_at", "created_at",
             "updated_at"),
    sort=("id", "name", "type", "health", "health_at", "created_at", "updated_at"),
    search=("name",),
)  # fmt: skip
