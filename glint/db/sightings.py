"""Reading the inventory: what a credential saw at its site. ``inventory`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glint import objects
from glint.db import api, credentials, listing, models


@api.retry
def list(  # noqa: A001
    db: api.Database,
    scope: objects.Scope,
    credential_id: str,
    query: objects.ListQuery,
) -> Sequence[objects.SeenImage]:
    """By remote id: a scan writes all rows anew, and only their ids stay.

    :param query: its marker is the last remote id of the page before, which need not be there any
        more.
    :raises NotFound: no such credential in the scope.
    """
    seen, cell = models.Seen, models.Deployment
    descends = any(descends for _, descends in query.sort)
    statement = sa.select(seen).where(seen.credential_id == credential_id)
    statement = statement.where(*map(_clause, query.conditions)).limit(query.limit)
    if query.marker is not None:
        after = seen.remote_id < query.marker if descends else seen.remote_id > query.marker
        statement = statement.where(after)
    with db.reader() as session:
        credentials.find(session, scope, credential_id)
        order = seen.remote_id.desc() if descends else seen.remote_id.asc()
        rows = [*session.scalars(statement.order_by(order))]
        holders = sa.select(cell.remote_id, cell.id, cell.image_id).where(
            cell.credential_id == credential_id, cell.remote_id.in_([r.remote_id for r in rows])
        )
        held = {holder.remote_id: holder for holder in session.execute(holders)}
        return [_object(row, held.get(row.remote_id)) for row in rows]


def _clause(asked: objects.Condition) -> sa.ColumnElement[bool]:
    seen, cell = models.Seen, models.Deployment
    if asked.field == "stamped":
        return listing.truth(seen.stamp_deployment.is_not(None), asked)
    if asked.field == "in_catalogue":
        held = sa.select(cell.id).where(
            cell.credential_id == seen.credential_id, cell.remote_id == seen.remote_id
        )
        return listing.truth(held.exists(), asked)
    return listing.compare(getattr(seen, asked.field), asked)


def _object(row: models.Seen, holder: Any) -> objects.SeenImage:
    return objects.SeenImage(
        remote_id=row.remote_id,
        name=row.name,
        status=row.status,
        size=row.size,
        os_hash_algo=row.os_hash_algo,
        os_hash_value=row.os_hash_value,
        visibility=row.visibility,
        protected=row.protected,
        stamped=row.stamp_deployment is not None,
        seen_at=row.seen_at,
        image_id=holder.image_id if holder else None,
        deployment_id=holder.id if holder else None,
    )
