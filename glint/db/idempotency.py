"""Creating requests that a client may repeat: the same key means the same request.

What is made in one transaction takes its key in that transaction, so that of two requests at once
the second waits for the first and then finds what it made. What takes longer, because a site is
asked in between, holds its key for a while; the second is told to come again.
"""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, models

#: For how long a key is remembered.
KEPT = datetime.timedelta(hours=24)

_K = models.IdempotencyKey


def claim(
    session: orm.Session, key: objects.RequestKey, *, lease: float = 0.0
) -> models.IdempotencyKey | None:
    """The row of an earlier request, or None after this one became the first.

    :param lease: seconds that this one may take.
    :raises IdempotencyKeyReused: the key was used for another request.
    :raises DBDuplicateEntry: another request was faster; try again.
    """
    now = models.utcnow()
    row = session.get(_K, key.id)
    if row is not None and row.created_at < now - KEPT:
        session.delete(row)
        session.flush()
        row = None
    if row is None:
        until = now + datetime.timedelta(seconds=lease)
        session.add(_K(id=key.id, request=key.request, created_at=now, until=until))
        session.flush()
        return None
    if row.request != key.request:
        raise exception.IdempotencyKeyReused
    return row


@api.retry
def begin(db: api.Database, key: objects.RequestKey, *, lease: float) -> str | None:
    """The id of what an earlier request made, or None: this one is to make it.

    :raises IdempotencyInProgress: an earlier one is at work, and has been for less than ``lease``.
    """
    try:
        with db.writer() as session:
            row = claim(session, key, lease=lease)
            if row is None or row.made_id is not None:
                return None if row is None else row.made_id
            now = models.utcnow()
            # Whoever was at work has died.
            taken = session.execute(
                sa.update(_K)
                .where(_K.id == key.id, _K.made_id.is_(None), _K.until < now)
                .values(until=now + datetime.timedelta(seconds=lease))
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]
                raise exception.IdempotencyInProgress
            return None
    except db_exc.DBDuplicateEntry as error:
        raise api.Again from error


@api.retry
def finish(db: api.Database, key: objects.RequestKey, made_id: str | None) -> None:
    """Keep what was made; nothing was made (None): the key is free again."""
    with db.writer() as session:
        mine = sa.and_(_K.id == key.id, _K.made_id.is_(None))
        if made_id is None:
            session.execute(sa.delete(_K).where(mine))
        else:
            session.execute(sa.update(_K).where(mine).values(made_id=made_id))


@api.retry
def forget(db: api.Database) -> None:
    """Let go of keys that are older than their time."""
    with db.writer() as session:
        session.execute(sa.delete(_K).where(_K.created_at < models.utcnow() - KEPT))
