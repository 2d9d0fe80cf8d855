"""What changed in the matrix since a client looked last.

Rows bear the time at which they were written, by the clock of whoever wrote them, and can be seen
only when their transaction ends. So whoever asks "since T" is told everything written since
``T - OVERLAP``: what was written before and committed after T is among it, as long as writing and
committing are less than OVERLAP apart. A transaction that lasted longer says so when it commits
(:func:`late`), and whoever asks for changes then has to read everything again. Clocks of hosts may
differ by OVERLAP less LONGEST.

What is told twice does no harm: it is the state, not the change.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from glint import objects
from glint.db import models
from glint.states import TransferState

#: Seconds that are told again, and seconds after which a transaction has lasted too long.
OVERLAP = 60.0
LONGEST = 20.0

#: For how long deletions are remembered.
KEPT = datetime.timedelta(hours=24)

#: Values in one statement.
CHUNK = 500

_D, _I, _T = models.Deployment, models.Image, models.Transfer


@dataclasses.dataclass(frozen=True)
class Found:
    """Ids of what changed.

    :ivar images: rows that changed, themselves or in a cell.
    :ivar cells: of these, the cells that changed.
    :ivar deleted: images that are gone.
    """

    images: Sequence[str]
    cells: Sequence[str]
    deleted: Sequence[str]


def find(
    session: orm.Session,
    scope: objects.Scope,
    column_ids: Sequence[str],
    since: datetime.datetime,
    limit: int,
) -> Found | None:
    """What changed since a time; None where everything has to be read again.

    :param limit: rows that can be told.
    """
    start, now = since - datetime.timedelta(seconds=OVERLAP), models.utcnow()
    if not now - KEPT <= start <= now:
        return None
    gone = session.execute(
        sa.select(models.Deletion.image_id).where(
            models.Deletion.at >= start,
            sa.or_(
                models.Deletion.project_id == scope.project_id,
                models.Deletion.project_id.is_(None),
            ),
        )
    )
    deleted = [row.image_id for row in gone]
    if None in deleted:
        return None
    cells = _cells(session, column_ids, start, limit * max(1, len(column_ids)))
    if cells is None:
        return None
    rows = session.scalars(
        sa.select(_I.id)
        .where(_I.project_id == scope.project_id, _I.updated_at >= start)
        .limit(limit + 1)
    )
    images = {*rows, *cells.values()}
    if len(images) > limit:
        return None
    return Found(sorted(images), [*cells], deleted)


def _cells(
    session: orm.Session, column_ids: Sequence[str], start: datetime.datetime, most: int
) -> Mapping[str, str] | None:
    """Image by cell; None where they are more than ``most``.

    Progress is written to transfers only, so what runs has always changed.
    """
    running = session.scalars(
        sa.select(_T.live).where(
            _T.state == str(TransferState.RUNNING), _T.credential_id.in_(column_ids)
        )
    ).all()
    query = sa.select(_D.id, _D.image_id).where(_D.credential_id.in_(column_ids))
    found: dict[str, str] = {}
    for part in (_D.updated_at >= start, _D.id.in_(running)):
        rows = session.execute(query.where(part).limit(most + 1))
        found.update((row.id, row.image_id) for row in rows)
    return found if len(found) <= most else None


def late(session: orm.Session) -> None:
    """The caller's transaction lasted longer than LONGEST: its times say nothing any more."""
    session.add(models.Deletion())


def deleted(session: orm.Session, project_id: str, image_id: str) -> None:
    """An image is removed in the caller's transaction."""
    session.add(models.Deletion(project_id=project_id, image_id=image_id))


def forget(session: orm.Session) -> None:
    """Let go of deletions that nobody can ask for any more."""
    before = models.utcnow() - KEPT
    session.execute(sa.delete(models.Deletion).where(models.Deletion.at < before))


# Conflicts are shown with a row although they come from others: these have changed then too.


def touch_names(session: orm.Session, project_id: str, names: Iterable[str]) -> None:
    """Images of these names may have got or lost a conflict."""
    session.execute(
        sa.update(_I)
        .where(_I.project_id == project_id, _I.name.in_([*names]))
        .values(updated_at=models.utcnow())
        .execution_options(synchronize_session=False)
    )


Labels = Mapping[tuple[str | None, str | None, str], int]


def labels(session: orm.Session, credential_id: str) -> Labels:
    """How often a column sees each content under each name: algorithm, hash, name."""
    seen = models.Seen
    rows = session.execute(
        sa.select(seen.os_hash_algo, seen.os_hash_value, seen.name).where(
            seen.credential_id == credential_id,
            seen.os_hash_value.is_not(None),
            seen.stamp_deployment.is_(None),
        )
    )
    return collections.Counter((row[0], row[1], row[2]) for row in rows)


def touch_contents(session: orm.Session, identities: Iterable[str | None]) -> None:
    """Contents with these identities are seen under other names than before."""
    ids = [ident for ident in identities if ident is not None]
    for start in range(0, len(ids), CHUNK):
        session.execute(
            sa.update(_I)
            .where(_I.identity.in_(ids[start : start + CHUNK]))
            .values(updated_at=models.utcnow())
            .execution_options(synchronize_session=False)
        )
