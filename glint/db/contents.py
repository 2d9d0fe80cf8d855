"""Images whose content does not come from a site: uploaded files, and URLs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, changes, convert, images, models
from glint.states import LIVE, DeploymentStatus, ImageOrigin

_I = models.Image


@api.retry
def create(
    db: api.Database, scope: objects.Scope, *, ident: str, origin: str, **values: Any
) -> objects.Image:
    """A row of the catalogue whose content is still to come.

    :param values: labels; ``size`` (bytes) and ``expected`` (algorithm -> hex digest) as far as
        the user told them; ``source_url`` of an image of that origin.
    """
    with db.writer() as session:
        row = session.get(_I, ident)
        if row is None:  # else an answer of the database was lost, and this is the second try
            row = _I(
                id=ident,
                project_id=scope.project_id,
                user_id=scope.user_id,
                origin=origin,
                protected=False,
                os_hidden=False,
                digests={},
                **values,
            )
            session.add(row)
            session.flush()
            changes.touch_names(session, scope.project_id, [row.name])
        return convert.image(row)


@api.retry
def fill(
    db: api.Database,
    ident: str,
    *,
    kept: str,
    size: int,
    digests: Mapping[str, str],
    algorithm: str,
) -> objects.Image:
    """The bytes lie in the upload folder: from now on the image has its content, once and for all.

    :param algorithm: of ``digests``, the one that names the content.
    :raises ImageHasContent: somebody else was faster.
    :raises SameContent: another image of the project has this content.
    :raises NotFound: the image was removed meanwhile.
    """
    try:
        with db.writer() as session:
            row = session.get(_I, ident, with_for_update=True)
            if row is None:
                raise exception.NotFound("image", ident)
            if row.kept == kept:
                return convert.image(row)
            if row.digests or row.kept:
                raise exception.ImageHasContent(image=ident)
            other = _same(session, row, size, digests)
            if other is not None and row.origin == ImageOrigin.FILE:
                raise exception.SameContent(other=other)
            row.kept, row.size, row.digests = kept, size, dict(digests)
            row.os_hash_algo, row.os_hash_value = algorithm, digests[algorithm]
            if other is None:  # else a URL turned out to hold what is known under another name
                row.identity = images.identity(row.project_id, algorithm, digests[algorithm])
            row.generation += 1
            session.flush()
            return convert.image(row)
    except db_exc.DBDuplicateEntry as error:
        raise api.Again from error


def _same(
    session: orm.Session, row: models.Image, size: int, digests: Mapping[str, str]
) -> str | None:
    """Another image of the project with this content; md5 and sha1 alone do not prove it."""
    strong = {a: d for a, d in digests.items() if a not in ("md5", "sha1")}
    rows = session.scalars(
        sa.select(_I).where(_I.project_id == row.project_id, _I.size == size, _I.id != row.id)
    )
    same = (r.id for r in rows if any(r.digests.get(a) == d for a, d in strong.items()))
    return next(same, None)


@api.retry
def is_named(db: api.Database, kept: str) -> bool:
    """Whether an image's bytes are a file of the upload folder."""
    with db.reader() as session:
        return session.scalar(sa.select(_I.id).where(_I.kept == kept).limit(1)) is not None


@api.retry
def settled(db: api.Database) -> Sequence[tuple[str, str]]:
    """Ids and files of images whose bytes need not be kept any more.

    A site holds the file, proven, and no copy of them waits or runs.
    """
    cell, transfer = models.Deployment, models.Transfer
    there = sa.exists().where(
        cell.image_id == _I.id,
        cell.status == str(DeploymentStatus.ACTIVE),
        cell.wanted.is_(True),
        cell.as_disk.is_(False),
        cell.verified_at.is_not(None),
    )
    at_work = sa.exists().where(
        transfer.image_id == _I.id, transfer.state.in_([str(state) for state in LIVE])
    )
    waiting = sa.exists().where(cell.image_id == _I.id, cell.pending.is_(True))
    query = sa.select(_I.id, _I.kept).where(_I.kept.is_not(None), there, ~at_work, ~waiting)
    with db.reader() as session:
        return [(row.id, row.kept) for row in session.execute(query.limit(100))]


@api.retry
def release(db: api.Database, ident: str, kept: str) -> bool:
    """The image is read from its sites from now on; True where the file may go."""
    with db.writer() as session:
        done = session.execute(
            sa.update(_I).where(_I.id == ident, _I.kept == kept).values(kept=None)
        )
        return bool(done.rowcount == 1)  # type: ignore[attr-defined]
