"""The matrix: images down, credentials across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import objects
from glint.db import (
    api,
    changes,
    convert,
    deployments,
    images,
    listing,
    models,
    packed,
    selection,
)
from glint.db import credentials as db_credentials
from glint.states import DeploymentStatus

_D, _I, _S = models.Deployment, models.Image, models.Seen

#: What stands in these cells is the truth: a transfer of the past says nothing about it.
SETTLED = frozenset({DeploymentStatus.ABSENT, DeploymentStatus.ACTIVE, DeploymentStatus.UNKNOWN})


@api.retry
def columns(
    db: api.Database, scope: objects.Scope, chosen: Sequence[objects.Condition] = ()
) -> Sequence[tuple[objects.Credential, objects.Site]]:
    """Visible credentials with their sites, the home cloud first (feature row G-08).

    :param chosen: conditions of the list of credentials.
    """
    query = db_credentials.list.visible(scope).where(*db_credentials.list.where(chosen))
    with db.reader() as session:
        rows = session.scalars(query).unique().all()
        pairs = [(convert.credential(row), convert.site(row.site)) for row in rows]
    return sorted(pairs, key=lambda p: (not p[1].home, p[0].name, p[0].id))


@api.retry
def page(
    db: api.Database,
    scope: objects.Scope,
    query: objects.ListQuery,
    column_ids: Sequence[str],
    chosen: objects.RowChoice | None = None,
) -> Sequence[objects.MatrixRow]:
    """Images of the project with their cells in some columns.

    :param query: of the list of images.
    :param chosen: what else a row has to be, by its cells and conflicts.
    """
    with db.reader() as session:
        clauses = selection.clauses(session, scope, column_ids, chosen or objects.RowChoice())
        rows = listing.rows(session, images.list, scope, query, *clauses)
        found = _cells(session, column_ids, _D.image_id.in_([row.id for row in rows]))
        return _rows(session, scope, rows, found)


@api.retry
def changed(
    db: api.Database,
    scope: objects.Scope,
    column_ids: Sequence[str],
    since: Any,
    limit: int,
) -> objects.MatrixChanges | None:
    """Rows with those cells that changed since a time; None where all has to be read again."""
    with db.reader() as session:
        found = changes.find(session, scope, column_ids, since, limit)
        if found is None:
            return None
        rows = session.scalars(sa.select(_I).where(_I.id.in_(found.images))).all()
        cells = _cells(session, column_ids, _D.id.in_(found.cells))
        # What was written and deleted since is gone.
        there = {row.id for row in rows}
        return objects.MatrixChanges(
            _rows(session, scope, rows, cells),
            tuple(ident for ident in found.deleted if ident not in there),
        )


@api.retry
def forget_deletions(db: api.Database) -> None:
    """Let go of deletions that nobody can ask for any more."""
    with db.writer() as session:
        changes.forget(session)


@api.retry
def counts(db: api.Database, scope: objects.Scope, column_ids: Sequence[str]) -> Mapping[str, int]:
    """How many images each filter would show by itself."""
    with db.reader() as session:
        return selection.counts(session, scope, column_ids)


def _rows(
    session: orm.Session,
    scope: objects.Scope,
    rows: Sequence[models.Image],
    cells: Mapping[str, Mapping[str, objects.MatrixCell]],
) -> Sequence[objects.MatrixRow]:
    found = conflicts(session, scope, rows)
    return [
        objects.MatrixRow(convert.image(row), cells.get(row.id, {}), found[row.id]) for row in rows
    ]


def _cells(
    session: orm.Session, column_ids: Sequence[str], where: sa.ColumnElement[bool]
) -> dict[str, dict[str, objects.MatrixCell]]:
    rows = packed.rows(session, convert.CELL_COLUMNS, where, _D.credential_id.in_(column_ids))
    cells = [convert.matrix_cell(row) for row in rows]
    at_work = [cell.id for cell in cells if cell.status not in SETTLED]
    transfers = deployments.last_transfers(session, at_work)
    result: dict[str, dict[str, objects.MatrixCell]] = {}
    for cell in cells:
        last = transfers.get(cell.id)
        shown = cell if last is None else cell._replace(transfer=convert.transfer(last))
        result.setdefault(cell.image_id, {})[cell.credential_id] = shown
    return result


def conflicts(
    session: orm.Session, scope: objects.Scope, rows: Sequence[models.Image]
) -> dict[str, tuple[str, ...]]:
    """By image, which kinds of conflicts it has (feature row G-23).

    same_name: other content under this name; same_content: this content under another name at a
    site; duplicate: this content twice under one name at a site.
    """
    names = set(
        session.scalars(
            sa.select(_I.name)
            .where(_I.project_id == scope.project_id, _I.name.in_([r.name for r in rows]))
            .group_by(_I.name)
            .having(sa.func.count() > 1)
        )
    )
    digests = {digest: row for row in rows for digest in row.digests.values()}
    visible = db_credentials.visible(scope).with_only_columns(models.Credential.id)
    sites = sa.func.count(sa.distinct(_S.credential_id))
    labels = session.execute(
        sa.select(_S.os_hash_value, _S.name, sa.func.count() > sites)
        .where(_S.os_hash_value.in_([*digests]), _S.credential_id.in_(visible))
        .where(_S.stamp_deployment.is_(None))
        .group_by(_S.os_hash_value, _S.name)
    ).all()
    renamed = {digests[d].id for d, name, _ in labels if d and name != digests[d].name}
    twice = {digests[d].id for d, _, more in labels if d and more}
    return {
        row.id: (
            *(("same_name",) if row.name in names else ()),
            *(("same_content",) if row.id in renamed else ()),
            *(("duplicate",) if row.id in twice else ()),
        )
        for row in rows
    }
