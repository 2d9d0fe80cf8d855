"""What columns see of the contents that they are wished to hold, as their last scans told."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from glint import objects
from glint.db import api, models
from glint.plan import SeenCopy

_D, _S = models.Deployment, models.Seen


def seen(
    session: orm.Session, images: Mapping[str, objects.Image], cells: Sequence[objects.Deployment]
) -> Mapping[str, Sequence[SeenCopy]]:
    """By cell, what its column sees of its image's content, without what other cells hold.

    :param images: by id, those of the cells.
    """
    digests = {d for cell in cells for d in images[cell.image_id].digests.values()}
    query = sa.select(_S).where(
        _S.credential_id.in_({cell.credential_id for cell in cells}),
        _S.os_hash_value.in_(digests),
        # What bears a stamp and is held by no cell may be swept at any moment.
        _S.stamp_deployment.is_(None),
    )
    found: dict[tuple[str, str | None], list[models.Seen]] = collections.defaultdict(list)
    for row in session.scalars(query):
        found[row.credential_id, row.os_hash_value].append(row)
    holders = _holders(session, [row for rows in found.values() for row in rows])
    return {
        cell.id: [
            SeenCopy(s.remote_id, s.status, s.size, s.os_hash_algo, s.os_hash_value, stamped=False)
            for digest in dict.fromkeys(images[cell.image_id].digests.values())
            for s in found.get((cell.credential_id, digest), ())
            if not holders[s.credential_id, s.remote_id] - {cell.id}
        ]
        for cell in cells
    }


def _holders(
    session: orm.Session, rows: Sequence[models.Seen]
) -> Mapping[tuple[str, str | None], set[str]]:
    """Which cells hold what is there, by column and remote id."""
    query = sa.select(_D.id, _D.credential_id, _D.remote_id).where(
        _D.credential_id.in_({row.credential_id for row in rows}),
        _D.remote_id.in_({row.remote_id for row in rows}),
    )
    found: dict[tuple[str, str | None], set[str]] = collections.defaultdict(set)
    for cell in session.execute(query) if rows else ():
        found[cell.credential_id, cell.remote_id].add(cell.id)
    return found


@api.retry
def seen_of(db: api.Database, image: objects.Image, cell: objects.Deployment) -> Sequence[SeenCopy]:
    """See :func:`seen`, for one cell and in a transaction of its own."""
    with db.reader() as session:
        return seen(session, {image.id: image}, [cell])[cell.id]
