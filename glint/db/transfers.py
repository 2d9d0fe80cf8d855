"""Reading transfers. Claims and the moves of running ones stand in ``queue``."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, convert, listing, models
from glint.db import credentials as db_credentials


def _visible(scope: objects.Scope) -> sa.Select[models.Transfer]:
    columns = db_credentials.visible(scope).with_only_columns(models.Credential.id)
    return sa.select(models.Transfer).where(models.Transfer.credential_id.in_(columns))


def find(session: orm.Session, scope: objects.Scope, ident: str) -> models.Transfer:
    """The row, or NotFound where the scope does not see it."""
    row = session.scalar(_visible(scope).where(models.Transfer.id == ident))
    if row is None:
        raise exception.NotFound("transfer", ident)
    return row


def live(session: orm.Session, deployment_ids: Collection[str]) -> dict[str, str]:
    """Ids of the live transfers by their deployments, where they have one."""
    transfer = models.Transfer
    rows = session.execute(
        sa.select(transfer.live, transfer.id).where(transfer.live.in_(deployment_ids))
    )
    return {str(row.live): row.id for row in rows}


@api.retry
def get(db: api.Database, scope: objects.Scope, ident: str) -> objects.Transfer:
    """:raises NotFound: no such transfer in the scope."""
    with db.reader() as session:
        return convert.transfer(find(session, scope, ident))


def _of_operation(asked: objects.Condition) -> sa.ColumnElement[bool]:
    change = models.Change
    carried = sa.select(change.transfer_id).where(
        change.operation_id.in_(asked.values), change.transfer_id.is_not(None)
    )
    within = models.Transfer.id.in_(carried)
    return sa.not_(within) if asked.operator == "neq" else within


#: Newest first.
list = listing.Listing(  # noqa: A001
    models.Transfer,
    _visible,
    listing.each(convert.transfer),
    (("created_at", True),),
    filters={"operation_id": _of_operation},
)
