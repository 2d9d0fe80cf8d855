"""Credentials: the columns of the matrix. Only here do ciphertexts of secrets live."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, clock, convert, in_use, listing, models
from glint.db import sites as db_sites


def visible(scope: objects.Scope) -> sa.Select[models.Credential]:
    """Credentials that the scope sees: its project's, and of users' own only the asking user's."""
    credential = models.Credential
    query = sa.select(credential).where(credential.draft.is_(False))
    if not scope.all_projects:
        query = query.where(
            credential.project_id == scope.project_id,
            sa.or_(credential.user_id.is_(None), credential.user_id == scope.user_id),
        )
    return query


def find(session: orm.Session, scope: objects.Scope, ident: str) -> models.Credential:
    """The row, or NotFound where the scope does not see it."""
    row = session.scalar(visible(scope).where(models.Credential.id == ident))
    if row is None:
        raise exception.NotFound("credential", ident)
    return row


def _identity(row: models.Credential) -> str:
    """One published row for each owner, site and remote project (feature row G-07)."""
    remote = row.remote_project_id or f"unverified:{row.id}"
    parts = (row.project_id, row.user_id or "", row.site_id, remote)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@api.retry
def create(
    db: api.Database,
    scope: objects.Scope,
    *,
    site_id: str,
    auth: dict[str, Any],
    secret: bytes,
    shared: bool = False,
    managed: bool = False,
    draft: bool = False,
    register: Sequence[str] = (),
) -> objects.Credential:
    """A credential for a site that the scope sees; ``secret`` is a ciphertext."""
    with db.writer() as session:
        site = db_sites.find(session, scope, site_id)
        if shared:
            _assert_open(site)
        row = models.Credential(
            id=models.new_id(),
            site=site,
            site_id=site.id,
            project_id=scope.project_id,
            user_id=None if shared else scope.user_id,
            auth=auth,
            secret=secret,
            managed=managed,
            draft=draft,
            register=[*register],
        )
        if not draft:
            row.identity = _identity(row)
        session.add(row)
        session.flush()
        return convert.credential(row)


@api.retry
def get(db: api.Database, scope: objects.Scope, ident: str) -> objects.Credential:
    """:raises NotFound: no such credential in the scope."""
    with db.reader() as session:
        return convert.credential(find(session, scope, ident))


def _listed(scope: objects.Scope) -> sa.Select[models.Credential]:
    """Joined with the site, for those fields that are the site's."""
    return visible(scope).join(models.Site, models.Site.id == models.Credential.site_id)


def _shared(asked: objects.Condition) -> sa.ColumnElement[bool]:
    return listing.truth(models.Credential.user_id.is_(None), asked)


#: Visible credentials, oldest first.
list = listing.Listing(  # noqa: A001
    models.Credential,
    _listed,
    listing.each(convert.credential),
    (("created_at", False),),
    columns={"site_name": models.Site.name},
    filters={"shared": _shared},
)


@api.retry
def at_site(db: api.Database, scope: objects.Scope, site_id: str) -> Sequence[objects.Credential]:
    """All visible credentials for one site."""
    with db.reader() as session:
        rows = session.scalars(visible(scope).where(models.Credential.site_id == site_id))
        return [convert.credential(row) for row in rows.unique()]


_VERIFIED = ("auth", "secret", "managed", "remote_project_id", "remote_project_name",
             "verified_at", "facts", "error_code", "error_detail")  # fmt: skip


def _take_over(session: orm.Session, row: models.Credential, draft: models.Credential) -> None:
    for name in _VERIFIED:
        setattr(row, name, getattr(draft, name))
    row.generation += 1
    session.delete(draft)


@api.retry
def publish(
    db: api.Database, ident: str, *, register: Sequence[str] | None = None
) -> tuple[objects.Credential, bool]:
    """A verified draft becomes a column, or renews the column that is there already.

    :param register: what a column that is renewed registers from now on; None: as before.
    :returns: the credential, and whether it is a new one.
    """
    with db.writer() as session:
        draft = session.get_one(models.Credential, ident)
        identity = _identity(draft)
        known = session.scalar(
            sa.select(models.Credential).where(models.Credential.identity == identity)
        )
        if known is None:
            draft.draft, draft.identity = False, identity
            draft.scan_wanted_at = clock.now()
            session.flush()
            return convert.credential(draft), True
        _take_over(session, known, draft)
        if register is not None:
            known.register = [*register]
        session.flush()
        return convert.credential(known), False


@api.retry
def discard(db: api.Database, ident: str) -> None:
    """Remove a draft; a published credential is left alone."""
    with db.writer() as session:
        session.execute(
            sa.delete(models.Credential).where(
                models.Credential.id == ident, models.Credential.draft.is_(True)
            )
        )


@api.retry
def replace(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    draft_id: str,
    *,
    generation: int | None = None,
    shared: bool | None = None,
    register: Sequence[str] | None = None,
) -> objects.Credential:
    """Take over the verified login of a draft, and remove the draft.

    :raises Conflict: it is a login to another remote project, which would be another column.
    """
    with db.writer() as session:
        row = find(session, scope, ident)
        api.check_generation("credential", row, generation, convert.credential)
        draft = session.get_one(models.Credential, draft_id)
        if row.remote_project_id and draft.remote_project_id != row.remote_project_id:
            raise exception.Conflict(
                "The new login is for another remote project, which is another column. Create a"
                " credential for it instead."
            )
        _take_over(session, row, draft)
        _choose(row, scope, shared, register)
        session.flush()
        row.identity = _identity(row)
        session.flush()
        return convert.credential(row)


