"""Claims per second: processes that compete for one queue, as conductors do."""

from __future__ import annotations

import argparse
import collections
import contextlib
import multiprocessing
import pathlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from glint import objects
from glint.db import api, migration, models, moves, queue
from glint.states import DeploymentStatus
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL

SITES = 32
PER_IMAGE = 4
"""Columns that an image is wished in."""
LEASE = 600.0
TIMEOUT = 600.0
SERVERS = {"mariadb": MariaDB, "postgresql": PostgreSQL}

#: What a process does: claim only; claim and finish; claim with all waiting copies of the image.
MODES = ("claim", "claim and finish", "claim in groups")


def bench(given: argparse.Namespace) -> list[list[str]]:
    heading = [
        "database", "what", "processes", "rows", "per second", "median ms", "p99 ms",
        "collisions", "duplicates", "lost",
    ]  # fmt: skip
    rows = [heading]
    for name in given.database or ("sqlite", "mariadb", "postgresql"):
        for mode in MODES:
            with database(name) as connection:
                rows.append([name, *measure(connection, mode, given.rows, given.processes)])
                print("  ".join(rows[-1]), flush=True)
    return rows


@contextlib.contextmanager
def database(name: str) -> Iterator[str]:
    """The URL of a fresh database with Glint's tables."""
    with contextlib.ExitStack() as stack:
        if name == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            connection = f"sqlite:///{pathlib.Path(folder) / 'glint.sqlite'}"
        else:
            connection = stack.enter_context(SERVERS[name]()).create_database()
        migration.upgrade(connection)
        yield connection


def prepare(db: api.Database, rows: int) -> None:
    """Transfers in the queue, and all that they stand on."""
    limit = -(-rows // SITES) + 1
    sites = [models.new_id() for _ in range(SITES)]
    columns = [models.new_id() for _ in range(SITES)]
    images = [models.new_id() for _ in range(-(-rows // PER_IMAGE))]
    cells = [
        (models.new_id(), images[n // PER_IMAGE], (n + n // PER_IMAGE) % SITES) for n in range(rows)
    ]
    with db.writer() as session:
        session.execute(sa.insert(models.Site), [
            {"id": ident, "name": f"site {ident}", "type": "openstack", "connection": {},
             "taken_name": ident, "max_transfers": limit}
            for ident in sites
        ])  # fmt: skip
        session.execute(sa.insert(models.Credential), [
            {"id": ident, "site_id": site, "project_id": "p", "auth": {}, "secret": b""}
            for ident, site in zip(columns, sites, strict=True)
        ])  # fmt: skip
        session.execute(sa.insert(models.Image), [
            {"id": ident, "project_id": "p", "name": f"image {ident}", "disk_format": "raw",
             "container_format": "bare", "size": 2**30}
            for ident in images
        ])  # fmt: skip
        session.execute(sa.insert(models.Deployment), [
            {"id": ident, "image_id": image, "credential_id": columns[site], "project_id": "p",
             "wanted": True, "status": "queued"}
            for ident, image, site in cells
        ])  # fmt: skip
        session.execute(sa.insert(models.Transfer), [
            {"id": models.new_id(), "deployment_id": ident, "live": ident, "image_id": image,
             "credential_id": columns[site], "site_id": sites[site], "project_id": "p",
             "kind": "copy", "bytes_total": 2**30}
            for ident, image, site in cells
        ])  # fmt: skip


class Claimer:
    """What one process does until nothing is left."""

    def __init__(self, connection: str, mode: str, number: int) -> None:
        self.db = api.Database(connection)
        self.mode = mode
        self.owner = f"bench:{number}"
        self.won: list[str] = []
        self.seconds: list[float] = []
        self.collisions = 0

    def run(self) -> None:
        while True:
            began = time.monotonic()
            group = self._claim()
            if not group:
                if not self._left():
                    return
                time.sleep(0.005)
                continue
            if self.mode == "claim and finish":
                for transfer in group:
                    moves.finish(
                        self.db, transfer, status=DeploymentStatus.ACTIVE, message="measured",
                        cell={"remote_id": transfer.id},
                    )  # fmt: skip
            self.won += [transfer.id for transfer in group]
            self.seconds.append(time.monotonic() - began)

    def _claim(self) -> list[objects.Transfer]:
        """As ``glint.conductor.engine`` does it."""
        for found, limit in queue.candidates(self.db):
            first = self._one(found, limit)
            if first is None:
                continue
            group = [first]
            if self.mode == "claim in groups":
                others = [self._one(*one) for one in queue.siblings(self.db, first)]
                group += [other for other in others if other is not None]
            return group
        return []

    def _one(self, found: objects.Transfer, limit: int) -> objects.Transfer | None:
        won = queue.claim(self.db, found, self.owner, limit=limit, lease=LEASE)
        self.collisions += won is None
        return won

    def _left(self) -> int:
        query = sa.select(sa.func.count()).where(models.Transfer.state == "queued")
        with self.db.reader() as session:
            return int(session.scalar(query) or 0)


def compete(connection: str, mode: str, number: int, gate: Any, results: Any) -> None:
    """A process of its own."""
    claimer = Claimer(connection, mode, number)
    claimer._left()  # connect before the clock runs
    gate.wait(TIMEOUT)
    began = time.monotonic()
    claimer.run()
    ended = time.monotonic()
    results.put((began, ended, claimer.won, claimer.seconds, claimer.collisions))


def measure(connection: str, mode: str, rows: int, processes: int) -> list[str]:
    """One row of the table, without the database's name."""
    db = api.Database(connection)
    prepare(db, rows)
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=compete, args=(connection, mode, number, gate, results))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=TIMEOUT) for _ in workers]
    for worker in workers:
        worker.join(TIMEOUT)
    seconds = max(one[1] for one in found) - min(one[0] for one in found)
    times = sorted(second * 1000 for one in found for second in one[3])
    lost, twice = account(db, mode, [ident for one in found for ident in one[2]])
    db.dispose()
    return [
        mode, str(processes), str(rows), f"{rows / seconds:.0f}", f"{statistics.median(times):.1f}",
        f"{times[int(len(times) * 0.99)]:.1f}", str(sum(one[4] for one in found)), str(twice),
        str(lost),
    ]  # fmt: skip


def account(db: api.Database, mode: str, won: Sequence[str]) -> tuple[int, int]:
    """Transfers that nobody got, and those that two processes believe to have got."""
    twice = sum(count - 1 for count in collections.Counter(won).values())
    transfer = models.Transfer
    with db.reader() as session:
        rows = session.execute(sa.select(transfer.id, transfer.fence, transfer.state)).all()
    state = "done" if mode == "claim and finish" else "running"
    known = set(won)
    lost = sum(1 for row in rows if row.state != state or row.id not in known)
    return lost, twice + sum(row.fence - 1 for row in rows if row.fence > 1)
