"""Lets go of history: operations, transfers and events that are over since long."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint.db import api, models
from glint.states import LIVE

Drop = Callable[[orm.Session, Sequence[Any]], None]
"""Removes rows by their ids."""

#: Rows that one transaction removes: others wait for no longer than that takes.
BATCH = 1000


@dataclasses.dataclass(frozen=True)
class Purged:
    """How many rows of each kind."""

    operations: int
    transfers: int
    events: int


def purge(db: api.Database, before: datetime.datetime) -> Purged:
    """Remove what was over before a moment (naive UTC).

    Cells, images, sites and credentials stay as they are, and so does the last transfer of every
    cell: it says why the cell is as it is. An operation goes when all of its changes are settled
    and none of its transfers waits or runs; an event when the message broker was told of it.
    """
    return Purged(
        operations=_all(db, _operations(before), _drop_operations),
        transfers=_all(db, _transfers(before), _drop(models.Transfer)),
        events=_all(db, _events(before), _drop(models.Event)),
    )


def _all(db: api.Database, found: sa.Select[Any], drop: Drop) -> int:
    total = 0
    while count := _some(db, found, drop):
        total += count
    return total


@api.retry
def _some(db: api.Database, found: sa.Select[Any], drop: Drop) -> int:
    with db.writer() as session:
        idents = list(session.scalars(found.limit(BATCH)))
        if idents:
            drop(session, idents)
        return len(idents)


def _operations(before: datetime.datetime) -> sa.Select[Any]:
    open_changes = (
        sa.select(models.Change.operation_id)
        .outerjoin(models.Transfer, models.Transfer.id == models.Change.transfer_id)
        .where(
            models.Change.operation_id == models.Operation.id,
            sa.or_(models.Change.settled.is_(False), models.Transfer.state.in_(LIVE)),
        )
    )
    return (
        sa.select(models.Operation.id)
        .where(models.Operation.created_at < before, ~open_changes.exists())
        .order_by(models.Operation.id)
    )


def _drop_operations(session: orm.Session, idents: Sequence[Any]) -> None:
    session.execute(sa.delete(models.Change).where(models.Change.operation_id.in_(idents)))
    session.execute(sa.delete(models.Operation).where(models.Operation.id.in_(idents)))


def _transfers(before: datetime.datetime) -> sa.Select[Any]:
    newer = orm.aliased(models.Transfer)
    return (
        sa.select(models.Transfer.id)
        .where(
            models.Transfer.finished_at < before,
            models.Transfer.state.not_in(LIVE),
            sa.exists().where(
                newer.deployment_id == models.Transfer.deployment_id,
                newer.created_at > models.Transfer.created_at,
            ),
            ~sa.exists().where(models.Change.transfer_id == models.Transfer.id),
        )
        .order_by(models.Transfer.id)
    )


def _events(before: datetime.datetime) -> sa.Select[Any]:
    return (
        sa.select(models.Event.id)
        .where(models.Event.at < before, models.Event.notified.is_(True))
        .order_by(models.Event.id)
    )


def _drop(model: type[models.Transfer] | type[models.Event]) -> Drop:
    def drop(session: orm.Session, idents: Sequence[Any]) -> None:
        session.execute(sa.delete(model).where(model.id.in_(idents)))

    return drop
