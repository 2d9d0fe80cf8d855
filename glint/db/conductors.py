"""Which conductors live, for the operator to look at. Nothing else depends on it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from glint.db import api, clock, models, processes
from glint.states import TransferState

#: A conductor that gave no sign for longer is taken for dead; it gives one every few seconds.
SILENCE = datetime.timedelta(minutes=1)


@api.retry
def beat(
    db: api.Database,
    ident: str,
    host: str,
    *,
    store: str | None = None,
    data_url: str | None = None,
) -> None:
    """A sign of life.

    :param store: which upload folder it has.
    :param data_url: where it serves image data to the API.
    """
    row = processes.Conductor
    now = {"store": store, "data_url": data_url}
    with db.writer() as session:
        known = session.execute(
            sa.update(row).where(row.id == ident).values(beat_at=clock.now(), **now)
        )
        if known.rowcount == 0:  # type: ignore[attr-defined]
            session.add(row(id=ident, host=host, **now))


@api.retry
def living(db: api.Database) -> Sequence[processes.Conductor]:
    """Those that gave a sign within the last minute."""
    row = processes.Conductor
    with db.reader() as session:
        since = clock.after(-SILENCE.total_seconds())
        rows = session.scalars(sa.select(row).where(row.beat_at > since)).all()
        session.expunge_all()
        return rows


@api.retry
def leave(db: api.Database, ident: str) -> None:
    """A conductor stopped in good order."""
    with db.writer() as session:
        session.execute(sa.delete(processes.Conductor).where(processes.Conductor.id == ident))


@api.retry
def list(db: api.Database) -> Sequence[processes.Conductor]:  # noqa: A001
    """All that ever gave a sign and did not leave; ``beat_at`` (naive UTC) tells who lives."""
    with db.reader() as session:
        rows = session.scalars(
            sa.select(processes.Conductor).order_by(processes.Conductor.host)
        ).all()
        session.expunge_all()
        return rows


@api.retry
def running(db: api.Database) -> Mapping[str, int]:
    """By conductor, how many transfers it carries out."""
    row = models.Transfer
    with db.reader() as session:
        found = session.execute(
            sa.select(row.owner, sa.func.count())
            .where(row.state == str(TransferState.RUNNING), row.owner.is_not(None))
            .group_by(row.owner)
        )
        return {str(owner): count for owner, count in found}


@api.retry
def forget(db: api.Database, silent: datetime.timedelta) -> None:
    """Remove conductors that gave no sign for so long."""
    before = clock.after(-silent.total_seconds())
    with db.writer() as session:
        session.execute(sa.delete(processes.Conductor).where(processes.Conductor.beat_at < before))
