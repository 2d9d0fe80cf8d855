"""Sites. A draft is a site that is being probed before it becomes visible."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, clock, convert, listing, models


def _visible(scope: objects.Scope) -> sa.Select[models.Site]:
    site = models.Site
    query = sa.select(site).where(site.draft.is_(False))
    if not scope.all_projects:
        query = query.where(sa.or_(site.project_id == scope.project_id, site.project_id.is_(None)))
    return query


def find(session: orm.Session, scope: objects.Scope, ident: str) -> models.Site:
    """The row, or NotFound where the scope does not see it."""
    row = session.scalar(_visible(scope).where(models.Site.id == ident))
    if row is None:
        raise exception.NotFound("site", ident)
    return row


def _editable(session: orm.Session, scope: objects.Scope, ident: str) -> models.Site:
    row = find(session, scope, ident)
    if row.project_id is None and not scope.all_projects:
        raise exception.Forbidden(rule="site:shared")
    return row


@api.retry
def create(
    db: api.Database,
    scope: objects.Scope,
    *,
    name: str,
    type: str,
    connection: dict[str, Any],
    enabled: bool = True,
    home: bool = False,
    max_transfers: int = 4,
    bandwidth: int | None = None,
    hours: str | None = None,
    shared: bool = False,
    draft: bool = False,
) -> objects.Site:
    """:raises NameInUse: the owner has a site of that name."""
    owner = None if shared else scope.project_id
    row = models.Site(
        id=models.new_id(),
        name=name,
        type=type,
        project_id=owner,
        connection=connection,
        enabled=enabled,
        home=home,
        draft=draft,
        max_transfers=max_transfers,
        bandwidth=bandwidth,
        hours=hours,
        taken_by=owner or "",
        taken_name=None if draft else name,
    )
    with _name_guard(name), db.writer() as session:
        if session.scalar(_name_query(owner, name)):
            raise exception.NameInUse("site", name)
        session.add(row)
        session.flush()
        return convert.site(row)


def _name_query(owner: str | None, name: str) -> sa.Select[str]:
    return sa.select(models.Site.id).where(
        models.Site.taken_by == (owner or ""), models.Site.taken_name == name
    )


class _name_guard:
    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, db_exc.DBDuplicateEntry):
            raise exception.NameInUse("site", self.name) from error


@api.retry
def get(db: api.Database, scope: objects.Scope, ident: str) -> objects.Site:
    """:raises NotFound: no such site in the scope."""
    with db.reader() as session:
        return convert.site(find(session, scope, ident))


def _shared(asked: objects.Condition) -> sa.ColumnElement[bool]:
    return listing.truth(models.Site.project_id.is_(None), asked)


#: Visible sites by name.
list = listing.Listing(  # noqa: A001
    models.Site,
    _visible,
    listing.each(convert.site),
    (("name", False),),
    filters={"shared": _shared},
)


@api.retry
def update(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    *,
    generation: int | None = None,
    **values: Any,
) -> objects.Site:
    """Change name, enabled, max_transfers, bandwidth, hours or connection."""
    name = values.get("name")
    with _name_guard(name or ""), db.writer() as session:
        row = _editable(session, scope, ident)
        api.check_generation("site", row, generation, convert.site)
        for key, value in values.items():
            setattr(row, key, value)
        if name is not None:
            row.taken_name = name
        row.generation += 1
        session.flush()
        return convert.site(row)


@api.retry
def delete(
    db: api.Database, scope: objects.Scope, ident: str, *, generation: int | None = None
) -> None:
    """:raises InUse: credentials for it exist; other projects' are only counted."""
    with db.writer() as session:
        row = _editable(session, scope, ident)
        api.check_generation("site", row, generation, convert.site)
        users = session.execute(
            sa.select(models.Credential.id, models.Credential.project_id).where(
                models.Credential.site_id == ident, models.Credential.draft.is_(False)
            )
        ).all()
        if users:
            mine = [u.id for u in users if u.project_id == scope.project_id]
            others = len(users) - len(mine)
            parts = [f"credential {i}" for i in mine[:10]]
            if others:
                parts.append(f"{others} credentials of other projects")
            raise exception.InUse("site", ident, ", ".join(parts))
        session.execute(sa.delete(models.Credential).where(models.Credential.site_id == ident))
        session.delete(row)


@api.retry
def publish(db: api.Database, ident: str) -> objects.Site:
    """A probed draft becomes visible."""
    with db.writer() as session:
        row = session.get_one(models.Site, ident)
        if session.scalar(_name_query(row.project_id, row.name)):
            raise exception.NameInUse("site", row.name)
        row.draft = False
        row.taken_name = row.name
        try:
            session.flush()
        except db_exc.DBDuplicateEntry as error:
            raise exception.NameInUse("site", row.name) from error
        return convert.site(row)


@api.retry
def discard(db: api.Database, ident: str) -> None:
    """Remove a draft; a published site is left alone."""
    with db.writer() as session:
        session.execute(
            sa.delete(models.Site).where(models.Site.id == ident, models.Site.draft.is_(True))
        )


@api.retry
def replace(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    draft_id: str,
    *,
    generation: int | None = None,
    **values: Any,
) -> objects.Site:
    """Take over what was probed in a draft, and remove the draft."""
    with _name_guard(values.get("name", "")), db.writer() as session:
        row = _editable(session, scope, ident)
        api.check_generation("site", row, generation, convert.site)
        draft = session.get_one(models.Site, draft_id)
        for name in ("connection", "facts", "home", "health", "health_code", "health_detail",
                     "health_at"):  # fmt: skip
            setattr(row, name, getattr(draft, name))
        for name, value in values.items():
            setattr(row, name, value)
        if "name" in values:
            row.taken_name = values["name"]
        row.generation += 1
        session.delete(draft)
        session.flush()
        return convert.site(row)


# For the conductor, by id and without a scope.


@api.retry
def load(db: api.Database, ident: str) -> objects.Site:
    """A site by id, drafts too."""
    with db.reader() as session:
        row = session.get(models.Site, ident)
        if row is None:
            raise exception.NotFound("site", ident)
        return convert.site(row)


@api.retry
def set_health(
    db: api.Database,
    ident: str,
    *,
    health: str,
    code: str | None = None,
    detail: str | None = None,
    facts: dict[str, Any] | None = None,
) -> bool:
    """Write what was last seen; returns whether the health changed. Facts are merged."""
    with db.writer() as session:
        row = session.get(models.Site, ident)
        if row is None:
            return False
        changed = row.health != health
        row.health, row.health_code, row.health_detail = health, code, detail
        row.health_at = models.utcnow()
        if facts:
            row.facts = {**row.facts, **facts}
        return changed


@api.retry
def set_fact(db: api.Database, ident: str, name: str, value: Any) -> None:
    """Keep one public finding about a site."""
    with db.writer() as session:
        row = session.get(models.Site, ident)
        if row is not None:
            row.facts = {**row.facts, name: value}


@api.retry
def reap_drafts(db: api.Database, age: datetime.timedelta) -> None:
    """Remove drafts that a dead API process left."""
    before = clock.after(-age.total_seconds())
    with db.writer() as session:
        for model in (models.Credential, models.Site):
            session.execute(
                sa.delete(model).where(model.draft.is_(True), model.created_at < before)
            )
