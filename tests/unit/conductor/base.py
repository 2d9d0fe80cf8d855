"""A conductor on a real SQLite file, in front of clouds in memory."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import fixtures
import testtools

from glint.conductor.manager import Manager
from glint.conductor.settings import Settings
from glint.db import (
    api,
    credentials,
    deployments,
    images,
    models,
    operations,
    processes,
    scans,
    sites,
)
from glint.metrics.work import Work
from glint.objects import Deployment, Scope, WishedChange
from tests.unit.conductor.memory import MemoryCloud, MemoryDriver

PROJECT = Scope("project", "user")
#: Seconds that anything in these tests may take; reached only when something is broken.
PATIENCE = 20.0


class Ring:
    """A keyring for tests that are not about secrets."""

    def decrypt(self, token: bytes) -> dict[str, Any]:
        return {"password": token.decode()}


class ConductorTestCase(testtools.TestCase):
    """Gives a database, clouds, and conductors that are closed at the end."""

    def setUp(self) -> None:
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.db = self.database(f"sqlite:///{folder}/glint.db")
        processes.METADATA.create_all(self.db.engine)
        self.columns: dict[str, str] = {}

    def database(self, url: str) -> api.Database:
        db = api.Database(url)
        self.addCleanup(db.dispose)
        return db

    def cloud(self, name: str, **options: Any) -> MemoryCloud:
        """A cloud with a site and a credential of its name; ``connection`` is added to the site's.

        Other options are the cloud's.
        """
        connection = options.pop("connection", {})
        cloud = MemoryCloud(f"{name}-{uuid.uuid4().hex}", **options)
        where = {"cloud": cloud.name, **connection}
        site = sites.create(self.db, PROJECT, name=name, type="memory", connection=where)
        column = credentials.create(
            self.db, PROJECT, site_id=site.id, auth={"auth_type": "password"}, secret=b"x"
        )
        credentials.set_verified(self.db, column.id, scanned_at=models.utcnow())
        self.columns[name] = column.id
        return cloud

    def settings(self, **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "owner": uuid.uuid4().hex, "host": "test", "poll_interval": 0.1, "beat": 0.1,
            "lease": 6.0, "attempts": 2, "retry_delay": 0.05, "slow_site_grace": 5.0,
            "idle_timeout": 5.0, "chunk_size": 1024, "window": 4,
            "graceful_shutdown_timeout": 0.2,
        }  # fmt: skip
        return Settings(**{**values, **changes})

    def manager(self, *, metrics: Work | None = None, **changes: Any) -> Manager:
        """A conductor that is not started."""
        settings = self.settings(**changes)
        return Manager(self.db, Ring(), {"memory": MemoryDriver}, settings, metrics=metrics)

    def start(self, **changes: Any) -> Manager:
        manager = self.manager(**changes)
        manager.start()
        self.addCleanup(manager.close)
        return manager

    def register(self, name: str, remote_id: str) -> str:
        return self.manager().register_image(self.columns[name], remote_id)

    def save(self, image_id: str, **wishes: bool) -> str:
        """Save wishes by column name; returns the operation's id."""
        changes = [WishedChange(image_id, self.columns[n], w) for n, w in wishes.items()]
        return operations.save(self.db, PROJECT, changes).operation.id

    def cell(self, image_id: str, name: str) -> Deployment:
        cells = deployments.list(
            self.db, PROJECT, limit=10, image_id=image_id, credential_id=self.columns[name]
        )
        return cells[0].deployment

    def scan(self, name: str) -> None:
        """One scan of a column, here and now, by whoever claims it first."""
        ident = self.columns[name]
        before = credentials.get(self.db, PROJECT, ident).scanned_at
        scans.want_scan(self.db, ident)
        self.manager()._scanner._scan_next()
        self.wait(lambda: credentials.get(self.db, PROJECT, ident).scanned_at != before)

    def wait(self, what: Callable[[], Any]) -> Any:
        """Until ``what`` is true; fails after PATIENCE."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = what()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError("it did not happen in time")

    def wait_cell(self, image_id: str, name: str, status: str) -> Deployment:
        def reached() -> Deployment | None:
            cell = self.cell(image_id, name)
            settled = cell.status == status and not cell.pending
            return cell if settled else None

        try:
            return self.wait(reached)
        except AssertionError:
            self.fail(f"expected {status}: {self.cell(image_id, name)}")

    def image(self, image_id: str) -> Any:
        return images.load(self.db, image_id)
