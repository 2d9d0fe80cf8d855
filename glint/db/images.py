"""The catalogue of a project. An image's identity is its content; its name is a label."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, changes, convert, in_use, listing, models
from glint.states import ImageOrigin


def find(session: orm.Session, scope: objects.Scope, ident: str) -> models.Image:
    """The row, or NotFound where the scope does not see it."""
    row = session.get(models.Image, ident)
    if row is None or (row.project_id != scope.project_id and not scope.all_projects):
        raise exception.NotFound("image", ident)
    return row


def identity(project_id: str, algo: str | None, value: str | None) -> str | None:
    """What is unique about a content in a project; None while its hash is not known."""
    if value is None:
        return None
    return hashlib.sha256("\0".join((project_id, algo or "", value)).encode()).hexdigest()


@api.retry
def get(db: api.Database, scope: objects.Scope, ident: str) -> objects.Image:
    """:raises NotFound: no such image in the scope."""
    with db.reader() as session:
        return convert.image(find(session, scope, ident))


def visible(scope: objects.Scope) -> sa.Select[models.Image]:
    """Images of the project."""
    query = sa.select(models.Image)
    return query if scope.all_projects else query.where(models.Image.project_id == scope.project_id)


def _property(asked: objects.Condition) -> sa.ColumnElement[bool]:
    """``NAME``: has the property; ``NAME=VALUE``: with that value; ``neq``: everything else."""
    name, equals, value = str(asked.values[0]).partition("=")
    held = models.Image.properties[name].as_string()
    # Unlike equality, this is never NULL: what lacks the property has another value too.
    same = sa.func.coalesce(held == value if equals else held.is_not(None), sa.false())
    return sa.not_(same) if asked.operator == "neq" else same


#: Images of the project by name.
list = listing.Listing(  # noqa: A001
    models.Image,
    visible,
    listing.each(convert.image),
    (("name", False),),
    filters={"property": _property},
    narrow=True,
)


@api.retry
def update(
    db: api.Database,
    scope: objects.Scope,
    ident: str,
    *,
    generation: int | None = None,
    **values: Any,
) -> objects.Image:
    """Change labels: name, properties, tags, min_disk, min_ram. The content never changes."""
    with db.writer() as session:
        row = find(session, scope, ident)
        api.check_generation("image", row, generation, convert.image)
        if "name" in values:
            changes.touch_names(session, row.project_id, [row.name, values["name"]])
        for key, value in values.items():
            setattr(row, key, value)
        row.generation += 1
        session.flush()
        return convert.image(row)


@api.retry
def delete(
    db: api.Database, scope: objects.Scope, ident: str, *, generation: int | None = None
) -> None:
    """Forget an image that is wanted nowhere; nothing is removed at any site.

    :raises InUse: it is wanted somewhere, transfers of it wait or run, or a copy that Glint made is
        still there, which nobody would remove any more.
    """
    deployment, transfer = models.Deployment, models.Transfer
    with db.writer() as session:
        row = find(session, scope, ident)
        api.check_generation("image", row, generation, convert.image)
        in_use.check(session, "image", ident, transfer.image_id, deployment.image_id)
        cells = sa.select(deployment.id).where(deployment.image_id == ident)
        for model in (models.Change, transfer):
            session.execute(sa.delete(model).where(model.deployment_id.in_(cells)))
        session.execute(sa.delete(deployment).where(deployment.image_id == ident))
        changes.touch_names(session, row.project_id, [row.name])
        changes.deleted(session, row.project_id, ident)
        session.delete(row)


# For the conductor.


@api.retry
def load(db: api.Database, ident: str) -> objects.Image:
    """An image by id, without a scope."""
    with db.reader() as session:
        row = session.get(models.Image, ident)
        if row is None:
            raise exception.NotFound("image", ident)
        return convert.image(row)


def match(
    session: orm.Session, project_id: str, remote: objects.RemoteImage
) -> models.Image | None:
    """The catalogue's row with the content that a site shows, whatever its name there."""
    if remote.os_hash_algo is None or remote.os_hash_value is None:
        return None
    rows = session.scalars(
        sa.select(models.Image).where(
            models.Image.project_id == project_id, models.Image.size == remote.size
        )
    )
    same = (row for row in rows if row.digests.get(remote.os_hash_algo) == remote.os_hash_value)
    return next(same, None)


def ownership(remote: objects.RemoteImage, remote_project_id: str | None) -> str:
    """Whose an image was at the site where it was found, and whether all could see it."""
    mine = remote.owner is None or remote.owner == remote_project_id
    if remote.visibility in ("public", "community"):
        return "project_public" if mine else "public"
    return "project" if mine else "shared"


def register(
    session: orm.Session, credential: objects.Credential, remote: objects.RemoteImage
) -> models.Image:
    """The catalogue's row for an active image at a site, made where there is none."""
    project_id, user_id = credential.project_id, credential.user_id
    row = match(session, project_id, remote)
    if row is not None:
        return row
    name = remote.name or remote.id
    known = remote.os_hash_algo and remote.os_hash_value
    row = models.Image(
        id=models.new_id(),
        project_id=project_id,
        user_id=user_id,
        name=name,
        size=remote.size,
        os_hash_algo=remote.os_hash_algo,
        os_hash_value=remote.os_hash_value,
        digests={remote.os_hash_algo: remote.os_hash_value} if known else {},
        identity=identity(project_id, remote.os_hash_algo, remote.os_hash_value),
        disk_format=remote.disk_format,
        container_format=remote.container_format,
        min_disk=remote.min_disk,
        min_ram=remote.min_ram,
        protected=remote.protected,
        os_hidden=remote.os_hidden,
        properties={
            k: v for k, v in remote.properties.items() if not k.startswith(objects.STAMP_PREFIX)
        },
        tags=sorted(remote.tags),
        origin=str(ImageOrigin.SITE),
        expected={},
        ownership=ownership(remote, credential.remote_project_id),
    )
    session.add(row)
    session.flush()
    changes.touch_names(session, project_id, [name])
    return row


@api.retry
def learn_digests(db: api.Database, ident: str, digests: Mapping[str, str], size: int) -> None:
    """Keep digests that were computed over bytes proven to be the image's.

    An image whose site had no hash gets its content here, once.
    """
    with db.writer() as session:
        row = session.get_one(models.Image, ident)
        row.digests = {**digests, **row.digests}
        if row.os_hash_value is None and digests:
            algo = "sha512" if "sha512" in digests else min(digests)
            row.os_hash_algo, row.os_hash_value, row.size = algo, digests[algo], size
            if row.origin == ImageOrigin.URL:
                _name(session, row)


@api.retry
def learn_disk(db: api.Database, ident: str, disk: objects.Disk) -> None:
    """Keep what was found out about the disk that the file of an image describes."""
    with db.writer() as session:
        row = session.get_one(models.Image, ident)
        known = row.disk["digests"] if row.disk else {}
        row.disk = {**vars(disk), "digests": {**disk.digests, **known}}


def _name(session: orm.Session, row: models.Image) -> None:
    """Nobody knew before that another row has this content: that one keeps the identity."""
    mine = identity(row.project_id, row.os_hash_algo, row.os_hash_value)
    if session.scalar(sa.select(models.Image.id).where(models.Image.identity == mine)) is None:
        row.identity = mine
