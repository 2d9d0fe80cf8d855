"""What a credential saw at its site: foreign text, and ids of any form."""

from glint.api.schemas import parts

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
#: The marker is a remote id, which may be longer than ours.
FILTERS = {"marker": _REMOTE_ID, "name": parts.NAME, "status": parts.ID}
LIST = parts.page("inventory", SEEN)
