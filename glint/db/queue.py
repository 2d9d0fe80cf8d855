"""Transfers as a queue: claims by compare-and-swap, leases, fenced moves.

Every write about a running transfer names its fence; a conductor that lost its lease changes
nothing. Reading candidates and claiming one are two transactions: in one, MariaDB with snapshot
isolation aborts most of them.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from glint import objects
from glint.db import api, clock, convert, models
from glint.hours import is_open
from glint.states import TransferKind, TransferState

_T = models.Transfer
_RUNNING = str(TransferState.RUNNING)
_QUEUED = str(TransferState.QUEUED)
_COPY = str(TransferKind.COPY)

#: How many orphans or siblings are read at once. They are tried at random, so that conductors
#: rarely collide.
CANDIDATES = 64
#: Of so many sites candidates are read at once,
SITES = 8
#: and of each site so many.
PER_SITE = 8


@dataclasses.dataclass(frozen=True)
class Beat:
    """What a conductor's keeper says of one running transfer."""

    fence: int
    bytes_done: int
    rate: float


def _ready() -> sa.ColumnElement[bool]:
    """What may be claimed now, by the clock of the database: conductors' clocks may differ."""
    return sa.or_(_waiting(), _orphaned())


def _waiting() -> sa.ColumnElement[bool]:
    return sa.and_(_T.state == _QUEUED, _T.next_run_at <= clock.now())


def _orphaned() -> sa.ColumnElement[bool]:
    return sa.and_(_T.state == _RUNNING, _T.lease_until < clock.now())


def _closed(session: orm.Session) -> list[str]:
    """Sites that take no copies at this hour."""
    site = models.Site
    timed = session.execute(sa.select(site.id, site.hours).where(site.hours.is_not(None)))
    return [row.id for row in timed if not is_open(row.hours, models.utcnow())]


def _allowed(closed: Sequence[str]) -> sa.ColumnElement[bool]:
    """Sites that are enabled, and for copies within their hours."""
    in_time = sa.or_(_T.kind != _COPY, models.Site.id.not_in(closed))
    return sa.and_(models.Site.enabled.is_(True), in_time)


@api.retry
def candidates(
    db: api.Database, full: Collection[str] = ()
) -> Sequence[tuple[objects.Transfer, int]]:
    """Transfers that could be claimed now, each with its site's limit, in random order.

    Of each site the smallest images come first, and each site has the same chance of a place among
    the candidates: a long queue at one does not hide the others. Sites without a free slot are left
    out. What is read does not grow with the queues.

    :param full: projects that may not run more.
    """
    with db.reader() as session:
        closed = _closed(session)
        ids = [*session.scalars(sa.select(_T.id).where(_orphaned()).limit(CANDIDATES))]
        sites = _with_room(session)
        for chosen in (
            _some([one for one in sites if one not in closed]),
            _some([one for one in sites if one in closed]),
        ):
            if chosen:
                ids += session.scalars(_first_of(chosen, closed, full))
        query = (
            sa.select(_T, models.Site.max_transfers)
            .join(models.Site, models.Site.id == _T.site_id)
            .where(_T.id.in_(ids), _allowed(closed))
        )
        found = [(convert.transfer(row), limit) for row, limit in session.execute(query)]
    random.shuffle(found)
    return found


def _with_room(session: orm.Session) -> Sequence[str]:
    """Sites where something waits and a slot is free."""
    site = models.Site
    used = (
        sa.select(sa.func.count())
        .where(_T.site_id == site.id, _T.slot.is_not(None))
        .scalar_subquery()
    )
    # Not EXISTS, which MariaDB answers by reading the whole queue.
    waits = sa.select(_T.id).where(_T.site_id == site.id, _waiting()).limit(1).scalar_subquery()
    query = sa.select(site.id).where(
        site.enabled.is_(True), waits.is_not(None), used < site.max_transfers
    )
    return session.scalars(query).all()


def _some(sites: list[str]) -> list[str]:
    return random.sample(sites, min(len(sites), SITES))


def _first_of(
    sites: Sequence[str], closed: Sequence[str], full: Collection[str]
) -> sa.Select[tuple[str]]:
    """The ids of those that come first at each site, each from its part of an index."""
    parts = []
    for ident in sites:
        query = sa.select(_T.id).where(_T.site_id == ident, _waiting())
        if ident in closed:
            query = query.where(_T.kind != _COPY, _T.weight == 0)
        if full:
            query = query.where(_T.project_id.not_in([*full]))
        first = query.order_by(_T.weight, _T.next_run_at, _T.id).limit(PER_SITE).subquery()
        parts.append(sa.select(first.c.id))
    return sa.select(sa.union_all(*parts).subquery().c.id)


