"""What a changed wish does to its cell, be it by a save, a retry or a cancel."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, convert, credentials, images, models
from glint.states import DeploymentStatus, TransferState

_AT_WORK = frozenset(
    {DeploymentStatus.COPYING, DeploymentStatus.VERIFYING, DeploymentStatus.REMOVING}
)

#: Statuses from which the same wish, saved again, is worth a new try.
_WORTH_A_TRY = frozenset({DeploymentStatus.FAILED, DeploymentStatus.DRIFTED})


def find(
    session: orm.Session, scope: objects.Scope, change: objects.WishedChange, *, lock: bool = True
) -> tuple[models.Deployment, models.Credential]:
    """The cell of a change, which may be a new row that is not added yet, and its column.

    :raises NotFound: an image or credential is not there, or another project's.
    :raises GenerationConflict: the image's row changed since the caller read it.
    """
    image = images.find(session, scope, change.image_id)
    api.check_generation("image", image, change.generation, convert.image)
    credential = credentials.find(session, scope, change.credential_id)
    deployment = models.Deployment
    query = sa.select(deployment).where(
        deployment.image_id == image.id, deployment.credential_id == credential.id
    )
    cell = session.scalar(query.with_for_update() if lock else query)
    if cell is None:
        cell = deployment(
            id=models.new_id(),
            image_id=image.id,
            credential_id=credential.id,
            project_id=image.project_id,
            wanted=False,
            status=str(DeploymentStatus.ABSENT),
            pending=False,
            stamped=False,
            not_carried=[],
            generation=1,
        )
    return cell, credential


def is_news(cell: models.Deployment, wanted: bool) -> bool:
    """Whether the wish changes anything: the same one, saved again, is worth a new try."""
    return cell.wanted != wanted or (not cell.pending and cell.status in _WORTH_A_TRY)


def status_with_news(status: str) -> str:
    """What a cell shows while its new wish waits for the reconciler."""
    return status if status in _AT_WORK else str(DeploymentStatus.QUEUED)


def renew(session: orm.Session, cell: models.Deployment) -> None:
    """The wish of a cell is new: what works for the old one stops, and the plan is asked again."""
    cell.generation += 1
    cell.pending = True
    supersede(session, cell)
    if cell.status not in _AT_WORK:
        cell.error_code = cell.error_detail = None
    cell.status = status_with_news(cell.status)


def supersede(session: orm.Session, cell: models.Deployment) -> None:
    """Stop the live transfer of a cell whose wish changed: a waiting one at once."""
    transfer = models.Transfer
    session.execute(
        sa.update(transfer)
        .where(transfer.live == cell.id, transfer.state == str(TransferState.QUEUED))
        .values(
            state=str(TransferState.CANCELLED),
            live=None,
            slot=None,
            finished_at=models.utcnow(),
            error_code=exception.Cancelled.code,
        )
    )
    session.execute(sa.update(transfer).where(transfer.live == cell.id).values(cancel=True))
