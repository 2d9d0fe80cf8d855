"""What stands in the way of forgetting an image or a column."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception
from glint.db import models
from glint.states import LIVE

#: So many are named; of the others it is told how many they are.
NAMED = 10

_D, _T = models.Deployment, models.Transfer


def check(
    session: orm.Session,
    resource: str,
    ident: str,
    transfers: Any,
    cells: Any,
    *,
    force: bool | None = None,
) -> None:
    """Refuse while work or copies would lose what they belong to.

    :param transfers: the column of transfers that names the thing; ``cells`` that of deployments.
    :param force: copies do not count, work does; None where there is no such choice.
    :raises InUse: and what stands in the way.
    """
    live = _T.state.in_([str(state) for state in LIVE])
    found = _named(session, "transfer", _T.id, transfers == ident, live)
    if not force:
        mine = cells == ident
        found += _named(session, "wanted deployment", _D.id, mine, _D.wanted.is_(True))
        # Forgotten, they would be taken for another Glint's and never be removed.
        left = _D.wanted.is_(False) & _D.stamped.is_(True) & _D.remote_id.is_not(None)
        found += _named(session, "copy made by Glint in deployment", _D.id, mine, left)
    if found:
        hint = "" if force is not False or "transfer" in found[0] else " (or force the deletion)"
        raise exception.InUse(resource, ident, ", ".join(found) + hint)


def _named(
    session: orm.Session, what: str, column: Any, *where: sa.ColumnElement[bool]
) -> list[str]:
    ids = session.scalars(sa.select(column).where(*where).order_by(column).limit(NAMED)).all()
    named = [f"{what} {ident}" for ident in ids]
    if len(ids) == NAMED:
        count = session.scalar(sa.select(sa.func.count()).select_from(column.class_).where(*where))
        more = (count or 0) - NAMED
        named += [f"{more} more"] if more else []
    return named
