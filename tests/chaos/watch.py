"""Looks all the time: is what Glint claims at this moment true?"""

from __future__ import annotations

import collections
import datetime
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import requests
import sqlalchemy as sa
from keystoneauth1 import exceptions as ks_exceptions

from glint.db import models
from tests.chaos.clouds import Original, Project, Record

LOG = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two samples of the clouds; the database is looked at more often."""
FAST = 0.25

AWAY = (sa.exc.SQLAlchemyError, ks_exceptions.ClientException, requests.RequestException)
"""What is normal while servers are killed: such a moment is not sampled."""

Cell = tuple[str, str, str, str, datetime.datetime]
"""Deployment, image, credential, remote id, time of the row's last change."""


class Watcher:
    """Samples from a thread of its own, reading the database and the clouds directly.

    A cell is false when the database called it active, with the same row, before *and* after the
    clouds were read, and the cloud did not hold these bytes.

    :param columns: by credential id
    :param originals: by image id
    :param limits: running transfers that each site allows, by site id
    :ivar false_active: one line for each cell that was ever seen to be false
    :ivar over_limit: one line for each time that a site had more running transfers than it allows
    :ivar take_overs: transfers seen running with an expired lease, and then with another owner
    :ivar most: the most running transfers seen at each site
    """

    def __init__(
        self,
        connection: str,
        columns: Mapping[str, Project],
        originals: Mapping[str, Original],
        limits: Mapping[str, int],
    ) -> None:
        self._engine = sa.create_engine(connection, poolclass=sa.NullPool)
        self._columns = columns
        self._originals = originals
        self._limits = limits
        self._orphans: dict[str, tuple[str, int]] = {}
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(look, pause), daemon=True)
            for look, pause in ((self.look_at_clouds, PAUSE), (self.look_at_transfers, FAST))
        ]
        self.samples: collections.Counter[str] = collections.Counter()
        self.false_active: dict[str, str] = {}
        self.over_limit: list[str] = []
        self.most: dict[str, int] = collections.defaultdict(int)
        self.take_overs = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, look: Any, pause: float) -> None:
        while not self._ended.wait(pause):
            try:
                look()
                self.samples[look.__name__] += 1
            except AWAY as error:
                self.samples["missed"] += 1
                LOG.debug("no sample: %s", type(error).__name__)

    # -- cells against clouds

    def look_at_clouds(self) -> int:
        """Compare once; return how many active cells were compared."""
        before = self._active()
        credentials = {cell[2] for cell in before}
        seen = {ident: self._columns[ident].records() for ident in credentials}
        steady = before & self._active()
        for cell in steady:
            self._compare(cell, seen[cell[2]])
        self.samples["cells"] += len(steady)
        return len(steady)

    def _active(self) -> set[Cell]:
        cell = models.Deployment
        query = sa.select(
            cell.id, cell.image_id, cell.credential_id, cell.remote_id, cell.updated_at
        ).where(cell.status == "active", cell.credential_id.in_([*self._columns]))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {tuple(row) for row in rows if row.image_id in self._originals}  # type: ignore[misc]

    def _compare(self, cell: Cell, records: Mapping[str, Record]) -> None:
        ident, image_id, credential_id, remote_id, _ = cell
        wrong = contradiction(self._originals[image_id], records.get(remote_id))
        if wrong and ident not in self.false_active:
            where = f"{self._originals[image_id].name} at {self._columns[credential_id].label}"
            self.false_active[ident] = f"{where} ({remote_id}): {wrong}"
            LOG.error("false active: %s", self.false_active[ident])

    # -- transfers

    def look_at_transfers(self) -> None:
        """Count what runs, and notice who takes over from whom."""
        t = models.Transfer
        query = sa.select(t.id, t.site_id, t.owner, t.fence, t.lease_until).where(
            t.state == "running"
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        now = models.utcnow()
        self._count(rows)
        for row in rows:
            known = self._orphans.get(row.id)
            if known and row.fence > known[1]:
                del self._orphans[row.id]
                self.take_overs += row.owner != known[0]
            if row.lease_until is not None and row.lease_until < now:
                self._orphans[row.id] = (row.owner, row.fence)

    def _count(self, rows: Sequence[Any]) -> None:
        running = collections.Counter(row.site_id for row in rows)
        for site, count in running.items():
            self.most[site] = max(self.most[site], count)
            if count > self._limits.get(site, count):
                line = f"site {site}: {count} running, {self._limits[site]} allowed"
                self.over_limit.append(line)
                LOG.error("over the limit: %s", line)


def contradiction(original: Original, record: Record | None) -> str | None:
    """Why a record at a site is no proof that the original is there; None: it is one."""
    if record is None:
        return "it is not there"
    if record["status"] != "active":
        return f"it is {record['status']}"
    digest = original.digests.get(record["os_hash_algo"])
    if (record["size"], record["os_hash_value"]) != (original.size, digest):
        return f"it has {record['size']} bytes, {record['os_hash_algo']} {record['os_hash_value']}"
    return None
