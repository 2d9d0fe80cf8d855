"""From a plan to the queue: new transfers, settled changes, refusals."""

from __future__ import annotations

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, convert, deployments, models
from glint.db.moves import event
from glint.states import DeploymentStatus, TransferKind, TransferState

_T = models.Transfer


def _enqueue(
    session: orm.Session,
    cell: models.Deployment,
    site_id: str,
    kind: TransferKind,
    *,
    remote_id: str | None,
    bytes_total: int | None,
) -> models.Transfer:
    """A new transfer for a deployment, inside the caller's transaction."""
    row = _T(
        id=models.new_id(),
        deployment_id=cell.id,
        live=cell.id,
        image_id=cell.image_id,
        credential_id=cell.credential_id,
        site_id=site_id,
        project_id=cell.project_id,
        kind=str(kind),
        remote_id=remote_id,
        bytes_total=bytes_total if kind == TransferKind.COPY else None,
        state=str(TransferState.QUEUED),
    )
    session.add(row)
    session.flush()
    return row


@api.retry
def planned(
    db: api.Database,
    cell: objects.Deployment,
    site_id: str,
    *,
    kind: TransferKind | None,
    remote_id: str | None = None,
    bytes_total: int | None = None,
    status: DeploymentStatus | None = None,
    refusal: exception.GlintError | None = None,
) -> bool:
    """Write a plan: a new transfer, nothing to do (``status`` is the truth), or a refusal.

    :returns: False where the wish changed meanwhile or another conductor was faster.
    """
    deployment = models.Deployment
    try:
        with db.writer() as session:
            won = session.execute(
                sa.update(deployment)
                .where(deployment.id == cell.id, deployment.pending.is_(True))
                .where(deployment.generation == cell.generation)
                .values(pending=False)
            )
            if won.rowcount != 1:  # type: ignore[attr-defined]
                return False
            row = session.get_one(deployment, cell.id)
            transfer = _write_plan(
                session, row, site_id, kind, remote_id, bytes_total, status, refusal
            )
            session.execute(
                sa.update(models.Change)
                .where(models.Change.deployment_id == cell.id, models.Change.settled.is_(False))
                .values(settled=True, transfer_id=transfer.id if transfer else None)
            )
            if transfer is not None and refusal is not None:
                what = convert.transfer(transfer)
                event(session, what, "refused", str(refusal), refusal.code)
            return True
    except db_exc.DBDuplicateEntry:
        return False


def _write_plan(
    session: orm.Session,
    cell: models.Deployment,
    site_id: str,
    kind: TransferKind | None,
    remote_id: str | None,
    bytes_total: int | None,
    status: DeploymentStatus | None,
    refusal: exception.GlintError | None,
) -> models.Transfer | None:
    if refusal is None and kind is None:
        if status is not None:
            deployments.move(session, cell.id, status)
        return None
    row = _enqueue(
        session,
        cell,
        site_id,
        kind or TransferKind.COPY,
        remote_id=remote_id,
        bytes_total=bytes_total,
    )
    if refusal is not None:
        row.state, row.live, row.finished_at = str(TransferState.FAILED), None, models.utcnow()
        row.error_code, row.error_detail = refusal.code, str(refusal)
        deployments.move(
            session,
            cell.id,
            DeploymentStatus.FAILED,
            error_code=refusal.code,
            error_detail=str(refusal),
        )
    return row
