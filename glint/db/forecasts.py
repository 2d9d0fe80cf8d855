"""What would become of changed cells, as far as the database knows: of a Save and its dry run.

Both come from :func:`judge`, so that a dry run refuses what the Save would refuse.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import objects
from glint.db import api, convert, copies, models, packed, transfers, wishes
from glint.methods import Column, Holder
from glint.plan import Claims, Forecast, Situation, foresee, ranked
from glint.states import LIVE, DeploymentStatus, PlannedAction, TransferKind, TransferState

_T = models.Transfer

#: Pairs of ids in one statement.
CHUNK = 500


@api.retry
def preview(
    db: api.Database, scope: objects.Scope, changes: Sequence[objects.WishedChange]
) -> Sequence[Forecast]:
    """What a Save and then the conductor would do with each change; nothing is written.

    :raises NotFound: an image or credential is not there, or another project's.
    :raises GenerationConflict: an image's row changed since the caller read it.
    """
    with db.reader() as session:
        cells = [place.cell for place in wishes.find(session, scope, changes, lock=False)]
        pairs = [*zip(changes, cells, strict=True)]
        known = {cell.id for change, cell in pairs if not wishes.is_news(cell, change.wanted)}
        running = transfers.live(session, known)
        fresh = [_wished(cell, change) for change, cell in pairs if cell.id not in known]
        judged = iter(judge(session, fresh))
        return [
            _as_wished(running.get(cell.id)) if cell.id in known else next(judged) for cell in cells
        ]


def _as_wished(running: str | None) -> Forecast:
    at_work = f"; transfer {running} is at work" if running else ""
    return Forecast(PlannedAction.NOTHING, f"it is wished so already{at_work}")


def _wished(cell: models.Deployment, change: objects.WishedChange) -> objects.Deployment:
    """A cell as a Save would leave it."""
    return dataclasses.replace(
        convert.deployment(cell),
        wanted=change.wanted,
        pending=True,
        status=DeploymentStatus(wishes.status_with_news(cell.status)),
        allow_foreign=change.allow_foreign,
        allow_last_copy=change.allow_last_copy,
    )


def judge(session: orm.Session, changed: Sequence[objects.Deployment]) -> Sequence[Forecast]:
    """The forecast of each cell, in their order.

    :param changed: cells as they are with their new wishes, whether written already or not.
    """
    return _Judge(session, changed).run()


class _Judge:
    """What several cells of one Save need is read once."""

    def __init__(self, session: orm.Session, changed: Sequence[objects.Deployment]) -> None:
        self._session = session
        self._changed = changed
        self._now = models.utcnow()
        self._images = self._load_images()
        self._cells = self._load_cells()
        credential_ids = {c.credential_id for cells in self._cells.values() for c in cells}
        self._columns = _columns(session, credential_ids)
        self._remotes = _remotes(session, [c for cells in self._cells.values() for c in cells])
        self._busy = self._load_busy()
        wanted = [cell for cell in changed if cell.wanted]
        self._seen = copies.seen(session, self._images, wanted)
        mine = {c.credential_id: self._columns[c.credential_id] for c in changed}
        self._claims = claims(session, mine, [c.id for c in changed])
        self._give_back()

    def _load_images(self) -> dict[str, objects.Image]:
        ids = {cell.image_id for cell in self._changed}
        rows = self._session.scalars(sa.select(models.Image).where(models.Image.id.in_(ids)))
        return {row.id: convert.image(row) for row in rows}

    def _load_cells(self) -> dict[str, list[objects.Deployment]]:
        """All cells of the images, the changed ones as they will be."""
        rows = packed.rows(
            self._session,
            convert.DEPLOYMENT_COLUMNS,
            models.Deployment.image_id.in_([*self._images]),
        )
        known = {cell.id: cell for cell in map(convert.deployment_of, rows)}
        known.update({cell.id: cell for cell in self._changed})
        found: dict[str, list[objects.Deployment]] = {}
        for cell in known.values():
            found.setdefault(cell.image_id, []).append(cell)
        return found

    def _load_busy(self) -> set[str | None]:
        ids = [cell.id for cell in self._changed]
        running = _T.state == str(TransferState.RUNNING)
        return {*self._session.scalars(sa.select(_T.live).where(_T.live.in_(ids), running))}

    def _give_back(self) -> None:
        """What is removed along with it may make the room; the conductor will see."""
        for cell in self._changed:
            if not cell.wanted and cell.remote_id is not None:
                size = self._images[cell.image_id].size or 0
                self._claim(cell.credential_id, -size, -1)

    def _claim(self, credential_id: str, size: int, images: int) -> None:
        known = self._claims[credential_id]
        self._claims[credential_id] = Claims(known.bytes + size, known.images + images)

    def run(self) -> Sequence[Forecast]:
        found = []
        for cell in self._changed:
            forecast = foresee(self._situation(cell), self._now)
            if forecast.method is not None:
                self._claim(cell.credential_id, forecast.bytes or 0, 1)
            found.append(forecast)
        return found

    def _situation(self, cell: objects.Deployment) -> Situation:
        image = self._images[cell.image_id]
        others = [c for c in self._cells[cell.image_id] if c.id != cell.id]
        return Situation(
            image=image,
            cell=cell,
            column=self._columns[cell.credential_id],
            seen=self._seen.get(cell.id, ()),
            others=others,
            holders=[
                _holder(c, self._columns, self._remotes)
                for c in ranked(others, [cell.credential_id])
            ],
            claims=self._claims[cell.credential_id],
            protected=self._is_protected(image, cell),
            busy=cell.id in self._busy,
        )

    def _is_protected(self, image: objects.Image, cell: objects.Deployment) -> bool:
        """As last seen; a copy that no scan has seen yet has what Glint gave it."""
        seen = self._remotes.get((cell.credential_id, cell.remote_id or ""))
        if seen is not None:
            return seen.protected
        refused = any(entry.get("item") == "protected" for entry in cell.not_carried)
        return cell.remote_id is not None and cell.stamped and image.protected and not refused


def _columns(session: orm.Session, credential_ids: Iterable[str]) -> dict[str, Column]:
    credential = models.Credential
    rows = session.scalars(sa.select(credential).where(credential.id.in_([*credential_ids])))
    return {
        row.id: Column(convert.credential(row), convert.site(row.site)) for row in rows.unique()
    }


_Remotes = Mapping[tuple[str, str], models.Seen]


def _remotes(session: orm.Session, cells: Sequence[objects.Deployment]) -> _Remotes:
    """What the inventory says of the copies in cells."""
    seen = models.Seen
    found = {}
    held = sorted({(c.credential_id, c.remote_id) for c in cells if c.remote_id})
    key = sa.tuple_(seen.credential_id, seen.remote_id)
    for start in range(0, len(held), CHUNK):
        pairs = held[start : start + CHUNK]
        for row in session.scalars(sa.select(seen).where(key.in_(pairs))):
            found[row.credential_id, row.remote_id] = row
    return found


def _holder(cell: objects.Deployment, columns: Mapping[str, Column], remotes: _Remotes) -> Holder:
    seen = remotes.get((cell.credential_id, cell.remote_id or ""))
    return Holder(cell, columns[cell.credential_id], seen.visibility if seen else None)


@api.retry
def holders(
    db: api.Database, image_id: str, exclude: Iterable[str]
) -> tuple[Sequence[Holder], Mapping[str, Column]]:
    """Possible sources of an image, the best first; and the columns of those that are none.

    :param exclude: credentials: destinations are no sources.
    """
    without = {*exclude}
    with db.reader() as session:
        rows = session.scalars(
            sa.select(models.Deployment).where(models.Deployment.image_id == image_id)
        )
        cells = ranked([convert.deployment(row) for row in rows], without)
        columns = _columns(session, {c.credential_id for c in cells} | without)
        remotes = _remotes(session, cells)
        found = [_holder(cell, columns, remotes) for cell in cells]
    return found, {ident: columns[ident] for ident in without if ident in columns}


def claims(
    session: orm.Session, columns: Mapping[str, Column], without: Sequence[str] = ()
) -> dict[str, Claims]:
    """What will come to columns, or has come, that their quotas do not count yet.

    Copies that wait or run, or were done after the quota was told; and wishes that wait for their
    transfer. What is removed is taken off: rather too little is claimed than too much.

    :param without: deployments that do not count.
    """
    found = dict.fromkeys(columns, Claims())
    told = {ident: column.grants.quota_at for ident, column in columns.items()}
    since = min(filter(None, told.values()), default=None)
    for row in session.execute(_moving(columns, without, since)):
        before = told[row.credential_id]
        if row.finished_at is not None and (before is None or row.finished_at < before):
            continue
        found[row.credential_id] = _added(found[row.credential_id], row)
    for row in session.execute(_waiting(columns, without)):
        known = found[row.credential_id]
        found[row.credential_id] = Claims(known.bytes + (row.size or 0), known.images + 1)
    return found


def _added(known: Claims, row: sa.Row[Any]) -> Claims:
    size = row.size or 0
    if row.kind == TransferKind.REMOVE:
        return Claims(known.bytes - size, known.images - 1)
    # The record of one that runs may be counted already.
    one = 1 if row.state == TransferState.QUEUED else 0
    return Claims(known.bytes + size, known.images + one)


def _moving(
    columns: Iterable[str], without: Sequence[str], since: datetime.datetime | None
) -> sa.Select[*tuple[Any, ...]]:
    at_hand: sa.ColumnElement[bool] = _T.state.in_([str(s) for s in LIVE])
    kinds = [str(kind) for kind in (TransferKind.COPY, TransferKind.REMOVE)]
    if since is not None:
        done = sa.and_(_T.state == str(TransferState.DONE), _T.finished_at >= since)
        at_hand = sa.or_(at_hand, done)
    return (
        sa.select(_T.credential_id, _T.kind, _T.state, _T.finished_at, models.Image.size)
        .join(models.Image, models.Image.id == _T.image_id)
        .where(_T.credential_id.in_([*columns]), _T.kind.in_(kinds))
        .where(at_hand)
        .where(_T.deployment_id.not_in([*without]))
    )


def _waiting(columns: Iterable[str], without: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    deployment = models.Deployment
    return (
        sa.select(deployment.credential_id, models.Image.size)
        .join(models.Image, models.Image.id == deployment.image_id)
        .where(
            deployment.credential_id.in_([*columns]),
            deployment.pending.is_(True),
            deployment.wanted.is_(True),
            deployment.remote_id.is_(None),
            deployment.id.not_in([*without]),
            deployment.id.not_in(sa.select(_T.live).where(_T.live.is_not(None))),
        )
    )
