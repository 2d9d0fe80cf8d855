"""Tables. Times are naive UTC with microseconds, sizes are bytes.

Two columns carry a promise each by a unique constraint over a value that is NULL while it does not
apply: ``transfers.live`` (never two live transfers for one deployment) and ``transfers.slot``
(never more running transfers at a site than it allows).
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import mysql

from glint.db import clock

Id = sa.String(36)
Time = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# Foreign names hold any character; MySQL's plain TEXT ends at 64 KiB, which Glance's values fill.
Text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")

# Constraints have the same name on every database, so that a later migration can name them.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uniq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(column_0_label)s",
}

TABLE_ARGS = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def utcnow() -> datetime.datetime:
    """Now, naive UTC, by this host's clock: for people, not for who may take what."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def new_id() -> str:
    """A fresh uuid, the id of every thing but events."""
    return str(uuid.uuid4())


class Base(orm.DeclarativeBase):
    """All tables."""

    metadata = sa.MetaData(naming_convention=NAMES)
    __table_args__: Any = TABLE_ARGS


class Row:
    """What every row of a thing with an id has."""

    id: orm.Mapped[str] = orm.mapped_column(Id, primary_key=True, default=new_id)
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=clock.now())


class Site(Row, Base):
    """A cloud endpoint."""

    __tablename__ = "sites"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    type: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    project_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), index=True)
    # NULL: the whole project's, or everybody's.
    user_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    connection: orm.Mapped[dict] = orm.mapped_column(sa.JSON)
    enabled: orm.Mapped[bool] = orm.mapped_column(default=True)
    home: orm.Mapped[bool] = orm.mapped_column(default=False)
    draft: orm.Mapped[bool] = orm.mapped_column(default=False)
    # The name while it is taken, NULL in a draft. An owner of "" stands for "everyone", because
    # NULLs are all different to a unique constraint; one user in a project is hashed.
    taken_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    taken_by: orm.Mapped[str] = orm.mapped_column(sa.String(64), default="")
    health: orm.Mapped[str] = orm.mapped_column(sa.String(16), default="unknown")
    health_code: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    health_detail: orm.Mapped[str | None] = orm.mapped_column(Text)
    health_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    max_transfers: orm.Mapped[int] = orm.mapped_column(default=4)
    # Bytes per second of all conductors together; NULL: no limit.
    bandwidth: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    hours: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    facts: orm.Mapped[dict] = orm.mapped_column(sa.JSON, default=dict)
    generation: orm.Mapped[int] = orm.mapped_column(default=1)
    updated_at: orm.Mapped[datetime.datetime] = orm.mapped_column(
        Time, default=utcnow, onupdate=utcnow
    )

    __table_args__ = (
        sa.UniqueConstraint("taken_by", "taken_name", name="uniq_sites_name"),
        TABLE_ARGS,
    )


class Credential(Row, Base):
    """A login to a site: a column of the matrix."""

    __tablename__ = "credentials"

    site_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("sites.id"), index=True)
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64), index=True)
    user_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    auth: orm.Mapped[dict] = orm.mapped_column(sa.JSON)
    secret: orm.Mapped[bytes] = orm.mapped_column(sa.LargeBinary(65535))
    managed: orm.Mapped[bool] = orm.mapped_column(default=False)
    draft: orm.Mapped[bool] = orm.mapped_column(default=False)
    # "project/user/site/remote project" of a published credential, hashed: one row for each.
    identity: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), unique=True)
    remote_project_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    remote_project_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    verified_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    scanned_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    # Visibilities of other projects' images that are taken into the catalogue too.
    register: orm.Mapped[list] = orm.mapped_column(sa.JSON, default=list)
    # What the site grants it: see glint.objects.Grants; NULL until it told.
    facts: orm.Mapped[dict | None] = orm.mapped_column(sa.JSON(none_as_null=True))
    scan_wanted_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    scan_began_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    scan_owner: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    scan_until: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    error_code: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    error_detail: orm.Mapped[str | None] = orm.mapped_column(Text)
    generation: orm.Mapped[int] = orm.mapped_column(default=1)
    updated_at: orm.Mapped[datetime.datetime] = orm.mapped_column(
        Time, default=utcnow, onupdate=utcnow
    )

    site: orm.Mapped[Site] = orm.relationship(lazy="joined", innerjoin=True)


