"""Duties: what one conductor at a time does for all of them."""

from __future__ import annotations

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glint.db import api, clock, processes


@api.retry
def hold(db: api.Database, name: str, owner: str, *, lease: float) -> bool:
    """Take a duty that is free, or go on with one's own.

    :param lease: seconds after which it is free again unless it was renewed by another call.
    :returns: False where another conductor has it.
    """
    row = processes.Duty
    free = sa.or_(row.owner == owner, row.until < clock.now())
    try:
        with db.writer() as session:
            taken = session.execute(
                sa.update(row)
                .where(row.name == name, free)
                .values(owner=owner, until=clock.after(lease))
                .execution_options(**api.BLIND)
            )
            if taken.rowcount == 1:  # type: ignore[attr-defined]
                return True
            if session.get(row, name) is not None:
                return False
            session.add(row(name=name, owner=owner, until=clock.after(lease)))
    except db_exc.DBDuplicateEntry:
        # Nobody had ever held it, and another conductor was faster.
        return False
    return True


@api.retry
def release(db: api.Database, name: str, owner: str) -> None:
    """Give a duty back before its lease ends."""
    row = processes.Duty
    with db.writer() as session:
        session.execute(sa.delete(row).where(row.name == name, row.owner == owner))