@api.retry
def siblings(db: api.Database, first: objects.Transfer) -> Sequence[tuple[objects.Transfer, int]]:
    """Waiting copies of the same image, to be claimed together with ``first``."""
    with db.reader() as session:
        query = (
            sa.select(_T, models.Site.max_transfers)
            .join(models.Site, models.Site.id == _T.site_id)
            .where(
                _T.image_id == first.image_id,
                _T.kind == _COPY,
                _T.id != first.id,
                _T.alone.is_(False),
                _ready(),
                _allowed(_closed(session)),
            )
            .order_by(_T.next_run_at, _T.id)
            .limit(CANDIDATES)
        )
        return [(convert.transfer(row), limit) for row, limit in session.execute(query)]


@api.retry
def claim(
    db: api.Database, transfer: objects.Transfer, owner: str, *, limit: int, lease: float
) -> objects.Transfer | None:
    """Take one transfer, waiting or orphaned; None where another conductor was faster.

    :param limit: running transfers that the site allows.
    :param lease: seconds.
    """
    slot = _orphan_slot(db, transfer) if transfer.state == TransferState.RUNNING else None
    if slot is None:
        slot = _free_slot(db, transfer.site_id, limit)
    if slot is None:
        return None
    try:
        with db.writer() as session:
            won = session.execute(
                sa.update(_T)
                .where(_T.id == transfer.id, _T.fence == transfer.fence)
                .where(_T.state == str(transfer.state), _ready())
                .execution_options(**api.BLIND)
                .values(
                    state=_RUNNING,
                    owner=owner,
                    fence=transfer.fence + 1,
                    slot=slot,
                    lease_until=clock.after(lease),
                    attempts=_T.attempts + 1,
                    started_at=sa.func.coalesce(_T.started_at, clock.now()),
                    bytes_done=0,
                    rate=0.0,
                    phase=None,
                )
            )
            if won.rowcount != 1:  # type: ignore[attr-defined]
                return None
            return convert.transfer(session.get_one(_T, transfer.id))
    except db_exc.DBDuplicateEntry:
        # Another conductor took the slot.
        return None


def _orphan_slot(db: api.Database, transfer: objects.Transfer) -> int | None:
    with db.reader() as session:
        return session.scalar(sa.select(_T.slot).where(_T.id == transfer.id))


def _free_slot(db: api.Database, site_id: str, limit: int) -> int | None:
    with db.reader() as session:
        used = set(
            session.scalars(sa.select(_T.slot).where(_T.site_id == site_id, _T.slot.is_not(None)))
        )
    free = [slot for slot in range(limit) if slot not in used]
    return random.choice(free) if free else None


@api.retry
def beat(
    db: api.Database, owner: str, running: Mapping[str, Beat], *, lease: float
) -> dict[str, tuple[int, bool]]:
    """Renew the leases of what a conductor runs and write all progress, in one statement.

    :returns: transfer id -> (fence, cancel) of what the conductor still owns.
    """
    mine = sa.and_(_T.owner == owner, _T.state == _RUNNING, _T.id.in_([*running]))
    if not running:
        return {}
    done = {ident: b.bytes_done for ident, b in running.items()}
    rate = {ident: b.rate for ident, b in running.items()}
    with db.writer() as session:
        session.execute(
            sa.update(_T)
            .where(mine)
            .values(
                lease_until=clock.after(lease),
                bytes_done=sa.case(done, value=_T.id, else_=_T.bytes_done),
                rate=sa.case(rate, value=_T.id, else_=_T.rate),
            )
        )
        rows = session.execute(sa.select(_T.id, _T.fence, _T.cancel).where(mine)).all()
        return {row.id: (row.fence, row.cancel) for row in rows}


@api.retry
def expire_all(db: api.Database) -> int:
    """End every lease now. Only for a process that knows to be alone with its database.

    :returns: how many transfers the process before it left running.
    """
    with db.writer() as session:
        done = session.execute(
            sa.update(_T).where(_T.state == _RUNNING).values(lease_until=clock.now())
        )
        return int(done.rowcount)  # type: ignore[attr-defined]