def _assert_open(site: models.Site) -> None:
    """:raises SiteIsPrivate: the site is one user's, and so are its credentials."""
    if site.user_id is not None:
        raise exception.SiteIsPrivate(site=site.name)


def _choose(
    row: models.Credential, scope: objects.Scope, shared: bool | None, register: Any
) -> None:
    """What may change of a column besides its login; None stays."""
    if shared is not None:
        if shared:
            _assert_open(row.site)
        row.user_id = None if shared else scope.user_id
    if register is not None:
        row.register = [*register]


@api.retry
def update(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    *,
    generation: int | None = None,
    shared: bool | None = None,
    register: Sequence[str] | None = None,
) -> objects.Credential:
    """Give a credential to the whole project, or take it back to the asking user; or choose what

    its scans register. None stays.
    """
    with db.writer() as session:
        row = find(session, scope, ident)
        api.check_generation("credential", row, generation, convert.credential)
        _choose(row, scope, shared, register)
        row.identity = _identity(row)
        row.generation += 1
        session.flush()
        return convert.credential(row)


@api.retry
def delete(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    *,
    generation: int | None = None,
    force: bool = False,
) -> None:
    """Forget a column; nothing is removed at the site.

    :raises InUse: transfers run for it, or (without ``force``) images are wanted there or copies
        that Glint made are still there.
    """
    deployment, transfer = models.Deployment, models.Transfer
    with db.writer() as session:
        row = find(session, scope, ident)
        api.check_generation("credential", row, generation, convert.credential)
        _check_free(session, ident, force=force)
        cells = sa.select(deployment.id).where(deployment.credential_id == ident)
        for model in (models.Change, transfer):
            session.execute(sa.delete(model).where(model.deployment_id.in_(cells)))
        session.execute(sa.delete(deployment).where(deployment.credential_id == ident))
        session.execute(sa.delete(models.Seen).where(models.Seen.credential_id == ident))
        session.delete(row)


def _check_free(session: orm.Session, ident: str, *, force: bool) -> None:
    columns = models.Transfer.credential_id, models.Deployment.credential_id
    in_use.check(session, "credential", ident, *columns, force=force)


@api.retry
def assert_free(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    *,
    generation: int | None = None,
    force: bool,
) -> None:
    """:raises InUse, GenerationConflict: see :func:`delete`."""
    with db.reader() as session:
        row = find(session, scope, ident)
        api.check_generation("credential", row, generation, convert.credential)
        _check_free(session, ident, force=force)


@api.retry
def secret(db: api.Database, ident: str) -> bytes:
    """The ciphertext of the secret."""
    with db.reader() as session:
        value = session.scalar(
            sa.select(models.Credential.secret).where(models.Credential.id == ident)
        )
        if value is None:
            raise exception.NotFound("credential", ident)
        return value


# For the conductor and glint-manage, by id and without a scope.


@api.retry
def load(db: api.Database, ident: str) -> tuple[objects.Credential, objects.Site]:
    """A credential with its site, drafts too."""
    with db.reader() as session:
        row = session.get(models.Credential, ident)
        if row is None:
            raise exception.NotFound("credential", ident)
        return convert.credential(row), convert.site(row.site)


@api.retry
def set_verified(db: api.Database, ident: str, **values: Any) -> None:
    """Write the outcome of a verification or scan (columns of ``credentials``)."""
    with db.writer() as session:
        session.execute(
            sa.update(models.Credential).where(models.Credential.id == ident).values(**values)
        )


@api.retry
def learn(db: api.Database, ident: str, facts: Mapping[str, Any]) -> None:
    """Keep what a site told of its grants: what :class:`glint.objects.Grants` reads.

    What is not among ``facts`` stays as it was, and as old.
    """
    now = f"{models.utcnow().isoformat()}Z"
    times = {"quota_at": now} if "quota" in facts else {}
    if facts.keys() - {"quota"}:
        times["seen_at"] = now
    with db.writer() as session:
        row = session.get(models.Credential, ident)
        if row is not None:
            row.facts = {**(row.facts or {}), **facts, **times}


@api.retry
def all_secrets(
    db: api.Database, *, after: str | None = None, limit: int = 100
) -> Sequence[tuple[str, bytes]]:
    """Ids and ciphertexts in the order of ids, for re-encryption."""
    query = sa.select(models.Credential.id, models.Credential.secret)
    if after is not None:
        query = query.where(models.Credential.id > after)
    with db.reader() as session:
        rows = session.execute(query.order_by(models.Credential.id).limit(limit)).all()
        return [(row.id, row.secret) for row in rows]


@api.retry
def swap_secret(db: api.Database, ident: str, old: bytes, new: bytes) -> bool:
    """Compare-and-swap of a ciphertext; False where it changed meanwhile."""
    with db.writer() as session:
        row = session.get(models.Credential, ident)
        if row is None or row.secret != old:
            return False
        row.secret = new
        return True
