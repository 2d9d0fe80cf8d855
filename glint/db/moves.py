"""Moves of running transfers and of their cells: every write names its fence.

A conductor that lost its lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, clock, deployments, events, models
from glint.states import TRANSFER_MOVES, DeploymentStatus, TransferState

_T = models.Transfer
_RUNNING = str(TransferState.RUNNING)


def _fenced(
    session: orm.Session, transfer: objects.Transfer, state: TransferState, **values: Any
) -> None:
    """One write about a running transfer; raises LeaseLost where it is not ours any more."""
    if state != TransferState.RUNNING and state not in TRANSFER_MOVES[TransferState.RUNNING]:
        raise AssertionError(f"running -> {state} is not a move")
    done = session.execute(
        sa.update(_T)
        .where(_T.id == transfer.id, _T.fence == transfer.fence, _T.state == _RUNNING)
        .values(state=str(state), **values)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise exception.LeaseLost(ident=transfer.id)


@api.retry
def mark(
    db: api.Database,
    transfer: objects.Transfer,
    *,
    status: DeploymentStatus | None = None,
    **values: Any,
) -> None:
    """Write columns of a running transfer (phase, method, remote_id, ...), and its cell's status.

    :raises LeaseLost: another conductor owns the transfer.
    """
    with db.writer() as session:
        _fenced(session, transfer, TransferState.RUNNING, **values)
        if status is not None:
            deployments.move(session, transfer.deployment_id, status)


def event(
    session: orm.Session,
    transfer: objects.Transfer,
    outcome: str,
    message: str,
    code: str | None = None,
) -> None:
    """One line about a transfer, with the names that a person knows."""
    image = session.get(models.Image, transfer.image_id)
    site = session.get(models.Site, transfer.site_id)
    where = f"{image.name if image else transfer.image_id} at {site.name if site else '?'}"
    asked = session.scalar(
        sa.select(models.Operation)
        .join(models.Change, models.Change.operation_id == models.Operation.id)
        .where(models.Change.transfer_id == transfer.id)
        .order_by(models.Operation.created_at.desc())
        .limit(1)
    )
    events.add(
        session,
        project_id=transfer.project_id,
        user_id=asked.user_id if asked else None,
        operation_id=asked.id if asked else None,
        action=f"deployment.{transfer.kind}",
        outcome=outcome,
        message=f"{where}: {message}",
        image_id=transfer.image_id,
        credential_id=transfer.credential_id,
        site_id=transfer.site_id,
        transfer_id=transfer.id,
        error_code=code,
    )


_ENDED: dict[str, Any] = {"live": None, "slot": None, "owner": None, "lease_until": None}


@api.retry
def start(db: api.Database, transfer: objects.Transfer, status: DeploymentStatus) -> None:
    """The first write of an attempt: the cell's status, and an event on the first attempt."""
    with db.writer() as session:
        _fenced(session, transfer, TransferState.RUNNING)
        deployments.move(session, transfer.deployment_id, status)
        if transfer.attempts == 1:
            event(session, transfer, "started", f"{transfer.kind} started")


@api.retry
def finish(
    db: api.Database,
    transfer: objects.Transfer,
    *,
    status: DeploymentStatus,
    message: str,
    cell: Mapping[str, Any],
    **values: Any,
) -> None:
    """The transfer is done and its cell true, in one transaction.

    :param cell: columns of the deployment, ``values`` of the transfer.
    """
    ended: dict[str, Any] = {**_ENDED, "finished_at": models.utcnow(), "rate": 0.0}
    with db.writer() as session:
        _fenced(session, transfer, TransferState.DONE, **ended, **values)
        true = deployments.move(
            session, transfer.deployment_id, status, error_code=None, error_detail=None, **cell
        )
        if not true:
            raise AssertionError(f"a cell cannot become {status} from what it is")
        event(session, transfer, "done", message)


@api.retry
def fail(db: api.Database, transfer: objects.Transfer, *, error: exception.GlintError) -> None:
    """The transfer is given up; what its cell held before, it still holds."""
    with db.writer() as session:
        _fenced(
            session,
            transfer,
            TransferState.FAILED,
            **_ENDED,
            finished_at=models.utcnow(),
            rate=0.0,
            error_code=error.code,
            error_detail=str(error),
        )
        deployments.move(
            session,
            transfer.deployment_id,
            DeploymentStatus.FAILED,
            error_code=error.code,
            error_detail=str(error),
        )
        event(session, transfer, "failed", str(error), error.code)


@api.retry
def cancelled(db: api.Database, transfer: objects.Transfer) -> None:
    """The bytes are stopped and nothing is left at the site; the new wish is planned next."""
    with db.writer() as session:
        _fenced(
            session,
            transfer,
            TransferState.CANCELLED,
            **_ENDED,
            finished_at=models.utcnow(),
            rate=0.0,
            error_code=exception.Cancelled.code,
        )
        deployments.move(session, transfer.deployment_id, DeploymentStatus.QUEUED)
        event(session, transfer, "cancelled", "stopped, because the wish changed")


@api.retry
def requeue(
    db: api.Database,
    transfer: objects.Transfer,
    *,
    delay: float,
    error: exception.GlintError | None = None,
    alone: bool = False,
    free_attempt: bool = False,
    **values: Any,
) -> None:
    """Give a transfer back to the queue: a later attempt, or another conductor, does it.

    :param delay: seconds until it may be claimed again.
    :param free_attempt: the attempt does not count (handed back, or an expired token).
    """
    with db.writer() as session:
        _fenced(
            session,
            transfer,
            TransferState.QUEUED,
            slot=None,
            owner=None,
            lease_until=None,
            next_run_at=clock.after(delay),
            attempts=transfer.attempts - 1 if free_attempt else transfer.attempts,
            alone=alone or transfer.alone,
            rate=0.0,
            phase=None,
            error_code=error.code if error else None,
            error_detail=str(error) if error else None,
            **values,
        )
        deployments.move(session, transfer.deployment_id, DeploymentStatus.QUEUED)
        if error is not None:
            event(session, transfer, "retried", str(error), error.code)
