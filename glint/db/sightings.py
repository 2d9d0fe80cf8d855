"""Reading the inventory: what a credential saw at its site. ``inventory`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glint import objects
from glint.db import api, credentials, models


@api.retry
def list(  # noqa: A001
    db: api.Database,
    scope: objects.Scope,
    credential_id: str,
    *,
    limit: int,
    marker: str | None = None,
    name: str | None = None,
    status: str | None = None,
) -> Sequence[objects.SeenImage]:
    """By remote id: a scan writes all rows anew, and only their ids stay.

    :param marker: the last remote id of the page before; it need not be there any more.
    :raises NotFound: no such credential in the scope.
    """
    seen, cell = models.Seen, models.Deployment
    query = sa.select(seen).where(seen.credential_id == credential_id)
    for column, value in ((seen.name, name), (seen.status, status)):
        if value is not None:
            query = query.where(column == value)
    if marker is not None:
        query = query.where(seen.remote_id > marker)
    with db.reader() as session:
        credentials.find(session, scope, credential_id)
        rows = [*session.scalars(query.order_by(seen.remote_id).limit(limit))]
        holders = sa.select(cell.remote_id, cell.id, cell.image_id).where(
            cell.credential_id == credential_id, cell.remote_id.in_([r.remote_id for r in rows])
        )
        held = {holder.remote_id: holder for holder in session.execute(holders)}
        return [_object(row, held.get(row.remote_id)) for row in rows]


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
