"""Figures about the whole service, for monitoring: a handful of cheap statements."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from glint.db import api, clock, models, processes
from glint.states import SiteHealth, TransferState

_T = models.Transfer

#: A conductor gives a sign every 15 s; without one for so many seconds it does not count.
SILENCE = 60.0


@dataclasses.dataclass
class SiteFigures:
    """One site. Times are seconds.

    :ivar healthy: None where nobody has asked it yet.
    :ivar waited: for how long its longest waiting transfer could have been claimed.
    :ivar scan_age: since the oldest inventory of its credentials; None where it has none.
    """

    id: str
    name: str
    type: str
    enabled: bool
    healthy: bool | None
    queued: int = 0
    running: int = 0
    waited: float = 0.0
    scan_age: float | None = None


@dataclasses.dataclass(frozen=True)
class Figures:
    """The service.

    :ivar deployments: cells by status.
    :ivar pending: cells whose wish waits for a plan.
    :ivar orphaned: running transfers whose lease has ended.
    :ivar conductors: that live.
    """

    sites: Sequence[SiteFigures]
    deployments: Mapping[str, int]
    pending: int
    orphaned: int
    conductors: int


def figures(db: api.Database) -> Figures:
    """Read them all. Not tried again: who asks for statistics asks again soon."""
    deployment, conductor = models.Deployment, processes.Conductor
    living = conductor.beat_at > clock.after(-SILENCE)
    ended = sa.and_(_T.state == str(TransferState.RUNNING), _T.lease_until < clock.now())
    statuses = sa.select(deployment.status, sa.func.count()).group_by(deployment.status)
    with db.reader() as session:
        now = session.scalars(sa.select(clock.now())).one()
        return Figures(
            sites=_sites(session, now),
            deployments={row[0]: row[1] for row in session.execute(statuses)},
            pending=_count(session, deployment.id, deployment.pending.is_(True)),
            orphaned=_count(session, _T.id, ended),
            conductors=_count(session, conductor.id, living),
        )


def _count(
    session: orm.Session, column: orm.InstrumentedAttribute[str], where: sa.ColumnElement[bool]
) -> int:
    return session.scalar(sa.select(sa.func.count(column)).where(where)) or 0


def _sites(session: orm.Session, now: datetime.datetime) -> Sequence[SiteFigures]:
    site = models.Site
    rows = session.execute(
        sa.select(site.id, site.name, site.type, site.enabled, site.health)
        .where(site.draft.is_(False))
        .order_by(site.created_at, site.id)
    )
    found = {row.id: _site(row) for row in rows}
    _queues(session, now, found)
    _scans(session, now, found)
    return [*found.values()]


def _site(row: sa.Row) -> SiteFigures:
    known = row.health != str(SiteHealth.UNKNOWN)
    healthy = row.health == str(SiteHealth.OK) if known else None
    return SiteFigures(row.id, row.name, row.type, row.enabled, healthy)


def _queues(session: orm.Session, now: datetime.datetime, found: Mapping[str, SiteFigures]) -> None:
    live = [str(TransferState.QUEUED), str(TransferState.RUNNING)]
    rows = session.execute(
        sa.select(_T.site_id, _T.state, sa.func.count(), sa.func.min(_T.next_run_at))
        .where(_T.state.in_(live))
        .group_by(_T.site_id, _T.state)
    )
    for site_id, state, count, oldest in rows:
        one = found.get(site_id)
        if one is None:
            continue
        if state == str(TransferState.RUNNING):
            one.running = count
        else:
            one.queued, one.waited = count, max(0.0, (now - oldest).total_seconds())


def _scans(session: orm.Session, now: datetime.datetime, found: Mapping[str, SiteFigures]) -> None:
    credential = models.Credential
    # A credential that was never scanned has waited since it was made.
    oldest = sa.func.min(sa.func.coalesce(credential.scanned_at, credential.created_at))
    rows = session.execute(
        sa.select(credential.site_id, oldest)
        .where(credential.draft.is_(False))
        .group_by(credential.site_id)
    )
    for site_id, since in rows:
        if site_id in found:
            found[site_id].scan_age = max(0.0, (now - since).total_seconds())
