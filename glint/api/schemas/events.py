"""History."""

from glint.api.schemas import lists, parts

_EVENT_ID = {"type": "string", "pattern": "^[0-9]{1,18}$"}

EVENT = parts.answer(
    id=_EVENT_ID,
    at=parts.TIME,
    project_id=parts.TEXT,
    user_id=parts.or_null(parts.TEXT),
    action=parts.TEXT,
    outcome=parts.TEXT,
    message=parts.TEXT,
    image_id=parts.or_null(parts.ID),
    credential_id=parts.or_null(parts.ID),
    site_id=parts.or_null(parts.ID),
    operation_id=parts.or_null(parts.ID),
    transfer_id=parts.or_null(parts.ID),
    error_code=parts.or_null(parts.TEXT),
)
LISTING = lists.listing(
    "events",
    EVENT,
    filters=("at", "project_id", "user_id", "action", "outcome", "image_id", "credential_id",
             "site_id", "operation_id", "transfer_id", "error_code"),
    sort=("id", "at", "action", "outcome"),
    marker=_EVENT_ID,
)  # fmt: skip
