"""Transfers."""

from glint.api.schemas import lists, parts
from glint.states import TransferKind, TransferMethod, TransferState

TRANSFER = parts.answer(
    id=parts.ID,
    deployment_id=parts.ID,
    image_id=parts.ID,
    credential_id=parts.ID,
    site_id=parts.ID,
    kind=parts.one_of(TransferKind),
    method=parts.or_null(parts.one_of(TransferMethod)),
    reason=parts.or_null(parts.TEXT),
    state=parts.one_of(TransferState),
    phase=parts.or_null(parts.TEXT),
    source_credential_id=parts.or_null(parts.ID),
    remote_id=parts.or_null(parts.TEXT),
    bytes_done=parts.BYTES,
    bytes_total=parts.or_null(parts.BYTES),
    rate=parts.NUMBER,
    eta=parts.or_null(parts.BYTES),
    attempts=parts.COUNT,
    error_code=parts.or_null(parts.TEXT),
    error_detail=parts.or_null(parts.TEXT),
    created_at=parts.TIME,
    started_at=parts.or_null(parts.TIME),
    finished_at=parts.or_null(parts.TIME),
    next_run_at=parts.TIME,
)
ONE = parts.answer(transfer=TRANSFER)
LISTING = lists.listing(
    "transfers",
    TRANSFER,
    filters=("id", "deployment_id", "image_id", "credential_id", "site_id", "kind", "method",
             "state", "source_credential_id", "attempts", "error_code", "bytes_total",
             "created_at", "started_at", "finished_at"),
    sort=("id", "state", "kind", "site_id", "bytes_total", "created_at", "started_at",
          "finished_at"),
    more={"operation_id": lists.Filter(lists.Kind.TEXT)},
)  # fmt: skip
