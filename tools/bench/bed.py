"""Clouds, servers and Glint at scale, for measurements that need all of it."""

from __future__ import annotations

import contextlib
import pathlib
import random
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from glint.client import Resource
from glint.db import models
from tests.chaos.clouds import Project
from tests.chaos.glint import SETTINGS, ScaledGlint
from tests.functional.service import eventually
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.fixture import MiniCloud
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

SERVERS = {"mariadb": MariaDB, "postgresql": PostgreSQL}
SOURCE = ("alto", "hep-member")
TARGETS = (("alto", "bio-member"), ("dair", "hep-member"), ("dair", "bio-member"))
FILE = r"/v2/images/[^/]+/file$"
PATIENCE = 900.0


class Bed(contextlib.ExitStack):
    """Two clouds behind proxies, a database, a broker, Glint, and columns of some projects.

    :param settings: of the group ``conductor``, on top of those of the chaos suite
    :param limit: running transfers at each site
    :param endpoints: cloud -> address of an image service that is used in place of its Glance
    """

    def __init__(
        self,
        *,
        conductors: int,
        settings: Mapping[str, Any],
        limit: int,
        database: str = "mariadb",
        endpoints: Mapping[str, str] | None = None,
        transfer: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        self.minicloud = MiniCloud(self.folder / "clouds", owned=True)
        self._endpoints = endpoints or {}
        self._limit = limit
        self._conductors = conductors
        self._settings = {
            "conductor": {**SETTINGS["conductor"], "scan_interval": 3600, **settings},
            "api": SETTINGS["api"],
            "transfer": dict(transfer or {}),
            "DEFAULT": {"debug": "false"},
        }
        self._database = database
        self.proxies: dict[str, FaultProxy] = {}
        self.columns: list[Resource] = []

    def build(self) -> Bed:
        """Start everything.

        :raises RuntimeError: something does not start
        """
        self.callback(self.minicloud.down)
        self.minicloud.up(say=lambda line: None)
        server = self.enter_context(SERVERS[self._database]())
        broker = self.enter_context(RabbitMQ())
        for name in ("alto", "dair"):
            cloud = self.minicloud.cloud(name)
            if name in self._endpoints:
                self.minicloud.set_endpoint(name, "image", self._endpoints[name])
                continue
            proxy = FaultProxy(cloud.image_url).start()
            self.callback(proxy.stop)
            self.minicloud.set_endpoint(name, "image", proxy.url)
            self.proxies[name] = proxy
        self.glint = self.enter_context(
            ScaledGlint(
                self.folder / "glint",
                self.minicloud.cloud("alto"),
                database=server.create_database(),
                broker=broker.url,
                conductors=self._conductors,
                settings=self._settings,
            )
        )
        self.client = self.glint.client()
        self._engine = sa.create_engine(self.glint.connection, poolclass=sa.NullPool)
        self._make_columns()
        return self

    def _make_columns(self) -> None:
        sites = {
            name: self.client.sites.create(
                name.upper(),
                "openstack",
                {"auth_url": self.minicloud.cloud(name).auth_url},
                max_transfers=self._limit,
            )
            for name in ("alto", "dair")
        }
        self.home = self.client.credentials.create(sites["alto"]["id"], {"auth_type": "home"})
        for cloud, persona in TARGETS:
            given = self.minicloud.cloud(cloud).credentials(persona)
            auth = {"auth_type": "password", **given.auth_parameters()}
            del auth["auth_url"]
            self.columns.append(self.client.credentials.create(sites[cloud]["id"], auth))

    def project(self, where: tuple[str, str] = SOURCE) -> Project:
        return Project(self.minicloud.cloud(where[0]), where[1])

    def upload(self, count: int, size: int) -> None:
        """Images of ``size`` bytes at the source, straight into its Glance."""
        project, rng = self.project(), random.Random(1)
        for number in range(count):
            project.images.add(rng.randbytes(size), f"image-{number:04}")

    def register(self, count: int) -> list[str]:
        """What the source holds into the catalogue, by a scan; the catalogue's ids."""
        self.client.credentials.scan(self.home["id"])

        def there() -> list[str]:
            ids = [row["id"] for row in self.client.images.list()]
            return ids if len(ids) >= count else []

        return eventually(there, f"{count} images in the catalogue", PATIENCE, 0.3)

    def save(self, images: list[str], columns: list[Resource], wanted: bool = True) -> float:
        """Wish all images at all columns; return the time (monotonic) before the request."""
        began = time.monotonic()
        changes = [
            {"image_id": image, "credential_id": column["id"], "wanted": wanted}
            for image in images
            for column in columns
        ]
        self.client.operations.create(changes)
        return began

    def rows(self, *columns: Any, **wanted: Any) -> list[Any]:
        """Of the table of transfers, read past Glint."""
        query = sa.select(*columns)
        for name, value in wanted.items():
            query = query.where(getattr(models.Transfer, name) == value)
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())

    def wait_until_done(self, count: int, interval: float = 0.2) -> float:
        """Return the time (monotonic) when ``count`` transfers were done.

        :raises AssertionError: they are not in time, or one failed
        """

        def done() -> bool:
            states = [row.state for row in self.rows(models.Transfer.state)]
            if "failed" in states:
                raise AssertionError("a transfer failed: the measurement is worth nothing")
            return states.count("done") >= count

        eventually(done, f"{count} transfers done", PATIENCE, interval)
        return time.monotonic()
