"""Saves."""

from glint.api.schemas import lists, parts
from glint.states import OperationState, PlannedAction, TransferMethod, TransferState

MAX_CHANGES = 1000

CREATE = parts.body(
    ("changes",),
    changes={
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_CHANGES,
        "items": parts.body(
            ("image_id", "credential_id", "wanted"),
            image_id=parts.ID,
            credential_id=parts.ID,
            wanted=parts.BOOL,
            generation=parts.GENERATION,
            allow_foreign=parts.BOOL,
            allow_last_copy=parts.BOOL,
        ),
    },
)

OPERATION = parts.answer(
    id=parts.ID,
    state=parts.one_of(OperationState),
    project_id=parts.TEXT,
    user_id=parts.or_null(parts.TEXT),
    created_at=parts.TIME,
    bytes_done=parts.BYTES,
    bytes_total=parts.or_null(parts.BYTES),
    rate=parts.NUMBER,
    eta=parts.or_null(parts.BYTES),
    changes=parts.array(
        parts.answer(
            deployment_id=parts.ID,
            image_id=parts.ID,
            credential_id=parts.ID,
            wanted=parts.BOOL,
            transfer_id=parts.or_null(parts.ID),
            state=parts.one_of(TransferState),
            error_code=parts.or_null(parts.TEXT),
            error_detail=parts.or_null(parts.TEXT),
        )
    ),
)
ONE = parts.answer(operation=OPERATION)

#: What a dry run answers.
PLAN = parts.answer(
    cells=parts.array(
        parts.answer(
            image_id=parts.ID,
            credential_id=parts.ID,
            wanted=parts.BOOL,
            action=parts.one_of(PlannedAction),
            method=parts.or_null(parts.one_of(TransferMethod)),
            reason=parts.TEXT,
            bytes=parts.or_null(parts.BYTES),
            error_code=parts.or_null(parts.TEXT),
            error_detail=parts.or_null(parts.TEXT),
        )
    ),
    bytes_to_move=parts.BYTES,
    bytes_to_read=parts.BYTES,
)
CREATE_QUERY = {"dry_run": parts.BOOL}
CREATED: parts.Schema = {
    **parts.body((), operation=OPERATION, plan=PLAN),
    "oneOf": [{"required": ["operation"]}, {"required": ["plan"]}],
}
LISTING = lists.listing(
    "operations",
    OPERATION,
    filters=("id", "project_id", "user_id", "created_at"),
    sort=("id", "created_at"),
)
