"""A catalogue of any size: sites, columns, images, cells, inventory and history.

The database itself writes most of it, or it would take an hour.

What a row holds follows from a hash of its ids, so that catalogues of all sizes have the same
shares of everything.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import random
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from glint.db import images as db_images
from glint.db import migration, models
from tools.bench.api import history
from tools.bench.api.drawing import draw, ident_of, insert

PROJECT = "bench"
USER = "bench"

#: Of 256 cells, how many have a row: image and column have met.
MET = 64
#: Of 4096 cells with a row, how many are not as wished, and how many are empty again.
FAILED, DRIFTED, QUEUED, EMPTIED = 4, 4, 2, 82
#: Of 16 copies, how many Glint made, and of 4096 how many bear another name, or are there twice.
MADE, RENAMED, TWICE = 11, 8, 4
#: Of 500 images, one has the name of the one before it.
SAME_NAME = 500

KINDS = ("ubuntu-22.04", "ubuntu-24.04", "debian-12", "debian-13", "rocky-9", "alma-9",
         "fedora-43", "freebsd-14", "windows-2025", "cvmfs-worker")  # fmt: skip
#: What refers to something, does: nobody needs to look.
UNCHECKED = {
    "mysql": ("foreign_key_checks = 0", "unique_checks = 0", "sort_buffer_size = 268435456"),
    "postgresql": ("session_replication_role = replica", "maintenance_work_mem = '512MB'"),
}

DIGITS = "0123456789abcdefg"
"""What ids begin with, and what comes after the last."""

RARE = "-golden-"
#: Of so many images, one has RARE in its name.
RARE_EACH = 400

LONG_AGO = datetime.datetime.fromisoformat("2026-01-01T00:00:00")

_D, _I, _S, _T = models.Deployment, models.Image, models.Seen, models.Transfer
_C = models.Credential


def build(connection: str, images: int, columns: int) -> None:
    """A whole catalogue in an empty database.

    :param connection: SQLAlchemy URL of MariaDB or PostgreSQL.
    """
    migration.upgrade(connection)
    engine = sa.create_engine(connection, poolclass=sa.NullPool)
    with engine.begin() as session:
        for setting in UNCHECKED[engine.dialect.name]:
            session.execute(sa.text(f"SET SESSION {setting}"))
        # Indexes are made faster of what is there than row by row.
        indexes = [*_D.__table__.indexes, *_S.__table__.indexes]
        for index in indexes:
            index.drop(session)
        _sites(session, columns)
        for part in _in_parts(_images(images), 2000):
            session.execute(sa.insert(_I), part)
        for first, end in itertools.pairwise(DIGITS):
            # In parts, each of which is sorted in memory.
            among = sa.and_(_I.id >= first, _I.id < end)
            session.execute(_cells(among))
            if engine.dialect.name == "postgresql":
                # Or it plans for tables as empty as they were.
                session.execute(sa.text("ANALYZE images, deployments"))
            session.execute(_inventory(among))
        for index in indexes:
            index.create(session)
        session.execute(_twice())
        history.write(session, PROJECT, USER, LONG_AGO)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        # A database that has run for a while knows its tables.
        for table in models.Base.metadata.tables:
            verb = "ANALYZE TABLE" if engine.dialect.name != "postgresql" else "VACUUM ANALYZE"
            session.execute(sa.text(f"{verb} {table}"))
    engine.dispose()


def size(connection: str) -> Mapping[str, int]:
    """Rows of the large tables."""
    engine = sa.create_engine(connection, poolclass=sa.NullPool)
    tables = (_I, _D, _S, _T, models.Change, models.Event)
    with engine.connect() as session:
        return {
            table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in tables
        }


def _in_parts(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _sites(session: sa.Connection, columns: int) -> None:
    """Two columns at each site."""
    rng = random.Random(1)
    for number in range(-(-columns // 2)):
        site = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        name = f"CLOUD-{number:02}"
        session.execute(
            sa.insert(models.Site).values(
                id=site, name=name, type="openstack", taken_name=name, health="ok",
                project_id=PROJECT, taken_by=PROJECT, connection={"auth_url": "http://127.0.0.1/"},
                created_at=LONG_AGO, updated_at=LONG_AGO,
            )
        )  # fmt: skip
        for place in range(2 * number, min(2 * number + 2, columns)):
            session.execute(
                sa.insert(_C).values(
                    id=str(uuid.UUID(int=rng.getrandbits(128), version=4)), site_id=site,
                    project_id=PROJECT, auth={"auth_type": "password"}, secret=b"-",
                    identity=hashlib.sha256(f"{place}".encode()).hexdigest(),
                    remote_project_id=f"{place:032x}", remote_project_name=f"project-{place:02}",
                    verified_at=LONG_AGO, scanned_at=LONG_AGO, facts={},
                    created_at=LONG_AGO + datetime.timedelta(seconds=place), updated_at=LONG_AGO,
                )
            )  # fmt: skip


def name_of(number: int) -> str:
    """The name of an image: some few have one in common."""
    if number % SAME_NAME == 1:
        number -= 1
    rare = RARE if number % RARE_EACH == 7 else "-"
    return f"{KINDS[number % len(KINDS)]}{rare}build-{number:06}"


def _images(count: int) -> Iterator[dict[str, Any]]:
    rng = random.Random(2)
    ids = sorted(str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(count))
    numbers = [*range(count)]
    rng.shuffle(numbers)
    for ident, number in zip(ids, numbers, strict=True):
        digest = hashlib.sha512(ident.encode()).hexdigest()
        born = LONG_AGO + datetime.timedelta(minutes=number % 400_000)
        yield {
            "id": ident, "project_id": PROJECT, "user_id": USER, "name": name_of(number),
            "size": 2**28 + rng.getrandbits(34), "os_hash_algo": "sha512",
            "os_hash_value": digest, "digests": {"sha512": digest},
            "identity": db_images.identity(PROJECT, "sha512", digest),
            "disk_format": "qcow2" if number % 3 else "raw", "container_format": "bare",
            "properties": {"hw_disk_bus": "virtio", "os_distro": KINDS[number % len(KINDS)]},
            "tags": [], "expected": {}, "created_at": born, "updated_at": born,
            "ownership": ("project", "project", "shared", "public")[number % 4],
        }  # fmt: skip


def _cells(among: Any) -> Any:
    """Rows where image and column have met, and how the cell stands."""
    digest = sa.func.md5(sa.func.concat(_I.id, _C.id))
    met = (
        sa.select(
            digest.label("digest"),
            _I.id.label("image_id"),
            _I.size,
            _I.os_hash_value,
            _I.created_at,
            _C.id.label("credential_id"),
        )
        .join(_C, _C.project_id == _I.project_id)
        .where(among, draw(digest, 31, 256, MET))
        .subquery()
    )
    drawn = 0

    def share(count: int) -> Any:
        nonlocal drawn
        drawn += count
        return draw(met.c.digest, 26, 4096, drawn)

    status = sa.case(
        (share(FAILED), "failed"),
        (share(DRIFTED), "drifted"),
        (share(QUEUED), "queued"),
        (share(EMPTIED), "absent"),
        else_="active",
    )
    here = status.in_(["active", "drifted"])
    values: dict[str, Any] = {
        "id": ident_of(met.c.digest),
        "image_id": met.c.image_id,
        "credential_id": met.c.credential_id,
        "project_id": sa.literal(PROJECT),
        "wanted": status != "absent",
        "status": status,
        "pending": sa.false(),
        "remote_id": sa.case((here, ident_of(sa.func.md5(met.c.digest)))),
        "stamped": sa.and_(here, draw(met.c.digest, 25, 16, MADE)),
        "seen_size": sa.case((here, met.c.size)),
        "seen_hash_algo": sa.case((here, "sha512")),
        "seen_hash_value": sa.case((here, met.c.os_hash_value)),
        "seen_at": met.c.created_at,
        "verified_at": sa.case((here, met.c.created_at)),
        "not_carried": sa.literal([], sa.JSON),
        "error_code": sa.case(
            (status == "failed", "site.unreachable"), (status == "drifted", "deployment.missing")
        ),
        "allow_foreign": sa.false(),
        "allow_last_copy": sa.false(),
        "generation": sa.literal(1),
        "created_at": met.c.created_at,
        "updated_at": met.c.created_at,
    }
    return insert(_D, values, lambda columns: sa.select(*columns).order_by(met.c.digest))


def _seen(remote_id: Any, name: Any, stamp: Any) -> dict[str, Any]:
    return {
        "credential_id": _D.credential_id,
        "remote_id": remote_id,
        "name": name,
        "status": sa.literal("active"),
        "size": _D.seen_size,
        "os_hash_algo": _D.seen_hash_algo,
        "os_hash_value": _D.seen_hash_value,
        "visibility": sa.literal("private"),
        "protected": sa.false(),
        "stamp_deployment": stamp,
        "seen_at": _D.updated_at,
    }


def _inventory(among: Any) -> Any:
    """What the sites hold: all active cells."""
    digest = sa.func.md5(_D.id)
    name = sa.case(
        (draw(digest, 1, 4096, RENAMED), sa.func.concat("copy of ", _I.name)), else_=_I.name
    )
    stamp = sa.case((_D.stamped.is_(True), _D.id))
    return insert(
        _S,
        _seen(_D.remote_id, name, stamp),
        lambda columns: (
            sa.select(*columns)
            .join(_I, _I.id == _D.image_id)
            .where(among, _D.status == "active")
            .order_by(_D.credential_id, _D.remote_id)
        ),
    )


def _twice() -> Any:
    """Some copies that nobody made with Glint are there twice."""
    digest = sa.func.md5(_D.id)
    return insert(
        _S,
        _seen(ident_of(sa.func.md5(_D.remote_id)), _I.name, sa.null()),
        lambda columns: (
            sa.select(*columns)
            .join(_I, _I.id == _D.image_id)
            .where(_D.status == "active", _D.stamped.is_(False), draw(digest, 9, 4096, TWICE))
        ),
    )


def some_images(connection: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Id and name of images from all over the catalogue."""
    engine = sa.create_engine(connection, poolclass=sa.NullPool)
    with engine.connect() as session:
        ids = [*session.scalars(sa.select(_I.id))]
        chosen = random.Random(seed).sample(sorted(ids), min(count, len(ids)))
        rows = session.execute(sa.select(_I.id, _I.name).where(_I.id.in_(chosen)))
        names = {row.id: row.name for row in rows}
    return [(ident, names[ident]) for ident in chosen]


def empty_cells(connection: str, images: list[str]) -> list[tuple[str, str]]:
    """Image and column of cells without a row, in the order of the images."""
    engine = sa.create_engine(connection, poolclass=sa.NullPool)
    with engine.connect() as session:
        columns = [*session.scalars(sa.select(_C.id).order_by(_C.id))]
        rows = session.execute(
            sa.select(_D.image_id, _D.credential_id).where(_D.image_id.in_(images))
        )
        met = {(row.image_id, row.credential_id) for row in rows}
    return [(image, column) for image in images for column in columns if (image, column) not in met]
