"""Cells: an image at a credential, with the wish and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects, states
from glint.db import api, convert, listing, models
from glint.db import credentials as db_credentials


def visible(scope: objects.Scope) -> sa.Select[models.Deployment]:
    """Cells in the columns that the scope sees."""
    columns = db_credentials.visible(scope).with_only_columns(models.Credential.id)
    return sa.select(models.Deployment).where(models.Deployment.credential_id.in_(columns))


def last_transfers(
    session: orm.Session, deployment_ids: Iterable[str]
) -> dict[str, models.Transfer]:
    """The newest transfer of each deployment (a live one is always the newest)."""
    ids = [*deployment_ids]
    if not ids:
        return {}
    transfer = models.Transfer
    newest = (
        sa.select(
            transfer.id,
            sa.func.row_number()
            .over(
                partition_by=transfer.deployment_id,
                order_by=(transfer.created_at.desc(), transfer.id.desc()),
            )
            .label("place"),
        )
        .where(transfer.deployment_id.in_(ids))
        .subquery()
    )
    query = sa.select(transfer).join(newest, newest.c.id == transfer.id).where(newest.c.place == 1)
    return {row.deployment_id: row for row in session.scalars(query)}


def cells(
    session: orm.Session, rows: Sequence[models.Deployment]
) -> Sequence[tuple[models.Deployment, objects.Cell]]:
    """Rows with the transfer that a person wants to see beside each."""
    transfers = last_transfers(session, [row.id for row in rows])
    result = []
    for row in rows:
        transfer = transfers.get(row.id)
        shown = convert.transfer(transfer) if transfer else None
        result.append((row, objects.Cell(convert.deployment(row), shown)))
    return result


def find(session: orm.Session, scope: objects.Scope, ident: str) -> models.Deployment:
    """The row, or NotFound where the scope does not see it."""
    row = session.scalar(visible(scope).where(models.Deployment.id == ident))
    if row is None:
        raise exception.NotFound("deployment", ident)
    return row


@api.retry
def get(db: api.Database, scope: objects.Scope, ident: str) -> objects.Cell:
    """:raises NotFound: no such deployment in the scope."""
    with db.reader() as session:
        return cells(session, [find(session, scope, ident)])[0][1]


def _show(
    session: orm.Session, _scope: objects.Scope, rows: Sequence[models.Deployment]
) -> Sequence[objects.Cell]:
    return [cell for _, cell in cells(session, rows)]


def _at_site(asked: objects.Condition) -> sa.ColumnElement[bool]:
    there = sa.select(models.Credential.id).where(listing.compare(models.Credential.site_id, asked))
    return models.Deployment.credential_id.in_(there)


#: Cells in the columns that the scope sees, oldest first.
list = listing.Listing(  # noqa: A001
    models.Deployment,
    visible,
    _show,
    (("created_at", False),),
    filters={"site_id": _at_site},
)


# For the conductor.


def move(session: orm.Session, ident: str, status: states.DeploymentStatus, **values: Any) -> bool:
    """Move a deployment by compare-and-swap; False where its status does not allow the move."""
    deployment = models.Deployment
    allowed = [str(s) for s in states.sources_of(status)]
    done = session.execute(
        sa.update(deployment)
        .where(deployment.id == ident, deployment.status.in_(allowed))
        .values(status=str(status), **values)
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


@api.retry
def of_image(db: api.Database, image_id: str) -> Sequence[objects.Deployment]:
    """Every cell of an image, whoever owns its column."""
    with db.reader() as session:
        rows = session.scalars(
            sa.select(models.Deployment).where(models.Deployment.image_id == image_id)
        )
        return [convert.deployment(row) for row in rows]


@api.retry
def load(db: api.Database, ident: str) -> objects.Deployment:
    """A deployment by id, without a scope."""
    with db.reader() as session:
        row = session.get(models.Deployment, ident)
        if row is None:
            raise exception.NotFound("deployment", ident)
        return convert.deployment(row)


@api.retry
def pending(db: api.Database, limit: int) -> Sequence[objects.Deployment]:
    """Cells whose wish waits for a plan, at enabled sites and without a live transfer."""
    deployment, transfer = models.Deployment, models.Transfer
    busy = sa.select(transfer.id).where(transfer.live == deployment.id).exists()
    query = (
        sa.select(deployment)
        .join(models.Credential, models.Credential.id == deployment.credential_id)
        .join(models.Site, models.Site.id == models.Credential.site_id)
        .where(deployment.pending.is_(True), models.Site.enabled.is_(True), ~busy)
        .order_by(deployment.id)
        .limit(limit)
    )
    with db.reader() as session:
        return [convert.deployment(row) for row in session.scalars(query)]
