"""Site types."""

from glint.api.schemas import lists, parts

SITE_TYPE = parts.answer(
    name=parts.TEXT,
    description=parts.TEXT,
    connection_schema=parts.ANY_OBJECT,
    auth_schemas={"type": "object", "additionalProperties": parts.ANY_OBJECT},
    registers=parts.array(parts.TEXT),
)

ONE = parts.answer(site_type=SITE_TYPE)
LISTING = lists.listing(
    "site_types",
    SITE_TYPE,
    filters=("name", "description"),
    sort=("name", "description"),
    search=("name", "description"),
    ident="name",
)
