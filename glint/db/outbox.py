"""The history as an outbox: events that the message broker was not told of yet.

An event is written in the transaction of what it tells, so nothing is told that did not happen, and
nothing that happened is forgotten while the broker is away.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from glint import objects
from glint.db import api, convert, models

_E = models.Event


@dataclasses.dataclass(frozen=True)
class Notice:
    """An event with what it is about. A name is None where the thing was deleted meanwhile.

    :ivar transfer: as it is now, which may be later than the event.
    """

    event: objects.Event
    image_name: str | None
    site_id: str | None
    site_name: str | None
    transfer: objects.Transfer | None


@api.retry
def pending(db: api.Database, limit: int) -> Sequence[Notice]:
    """The oldest events that were not sent, in their order."""
    image, site = models.Image, models.Site
    credential, transfer = models.Credential, models.Transfer
    query = (
        sa.select(_E, image.name, site.id, site.name, transfer)
        .outerjoin(image, image.id == _E.image_id)
        .outerjoin(credential, credential.id == _E.credential_id)
        .outerjoin(site, site.id == sa.func.coalesce(_E.site_id, credential.site_id))
        .outerjoin(transfer, transfer.id == _E.transfer_id)
        .where(_E.notified.is_(False))
        .order_by(_E.id)
        .limit(limit)
    )
    with db.reader() as session:
        return [
            Notice(
                convert.event(event), image_name, site_id, site_name,
                convert.transfer(moved) if moved is not None else None,
            )
            for event, image_name, site_id, site_name, moved in session.execute(query)
        ]  # fmt: skip


@api.retry
def sent(db: api.Database, event_id: int) -> bool:
    """An event is not sent again; returns False where somebody else had sent it."""
    with db.writer() as session:
        done = session.execute(
            sa.update(_E).where(_E.id == event_id, _E.notified.is_(False)).values(notified=True)
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]


@api.retry
def expire(db: api.Database, before: datetime.datetime, limit: int) -> int:
    """Let go of events that are too old to be sent; the history keeps them.

    :param limit: how many of the oldest are looked at.
    :returns: how many they were.
    """
    oldest = sa.select(_E.id, _E.at).where(_E.notified.is_(False)).order_by(_E.id).limit(limit)
    with db.reader() as session:
        old = [row.id for row in session.execute(oldest) if row.at < before]
    if not old:
        return 0
    with db.writer() as session:
        done = session.execute(
            sa.update(_E).where(_E.id.in_(old), _E.notified.is_(False)).values(notified=True)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]