class Image(Row, Base):
    """A content in the catalogue of a project."""

    __tablename__ = "images"

    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    user_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    name: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    size: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    os_hash_algo: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    os_hash_value: orm.Mapped[str | None] = orm.mapped_column(sa.String(128))
    digests: orm.Mapped[dict] = orm.mapped_column(sa.JSON, default=dict)
    # Hash of project and content, once the content is known: one row for each.
    identity: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), unique=True)
    disk_format: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    container_format: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    min_disk: orm.Mapped[int] = orm.mapped_column(default=0)
    min_ram: orm.Mapped[int] = orm.mapped_column(default=0)
    protected: orm.Mapped[bool] = orm.mapped_column(default=False)
    os_hidden: orm.Mapped[bool] = orm.mapped_column(default=False)
    properties: orm.Mapped[dict] = orm.mapped_column(sa.JSON, default=dict)
    tags: orm.Mapped[list] = orm.mapped_column(sa.JSON, default=list)
    origin: orm.Mapped[str] = orm.mapped_column(sa.String(8), default="site")
    source_url: orm.Mapped[str | None] = orm.mapped_column(Text)
    # What a user says that the digests are; held against the first bytes that come.
    expected: orm.Mapped[dict] = orm.mapped_column(sa.JSON, default=dict)
    # "store/file" while the bytes lie in the upload folder.
    kept: orm.Mapped[str | None] = orm.mapped_column(sa.String(128), index=True)
    # What drifted is made true again without anybody's asking.
    repair: orm.Mapped[bool] = orm.mapped_column(default=False)
    # Where it was found, whose it was: see glint.db.images.ownership.
    ownership: orm.Mapped[str] = orm.mapped_column(sa.String(16), default="project")
    generation: orm.Mapped[int] = orm.mapped_column(default=1)
    updated_at: orm.Mapped[datetime.datetime] = orm.mapped_column(
        Time, default=utcnow, onupdate=utcnow
    )

    __table_args__ = (
        sa.Index("images_project_name", "project_id", "name", "id"),
        sa.Index("images_project_size", "project_id", "size"),
        sa.Index("images_project_ownership", "project_id", "ownership"),
        sa.Index("images_project_created", "project_id", "created_at"),
        # What changed lately: see glint.db.changes.
        sa.Index("images_project_updated", "project_id", "updated_at"),
        TABLE_ARGS,
    )


class Deployment(Row, Base):
    """A cell of the matrix."""

    __tablename__ = "deployments"

    image_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("images.id"))
    credential_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("credentials.id"))
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    wanted: orm.Mapped[bool] = orm.mapped_column(default=False)
    status: orm.Mapped[str] = orm.mapped_column(sa.String(16), default="absent")
    # The reconciler has to look at the cell: the wish is newer than the last plan.
    pending: orm.Mapped[bool] = orm.mapped_column(default=False)
    remote_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    stamped: orm.Mapped[bool] = orm.mapped_column(default=False)
    seen_size: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    seen_hash_algo: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    seen_hash_value: orm.Mapped[str | None] = orm.mapped_column(sa.String(128))
    seen_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    verified_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    not_carried: orm.Mapped[list] = orm.mapped_column(sa.JSON, default=list)
    error_code: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    error_detail: orm.Mapped[str | None] = orm.mapped_column(Text)
    allow_foreign: orm.Mapped[bool] = orm.mapped_column(default=False)
    allow_last_copy: orm.Mapped[bool] = orm.mapped_column(default=False)
    generation: orm.Mapped[int] = orm.mapped_column(default=1)
    updated_at: orm.Mapped[datetime.datetime] = orm.mapped_column(
        Time, default=utcnow, onupdate=utcnow
    )

    image: orm.Mapped[Image] = orm.relationship(lazy="raise")
    credential: orm.Mapped[Credential] = orm.relationship(lazy="raise")

    __table_args__ = (
        sa.UniqueConstraint("image_id", "credential_id", name="uniq_deployments_cell"),
        sa.Index("deployments_pending", "pending", "id"),
        # Of a column: the few cells that are not as wished, and those that changed lately.
        sa.Index("deployments_status", "credential_id", "status", "wanted", "image_id"),
        sa.Index("deployments_updated", "credential_id", "updated_at"),
        TABLE_ARGS,
    )


class Operation(Row, Base):
    """One save."""

    __tablename__ = "operations"

    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64), index=True)
    user_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    request_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))


