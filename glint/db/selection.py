"""Which rows of the matrix are shown, by their cells and conflicts; and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import objects
from glint.db import credentials, models
from glint.states import DeploymentStatus

_D, _I, _S = models.Deployment, models.Image, models.Seen
_ACTIVE, _ABSENT = str(DeploymentStatus.ACTIVE), str(DeploymentStatus.ABSENT)

#: Filters of feature row G-14, by what :func:`glint.db.images.ownership` wrote.
SHOWS = {
    "mine": ("project", "project_public"),
    "shared": ("shared",),
    "public": ("public", "project_public"),
}

#: Up to so many cells of a kind are few among those of a large project.
FEW = 20_000

#: Statuses that most cells have: their counts would read them all.
_COMMON = (_ACTIVE, _ABSENT)

#: Something is at work in these cells, or waits for its turn.
_MOVING = tuple(
    str(status)
    for status in (
        DeploymentStatus.QUEUED,
        DeploymentStatus.COPYING,
        DeploymentStatus.VERIFYING,
        DeploymentStatus.REMOVING,
    )
)


def _other_than(status: str) -> list[str]:
    return [str(one) for one in DeploymentStatus if one != status]


# In the form in which databases find them by the index of cells: no negations, and "= true".
_DIFFERS = sa.or_(
    sa.and_(_D.wanted == sa.true(), _D.status.in_(_other_than(_ACTIVE))),
    sa.and_(_D.wanted == sa.false(), _D.status.in_(_other_than(_ABSENT))),
)
_PRESENT = _D.status.in_(_other_than(_ABSENT))


def clauses(
    session: orm.Session,
    scope: objects.Scope,
    column_ids: Sequence[str],
    chosen: objects.RowChoice,
) -> list[sa.ColumnElement[bool]]:
    """Clauses about images."""
    found: list[sa.ColumnElement[bool]] = []
    if chosen.show in SHOWS:
        found.append(_I.ownership.in_(SHOWS[chosen.show]))
    if chosen.differs is not None:
        found.append(_having(session, column_ids, chosen.differs, _DIFFERS))
    if chosen.present is not None:
        found.append(_having(session, column_ids, chosen.present, _PRESENT))
    if chosen.status:
        found.append(_with_status(session, column_ids, chosen.status))
    if chosen.conflict is not None:
        found.append(_CONFLICTS[chosen.conflict](scope))
    return found


def _having(
    session: orm.Session, column_ids: Sequence[str], wanted: bool, what: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Images with a cell of a kind, or (``wanted`` is False) without one.

    What few cells are is looked up by the index of cells, once; else it is tried image by image in
    the order of the page, which ends soon. Left to themselves, databases guess wrong in one case or
    other.
    """
    cells = sa.select(_D.image_id).where(_D.credential_id.in_(column_ids), what)
    tried = cells.where(_D.image_id == _I.id).exists()
    if not wanted:
        return ~tried
    some = cells.limit(FEW + 1).subquery()
    count = session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    if count > FEW:
        return tried
    few = cells.distinct().subquery()
    return _I.id.in_(sa.select(few.c.image_id))


def _with_status(
    session: orm.Session, column_ids: Sequence[str], statuses: Sequence[str]
) -> sa.ColumnElement[bool]:
    found = _having(session, column_ids, True, _D.status.in_(statuses))
    if _ABSENT not in statuses:
        return found
    # Where image and column never met there is no row.
    met = sa.select(sa.func.count()).where(
        _D.credential_id.in_(column_ids), _D.image_id == _I.id, _D.status != _ABSENT
    )
    return sa.or_(found, met.scalar_subquery() < len(column_ids))


def _same_name(scope: objects.Scope) -> sa.ColumnElement[bool]:
    names = _names(scope).subquery()
    return _I.name.in_(sa.select(names.c.name))


def _names(scope: objects.Scope) -> sa.Select[str, int]:
    """Names that several images have, and how many."""
    return (
        sa.select(_I.name, sa.func.count().label("images"))
        .where(_I.project_id == scope.project_id)
        .group_by(_I.name)
        .having(sa.func.count() > 1)
    )


def _seen(scope: objects.Scope) -> sa.Select[Any]:
    visible = credentials.visible(scope).with_only_columns(models.Credential.id)
    return sa.select(_S.os_hash_value).where(
        _S.credential_id.in_(visible), _S.stamp_deployment.is_(None)
    )


def _same_content(scope: objects.Scope) -> sa.ColumnElement[bool]:
    return (
        _seen(scope)
        .where(_S.os_hash_value == _I.os_hash_value, _S.name != _I.name)
        .correlate(_I)
        .exists()
    )


def _duplicate(scope: objects.Scope) -> sa.ColumnElement[bool]:
    return (
        _seen(scope)
        .where(_S.os_hash_value == _I.os_hash_value)
        .group_by(_S.os_hash_value, _S.credential_id, _S.name)
        .having(sa.func.count() > 1)
        .correlate(_I)
        .exists()
    )


_CONFLICTS = {"same_name": _same_name, "same_content": _same_content, "duplicate": _duplicate}


def counts(session: orm.Session, scope: objects.Scope, column_ids: Sequence[str]) -> dict[str, int]:
    """How many images each cheap filter shows by itself.

    Not counted are the statuses that most cells have, and conflicts that need the whole inventory.
    """
    mine = _I.project_id == scope.project_id
    owners = dict(
        session.execute(
            sa.select(_I.ownership, sa.func.count()).where(mine).group_by(_I.ownership)
        ).all()
    )
    found = {"all": sum(owners.values())}
    for show, wanted in SHOWS.items():
        found[show] = sum(owners.get(owner, 0) for owner in wanted)
    one = sa.func.count(sa.distinct(_D.image_id))
    cells = _D.credential_id.in_(column_ids)
    found["differs"] = session.scalar(sa.select(one).where(cells, _DIFFERS)) or 0
    moving = sa.select(one).where(cells, _D.status.in_(_MOVING))
    found["moving"] = session.scalar(moving) or 0
    for status in DeploymentStatus:
        if status not in _COMMON:
            found[str(status)] = 0
    statuses = sa.select(_D.status, one).where(cells, _D.status.not_in(_COMMON)).group_by(_D.status)
    found.update((status, count) for status, count in session.execute(statuses))
    names = _names(scope).subquery()
    found["same_name"] = int(session.scalar(sa.select(sa.func.sum(names.c.images))) or 0)
    return found
