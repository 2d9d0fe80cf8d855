"""What a credential saw at its site: foreign text, and ids of any form."""

from glint.api.schemas import lists, parts

_REMOTE_ID = {**parts.ID, "maxLength": 255}

SEEN = parts.answer(
    remote_id=parts.TEXT,
    name=parts.TEXT,
    status=parts.TEXT,
    size=parts.or_null(parts.BYTES),
    os_hash_algo=parts.or_null(parts.TEXT),
    os_hash_value=parts.or_null(parts.TEXT),
    visibility=parts.TEXT,
    protected=parts.BOOL,
    stamped=parts.BOOL,
    seen_at=parts.TIME,
    image_id=parts.or_null(parts.ID),
    deployment_id=parts.or_null(parts.ID),
)
#: A scan writes all rows anew, and only their remote ids stay: there is no other order.
LISTING = lists.listing(
    "inventory",
    SEEN,
    filters=("remote_id", "name", "status", "size", "os_hash_algo", "os_hash_value", "visibility",
             "protected", "stamped", "seen_at"),
    sort=("remote_id",),
    search=("name",),
    more={"in_catalogue": lists.Filter(lists.Kind.BOOL)},
    # A remote id may be longer than ours.
    marker=_REMOTE_ID,
    ident="remote_id",
)  # fmt: skip
