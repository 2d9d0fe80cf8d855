"""History that a person can read."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import objects
from glint.db import api, convert, listing, models


def add(session: orm.Session, **values: Any) -> None:
    """One event inside the caller's transaction, so that history and state agree."""
    session.add(models.Event(**values))


@api.retry
def record(db: api.Database, **values: Any) -> None:
    """One event in a transaction of its own. Values are the columns of ``events``."""
    with db.writer() as session:
        add(session, **values)


def _visible(scope: objects.Scope) -> sa.Select[models.Event]:
    """Events of a credential or a site that is one user's are shown to that user only."""
    event = models.Event
    if scope.all_projects:
        return sa.select(event)
    hidden = sa.select(models.Credential.id).where(
        models.Credential.user_id.is_not(None), models.Credential.user_id != scope.user_id
    )
    elsewhere = sa.select(models.Site.id).where(
        models.Site.user_id.is_not(None), models.Site.user_id != scope.user_id
    )
    return sa.select(event).where(
        event.project_id == scope.project_id,
        sa.or_(event.credential_id.is_(None), event.credential_id.not_in(hidden)),
        sa.or_(event.site_id.is_(None), event.site_id.not_in(elsewhere)),
    )


#: Newest first.
list = listing.Listing(  # noqa: A001
    models.Event, _visible, listing.each(convert.event), (("id", True),), ident=int
)
