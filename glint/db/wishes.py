"""What a changed wish does to its cell, be it by a save, a retry or a cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


class Place(NamedTuple):
    """Where a change applies.

    :ivar cell: it may be a new row that is not added yet.
    """

    image: models.Image
    column: models.Credential
    cell: models.Deployment


def find(
    session: orm.Session,
    scope: objects.Scope,
    changes: Sequence[objects.WishedChange],
    *,
    lock: bool = True,
) -> Sequence[Place]:
    """The places of changes, in their order.

    :raises NotFound: an image or credential is not there, or another project's.
    :raises GenerationConflict: an image's row changed since the caller read it.
    """
    visible = images.visible(scope).where(models.Image.id.in_({c.image_id for c in changes}))
    rows = {row.id: row for row in session.scalars(visible)}
    columns = credentials.find_all(session, scope, {c.credential_id for c in changes})
    for change in changes:
        if change.image_id not in rows:
            raise exception.NotFound("image", change.image_id)
        api.check_generation("image", rows[change.image_id], change.generation, convert.image)
        if change.credential_id not in columns:
            raise exception.NotFound("credential", change.credential_id)
    cells = _cells(session, changes, lock=lock)
    return [
        Place(
            rows[change.image_id],
            columns[change.credential_id],
            cells.get((change.image_id, change.credential_id))
            or _new(rows[change.image_id], change.credential_id),
        )
        for change in changes
    ]


def _cells(
    session: orm.Session, changes: Sequence[objects.WishedChange], *, lock: bool
) -> dict[tuple[str, str], models.Deployment]:
    """The rows that there are. They are locked by their ids, in one order, and no others are."""
    deployment = models.Deployment
    asked = {(change.image_id, change.credential_id) for change in changes}
    around = session.execute(
        sa.select(deployment.id, deployment.image_id, deployment.credential_id).where(
            deployment.image_id.in_({image for image, _ in asked}),
            deployment.credential_id.in_({column for _, column in asked}),
        )
    )
    ids = [row.id for row in around if (row.image_id, row.credential_id) in asked]
    query = sa.select(deployment).where(deployment.id.in_(ids)).order_by(deployment.id)
    found = session.scalars(query.with_for_update() if lock else query)
    return {(row.image_id, row.credential_id): row for row in found}


def _new(image: models.Image, credential_id: str) -> models.Deployment:
    return models.Deployment(
        id=models.new_id(),
        image_id=image.id,
        credential_id=credential_id,
        project_id=image.project_id,
        wanted=False,
        status=str(DeploymentStatus.ABSENT),
        pending=False,
        stamped=False,
        not_carried=[],
        generation=1,
    )


def is_news(cell: models.Deployment, wanted: bool) -> bool:
    """Whether the wish changes anything: the same one, saved again, is worth a new try."""
    return cell.wanted != wanted or (not cell.pending and cell.status in _WORTH_A_TRY)


def status_with_news(status: str) -> str:
    """What a cell shows while its new wish waits for the reconciler."""
    return status if status in _AT_WORK else str(DeploymentStatus.QUEUED)


def renew(session: orm.Session, cells: Sequence[models.Deployment]) -> None:
    """The wishes of cells are new: what works for the old ones stops, and plans are made again."""
    for cell in cells:
        cell.generation += 1
        cell.pending = True
        if cell.status not in _AT_WORK:
            cell.error_code = cell.error_detail = None
        cell.status = status_with_news(cell.status)
    supersede(session, [cell.id for cell in cells])


def supersede(session: orm.Session, deployment_ids: Sequence[str]) -> None:
    """Stop the live transfers of cells whose wish changed: waiting ones at once."""
    transfer = models.Transfer
    session.execute(
        sa.update(transfer)
        .where(transfer.live.in_(deployment_ids), transfer.state == str(TransferState.QUEUED))
        .values(
            state=str(TransferState.CANCELLED),
            live=None,
            slot=None,
            finished_at=models.utcnow(),
            error_code=exception.Cancelled.code,
        )
    )
    session.execute(
        sa.update(transfer).where(transfer.live.in_(deployment_ids)).values(cancel=True)
    )
