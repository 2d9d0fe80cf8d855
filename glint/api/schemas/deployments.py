"""Cells."""

from glint.api.schemas import lists, parts
from glint.states import DeploymentStatus, TransferMethod

#: Of the copy in a cell: there is none; not looked at; equal to the catalogue; unequal.
HASH_STATES = ("none", "unproven", "proven", "mismatch")

CELL = {
    "wanted": parts.BOOL,
    "status": parts.one_of(DeploymentStatus),
    "bytes_done": parts.BYTES,
    "bytes_total": parts.or_null(parts.BYTES),
    "rate": parts.NUMBER,
    "eta": parts.or_null(parts.BYTES),
    "phase": parts.or_null(parts.TEXT),
    "method": parts.or_null(parts.one_of(TransferMethod)),
    "reason": parts.or_null(parts.TEXT),
    "transfer_id": parts.or_null(parts.ID),
    "pending": parts.BOOL,
    "hash_state": parts.one_of(HASH_STATES),
    "remote_id": parts.or_null(parts.TEXT),
    "stamped": parts.BOOL,
    "seen_hash_algo": parts.or_null(parts.TEXT),
    "seen_hash_value": parts.or_null(parts.TEXT),
    "verified_at": parts.or_null(parts.TIME),
    "error_code": parts.or_null(parts.TEXT),
    "error_detail": parts.or_null(parts.TEXT),
    "not_carried": parts.array(parts.answer(item=parts.TEXT, reason=parts.TEXT)),
}

DEPLOYMENT = parts.answer(
    **CELL,
    deployment_id=parts.ID,
    id=parts.ID,
    image_id=parts.ID,
    credential_id=parts.ID,
    project_id=parts.TEXT,
    seen_size=parts.or_null(parts.BYTES),
    seen_at=parts.or_null(parts.TIME),
    generation=parts.GENERATION,
    updated_at=parts.TIME,
)
ONE = parts.answer(deployment=DEPLOYMENT)
LISTING = lists.listing(
    "deployments",
    DEPLOYMENT,
    filters=("id", "image_id", "credential_id", "project_id", "wanted", "status", "pending",
             "stamped", "remote_id", "error_code", "seen_size", "seen_at", "verified_at",
             "updated_at"),
    sort=("id", "image_id", "credential_id", "status", "seen_at", "verified_at", "created_at",
          "updated_at"),
    more={"site_id": lists.Filter(lists.Kind.TEXT)},
)  # fmt: skip
