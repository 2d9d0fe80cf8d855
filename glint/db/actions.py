"""Retry and cancel, of a cell, a transfer or a whole operation."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, deployments, events, models, operations, transfers, wishes
from glint.states import LIVE, DeploymentStatus, TransferKind

_TRIED_AGAIN = frozenset({DeploymentStatus.FAILED, DeploymentStatus.DRIFTED})


def _live(session: orm.Session, cell: models.Deployment) -> models.Transfer | None:
    return session.scalar(sa.select(models.Transfer).where(models.Transfer.live == cell.id))


def _cancel(session: orm.Session, cells: Iterable[models.Deployment]) -> int:
    """Withdraw the wishes that transfers work for; what is there already stays as it is."""
    count = 0
    for cell in cells:
        transfer = _live(session, cell)
        if transfer is None and not cell.pending:
            continue
        removal = transfer.kind == TransferKind.REMOVE if transfer else not cell.wanted
        cell.wanted = removal
        wishes.renew(session, [cell])
        count += 1
    return count


def _retry(session: orm.Session, cells: Iterable[models.Deployment]) -> int:
    """Try failed cells again; nothing is done about the others."""
    count = 0
    change = models.Change
    for cell in cells:
        if cell.pending or cell.status not in _TRIED_AGAIN or _live(session, cell) is not None:
            continue
        last = deployments.last_transfers(session, [cell.id]).get(cell.id)
        if last is not None:
            # The operations that waited for the failed transfer wait for the new one.
            session.execute(
                sa.update(change)
                .where(change.transfer_id == last.id)
                .values(transfer_id=None, settled=False)
            )
        wishes.renew(session, [cell])
        count += 1
    return count


_VERBS = {"cancel": _cancel, "retry": _retry}


def _act(
    session: orm.Session,
    scope: objects.Scope,
    verb: str,
    what: str,
    cells: Iterable[models.Deployment],
    **ids: str,
) -> None:
    count = _VERBS[verb](session, cells)
    if not count:
        raise exception.NothingToAct(verb=verb, what=what)
    events.add(
        session,
        project_id=scope.project_id,
        user_id=scope.user_id,
        action=f"{what}.{verb}",
        outcome="accepted",
        message=f"{verb} of {count} cells asked for",
        **ids,
    )


@api.retry
def on_deployment(db: api.Database, scope: objects.Scope, verb: str, ident: str) -> objects.Cell:
    """``verb``: cancel or retry.

    :raises NothingToAct: nothing works for it, or nothing failed.
    """
    with db.writer() as session:
        cell = deployments.find(session, scope, ident)
        ids = {"image_id": cell.image_id, "credential_id": cell.credential_id}
        _act(session, scope, verb, "deployment", [cell], **ids)
        session.flush()
        return deployments.cells(session, [cell])[0][1]


@api.retry
def on_transfer(db: api.Database, scope: objects.Scope, verb: str, ident: str) -> objects.Transfer:
    """``verb``: cancel a live transfer, or retry the cell of a failed one."""
    with db.writer() as session:
        row = transfers.find(session, scope, ident)
        if (verb == "cancel") != (row.state in [str(s) for s in LIVE]):
            raise exception.NothingToAct(verb=verb, what="transfer")
        cell = session.get_one(models.Deployment, row.deployment_id)
        ids = {"image_id": cell.image_id, "credential_id": cell.credential_id}
        _act(session, scope, verb, "transfer", [cell], transfer_id=ident, **ids)
    return transfers.get(db, scope, ident)


@api.retry
def on_operation(
    db: api.Database, scope: objects.Scope, verb: str, ident: str
) -> objects.OperationView:
    """``verb`` on those cells of a Save that it applies to; cells of others' columns are left."""
    change, deployment = models.Change, models.Deployment
    with db.writer() as session:
        operations.find(session, scope, ident)
        cells = session.scalars(
            deployments.visible(scope).where(
                deployment.id.in_(
                    sa.select(change.deployment_id).where(change.operation_id == ident)
                )
            )
        ).all()
        _act(session, scope, verb, "operation", cells, operation_id=ident)
    return operations.get(db, scope, ident)