class Transfer(Row, Base):
    """An attempt to make a cell true."""

    __tablename__ = "transfers"

    deployment_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("deployments.id"), index=True)
    live: orm.Mapped[str | None] = orm.mapped_column(Id, unique=True)
    image_id: orm.Mapped[str] = orm.mapped_column(Id, index=True)
    credential_id: orm.Mapped[str] = orm.mapped_column(Id, index=True)
    site_id: orm.Mapped[str] = orm.mapped_column(Id)
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64), index=True)
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    method: orm.Mapped[str | None] = orm.mapped_column(sa.String(16))
    reason: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    state: orm.Mapped[str] = orm.mapped_column(sa.String(16), default="queued")
    phase: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    source_credential_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    remote_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    bytes_done: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, default=0)
    bytes_total: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    # What the queue is ordered by; what moves no bytes weighs nothing. It is never NULL, which
    # MariaDB does not allow to be said of such a column.
    weight: orm.Mapped[int] = orm.mapped_column(
        sa.BigInteger, sa.Computed("coalesce(bytes_total, 0)", persisted=True), nullable=True
    )
    rate: orm.Mapped[float] = orm.mapped_column(sa.Float, default=0.0)
    attempts: orm.Mapped[int] = orm.mapped_column(default=0)
    owner: orm.Mapped[str | None] = orm.mapped_column(sa.String(255), index=True)
    fence: orm.Mapped[int] = orm.mapped_column(default=0)
    slot: orm.Mapped[int | None] = orm.mapped_column()
    # No index on lease_until or bytes: PostgreSQL could then not update the row in place.
    lease_until: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    next_run_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=clock.now())
    cancel: orm.Mapped[bool] = orm.mapped_column(default=False)
    alone: orm.Mapped[bool] = orm.mapped_column(default=False)
    error_code: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    error_detail: orm.Mapped[str | None] = orm.mapped_column(Text)
    started_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    finished_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)

    __table_args__ = (
        sa.UniqueConstraint("site_id", "slot", name="uniq_transfers_slot"),
        # The first of each site are read from this index alone: glint.db.queue.
        sa.Index("transfers_queue", "state", "site_id", "weight", "next_run_at", "id"),
        TABLE_ARGS,
    )


class Change(Base):
    """One cell of one save."""

    __tablename__ = "changes"

    operation_id: orm.Mapped[str] = orm.mapped_column(
        sa.ForeignKey("operations.id"), primary_key=True
    )
    deployment_id: orm.Mapped[str] = orm.mapped_column(
        sa.ForeignKey("deployments.id"), primary_key=True, index=True
    )
    wanted: orm.Mapped[bool]
    # NULL while the wish waits for the reconciler, and for ever where nothing had to be done.
    transfer_id: orm.Mapped[str | None] = orm.mapped_column(sa.ForeignKey("transfers.id"))
    settled: orm.Mapped[bool] = orm.mapped_column(default=False)


class Seen(Base):
    """Inventory: one image as one credential sees it at its site."""

    __tablename__ = "inventory"

    credential_id: orm.Mapped[str] = orm.mapped_column(
        sa.ForeignKey("credentials.id"), primary_key=True
    )
    remote_id: orm.Mapped[str] = orm.mapped_column(sa.String(255), primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    size: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    os_hash_algo: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    os_hash_value: orm.Mapped[str | None] = orm.mapped_column(sa.String(128))
    visibility: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    protected: orm.Mapped[bool] = orm.mapped_column(default=False)
    stamp_deployment: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    stamp_transfer: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    seen_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=utcnow)

    # Conflicts of names are read from the index alone.
    __table_args__ = (
        sa.Index("inventory_content", "os_hash_value", "credential_id", "name", "stamp_deployment"),
        TABLE_ARGS,
    )


class Deletion(Base):
    """An image that was removed from the catalogue lately: see glint.db.changes.

    Without image and project: changes were written whose times are too old to be found by them.
    """

    __tablename__ = "deletions"

    id: orm.Mapped[int] = orm.mapped_column(
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=utcnow, index=True)
    project_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    image_id: orm.Mapped[str | None] = orm.mapped_column(Id)


class IdempotencyKey(Base):
    """A creating request that its client can repeat: see glint.db.idempotency."""

    __tablename__ = "idempotency_keys"

    # Hash of project, user, route and the client's key.
    id: orm.Mapped[str] = orm.mapped_column(sa.String(64), primary_key=True)
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=utcnow, index=True)
    # Hash of what was asked for.
    request: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    # What was made; NULL while the first request is at work, which it is until then.
    made_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    until: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=utcnow)


class Event(Base):
    """A line of history."""

    __tablename__ = "events"

    id: orm.Mapped[int] = orm.mapped_column(
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=utcnow)
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64), index=True)
    user_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    action: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    outcome: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    message: orm.Mapped[str] = orm.mapped_column(Text)
    image_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    credential_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    site_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    operation_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    transfer_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    error_code: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    # Told to the message broker, or too old to be told: see glint.db.outbox.
    notified: orm.Mapped[bool] = orm.mapped_column(default=False)

    __table_args__ = (sa.Index("events_notified", "notified", "id"), TABLE_ARGS)
