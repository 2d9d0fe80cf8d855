"""Sites. A draft is a site that is being probed before it becomes visible."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
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
        mine = sa.or_(site.user_id.is_(None), site.user_id == scope.user_id)
        own = sa.and_(site.project_id == scope.project_id, mine)
        query = query.where(sa.or_(own, site.project_id.is_(None)))
    return query


def _owner(project_id: str | None, user_id: str | None) -> str:
    """Among whose sites a name must be the only one."""
    if user_id is None:
        return project_id or ""
    return hashlib.sha256("\0".join((project_id or "", user_id)).encode()).hexdigest()


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
    private: bool = False,
    draft: bool = False,
) -> objects.Site:
    """A site of the scope's project; or of everybody (``shared``), or of its user (``private``).

    :raises NameInUse: the owner has a site of that name.
    """
    project = None if shared else scope.project_id
    user = scope.user_id if private and not shared else None
    owner = _owner(project, user)
    row = models.Site(
        id=models.new_id(),
        name=name,
        type=type,
        project_id=project,
        user_id=user,
        connection=connection,
        enabled=enabled,
        home=home,
        draft=draft,
        max_transfers=max_transfers,
        bandwidth=bandwidth,
        hours=hours,
        taken_by=owner,
        taken_name=None if draft else name,
    )
    with _name_guard(name), db.writer() as session:
        if session.scalar(_name_query(owner, name)):
            raise exception.NameInUse("site", name)
        session.add(row)
        session.flush()
        return convert.site(row)


def _name_query(owner: str, name: str) -> sa.Select[str]:
    return sa.select(models.Site.id).where(
        models.Site.taken_by == owner, models.Site.taken_name == name
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


def _private(asked: objects.Condition) -> sa.ColumnElement[bool]:
    return listing.truth(models.Site.user_id.is_not(None), asked)


#: Visible sites by name.
list = listing.Listing(  # noqa: A001
    models.Site,
    _visible,
    listing.each(convert.site),
    (("name", False),),
    filters={"shared": _shared, "private": _private},
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
    """Change name, enabled, max_transfers, bandwidth, hours, connection or private."""
    with _name_guard(values.get("name", ident)), db.writer() as session:
        row = _editable(session, scope, ident)
        api.check_generation("site", row, generation, convert.site)
        _assign(session, scope, row, values)
        row.generation += 1
        session.flush()
        return convert.site(row)


def _assign(
    session: orm.Session, scope: objects.Scope, row: models.Site, values: Mapping[str, Any]
) -> None:
    """:raises InUse: it is to be one user's, and others have credentials for it.

    :raises NameInUse: its owner has another site of that name.
    """
    private = values.get("private")
    for key, value in values.items():
        if key != "private":
            setattr(row, key, value)
    if private is not None and row.project_id is not None:
        if private:
            _assert_nobody_else(session, scope, row)
        row.user_id = scope.user_id if private else None
    owner = _owner(row.project_id, row.user_id)
    if session.scalar(_name_query(owner, row.name).where(models.Site.id != row.id)):
        raise exception.NameInUse("site", row.name)
    row.taken_name, row.taken_by = row.name, owner


def _assert_nobody_else(session: orm.Session, scope: objects.Scope, row: models.Site) -> None:
    credential = models.Credential
    theirs = sa.or_(credential.user_id.is_(None), credential.user_id != scope.user_id)
    query = sa.select(credential.id).where(credential.site_id == row.id, theirs)
    if session.scalar(query.limit(1)) is not None:
        raise exception.InUse("site", row.id, "credentials that are not yours alone")


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
        if session.scalar(_name_query(row.taken_by, row.name)):
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
    with _name_guard(values.get("name", ident)), db.writer() as session:
        row = _editable(session, scope, ident)
        api.check_generation("site", row, generation, convert.site)
        draft = session.get_one(models.Site, draft_id)
        for name in ("connection", "facts", "home", "health", "health_code", "health_detail",
                     "health_at"):  # fmt: skip
            setattr(row, name, getattr(draft, name))
        _assign(session, scope, row, values)
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
