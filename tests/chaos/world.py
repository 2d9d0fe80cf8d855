"""Everything that a run needs: clouds, servers, proxies, Glint, columns, images."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from glint.client import Resource
from tests.chaos.clouds import KIB, Original, Project, Remote, make_bytes, original
from tests.chaos.glint import ScaledGlint, SingleGlint
from tests.chaos.options import Options
from tests.functional.service import Process, eventually
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.fixture import MiniCloud
from tests.servers.databases import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

LOG = logging.getLogger(__name__)

SERVERS: Mapping[str, type[DatabaseServer]] = {"mariadb": MariaDB, "postgresql": PostgreSQL}
SOURCE = ("alto", "hep-member")
TARGETS = (("alto", "bio-member"), ("dair", "hep-member"), ("dair", "bio-member"))
LIMITS = {"alto": 3, "dair": 4}
"""Running transfers that each site allows."""
SCAN_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Column:
    """A credential of Glint's, and the project that it leads to."""

    credential: Resource
    project: Project

    @property
    def label(self) -> str:
        return self.project.label


class World:
    """Made by :meth:`build`, which leaves it running and quiet; ended by ``with``."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._stack = contextlib.ExitStack()
        self._rng = options.rng("images")
        self.minicloud = MiniCloud(options.folder / "clouds", self._overrides(), owned=True)
        self.database: DatabaseServer | None = None
        self.broker: RabbitMQ | None = None
        self.proxies: dict[str, FaultProxy] = {}
        self.glint: ScaledGlint | SingleGlint
        self.source: Column
        self.targets: list[Column] = []
        self.originals: dict[str, Original] = {}
        self.before: dict[str, dict[str, Remote]] = {}

    def _overrides(self) -> dict[str, Any]:
        """With odd seeds the other cloud hashes in another way than the source does."""
        if self.options.seed % 2 == 0:
            return {}
        return {"dair-glance": {"DEFAULT": {"hashing_algorithm": "sha256"}}}

    def __enter__(self) -> World:
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    # -- what there is

    @property
    def columns(self) -> list[Column]:
        return [self.source, *self.targets]

    @property
    def conductors(self) -> list[Process]:
        """The processes that carry out transfers."""
        return [p for p in self.glint.processes if p.name != "glint-api"]

    @property
    def api(self) -> Process:
        return self.glint.processes[0]

    def site_limits(self) -> dict[str, int]:
        return {c.credential["site_id"]: LIMITS[c.project.cloud.name] for c in self.columns}

    # -- building

    def _build(self) -> None:
        LOG.info("seed %d: clouds and servers", self.options.seed)
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(self._start_clouds)]
            if self.options.database != "sqlite":
                jobs += [pool.submit(self._start_database), pool.submit(self._start_broker)]
            for job in jobs:
                job.result()
        LOG.info("images")
        names = self._upload()
        self._begin_proxies()
        self.glint = self._make_glint()
        self._stack.enter_context(self.glint)
        LOG.info("columns")
        self._make_columns()
        self._register(names)
        self._add_adoptable()
        self.before = {c.label: {r.id: r for r in c.project.remotes()} for c in self.columns}

    def _start_clouds(self) -> None:
        self._stack.callback(self.minicloud.down)
        self.minicloud.up(say=LOG.info)

    def _start_database(self) -> None:
        self.database = SERVERS[self.options.database]()
        self._stack.callback(self.database.cleanUp)
        self.database.setUp()

    def _start_broker(self) -> None:
        self.broker = RabbitMQ()
        self._stack.callback(self.broker.cleanUp)
        self.broker.setUp()

    def _make_glint(self) -> ScaledGlint | SingleGlint:
        folder, home = self.options.folder / "glint", self.minicloud.cloud("alto")
        if self.database is None or self.broker is None:
            return SingleGlint(folder, home)
        return ScaledGlint(
            folder,
            home,
            database=self.database.create_database(),
            broker=self.broker.url,
            conductors=self.options.conductors,
        )

    def _project(self, where: tuple[str, str]) -> Project:
        return Project(self.minicloud.cloud(where[0]), where[1])

    def _upload(self) -> dict[str, Original]:
        """The originals, and among what others keep, some that look like ours."""
        project = self._project(SOURCE)
        names: dict[str, Original] = {}
        self._data: dict[str, bytes] = {}
        for number in range(-(-self.options.transfers // len(TARGETS))):
            name, data = f"image-{number:04}", make_bytes(self._rng)
            project.images.add(data, name, note=f"number {number}")
            names[name] = original(name, data)
            if number % 20 == 0:
                self._data[name] = data
        for where in TARGETS:
            self._add_foreign(self._project(where), sorted(names))
        return names

    def _add_foreign(self, project: Project, names: list[str]) -> None:
        """Not Glint's, and to stay so: others' images, a namesake, those of another Glint."""
        images = project.images
        stamp = {f"glint_{what}": str(uuid.UUID(int=self._rng.getrandbits(128)))
                 for what in ("deployment", "image", "transfer")}  # fmt: skip
        images.add(self._rng.randbytes(50 * KIB), "somebody's")
        images.add(self._rng.randbytes(70 * KIB), names[0])
        images.add(self._rng.randbytes(60 * KIB), "another Glint's", **stamp)
        images.create("another Glint's, begun", **stamp)

    def _begin_proxies(self) -> None:
        for name in ("alto", "dair"):
            proxy = FaultProxy(self.minicloud.cloud(name).image_url).start()
            self._stack.callback(proxy.stop)
            self.minicloud.set_endpoint(name, "image", proxy.url)
            self.proxies[name] = proxy

    def _make_columns(self) -> None:
        client = self.glint.client()
        sites = {
            name: client.sites.create(
                name.upper(),
                "openstack",
                {"auth_url": self.minicloud.cloud(name).auth_url},
                max_transfers=limit,
            )
            for name, limit in LIMITS.items()
        }
        home = client.credentials.create(sites["alto"]["id"], {"auth_type": "home"})
        self.source = Column(home, self._project(SOURCE))
        for where in TARGETS:
            given = self.minicloud.cloud(where[0]).credentials(where[1])
            auth = {
                "auth_type": "password",
                "username": given.username,
                "password": given.password,
                "project_name": given.project_name,
                "user_domain_id": given.user_domain_id,
                "project_domain_id": given.project_domain_id,
            }
            credential = client.credentials.create(sites[where[0]]["id"], auth)
            self.targets.append(Column(credential, self._project(where)))

    def _register(self, names: Mapping[str, Original]) -> None:
        """All originals into the catalogue, as an inventory scan does it."""
        self.scan()
        for row in self.glint.client().images.list():
            known = names.get(row["name"])
            if known and row["os_hash_value"] == known.sha512:
                self.originals[row["id"]] = dataclasses.replace(known, image_id=row["id"])
        if len(self.originals) != len(names):
            raise RuntimeError(f"{len(self.originals)} of {len(names)} images in the catalogue")

    def _add_adoptable(self) -> None:
        """Contents that are at a destination already, and of which no scan knows yet."""
        for number, (name, data) in enumerate(sorted(self._data.items())):
            column = self.targets[number % len(self.targets)]
            column.project.images.add(data, f"{name} by somebody else")
        self._data.clear()

    # -- using

    def scan(self) -> None:
        """One scan of each column; returns when all are over.

        :raises AssertionError: one is not over in time
        """
        client = self.glint.client()

        def scanned() -> dict[str, str | None]:
            return {one["id"]: one["scanned_at"] for one in client.credentials.list()}

        before = scanned()
        for column in self.columns:
            client.credentials.scan(column.credential["id"])

        def over() -> bool:
            now = scanned()
            return all(now[ident] not in (None, before[ident]) for ident in before)

        eventually(over, "a scan of each column", SCAN_TIMEOUT, 0.3)

    def mend(self) -> None:
        """Start again whatever does not run; return when all of it answers."""
        if self.database is not None:
            self.database.start()
        if self.broker is not None:
            self.broker.start()
        for service in ("alto-keystone", "alto-glance", "dair-keystone", "dair-glance"):
            self.minicloud.revive(service)
        self.glint.start()

    def engine(self) -> sa.Engine:
        """The database, read past Glint."""
        return sa.create_engine(self.glint.connection, poolclass=sa.NullPool)
