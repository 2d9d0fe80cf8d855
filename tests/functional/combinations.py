"""The combinations of database and messages that Glint runs on, as a parameter of tests.

A test that names none gets a ``glint-all`` of its own, on SQLite and with local dispatch. On the
others one Glint is kept for test after test, and emptied between them: its servers, its schema and
its processes cost more than most tests do.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import pathlib
import shutil
import tempfile
from typing import Any, ClassVar

import fixtures
import sqlalchemy as sa

from glint.db import api, models, processes
from tests.chaos.glint import ScaledGlint
from tests.functional.service import GlintService, Settings
from tests.minicloud.fixture import CloudHandle
from tests.servers.databases import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.server import Shared

#: Tables about the processes themselves, which go on.
OF_PROCESSES = (processes.Conductor.__table__, processes.Duty.__table__)


class FakeGlint(GlintService):
    """``glint-all`` whose API reaches its conductor through oslo.messaging, without a broker."""

    def base_settings(self) -> dict[str, dict[str, Any]]:
        settings = super().base_settings()
        settings["DEFAULT"] |= {"rpc_transport": "oslo", "transport_url": "fake://"}
        return settings


@dataclasses.dataclass(frozen=True)
class Combination:
    """:ivar database: None for SQLite, and with it one process."""

    name: str
    database: type[DatabaseServer] | None = None

    def make(self, folder: pathlib.Path, home: CloudHandle, settings: Settings) -> GlintService:
        """A Glint on an empty database, not started yet.

        :raises unittest.SkipTest: a server's program is missing
        """
        if self.database is None:
            return FakeGlint(folder, home, settings=settings)
        return ScaledGlint(
            folder,
            home,
            database=make_database(self.database),
            broker=broker_url(),
            conductors=1,
            settings=settings,
        )


FAKE = Combination("SQLite and fake://")
MARIADB = Combination("MariaDB and RabbitMQ", MariaDB)
POSTGRESQL = Combination("PostgreSQL and RabbitMQ", PostgreSQL)


def make_database(kind: type[DatabaseServer]) -> str:
    """The URL of a new database of the server that the tests of this process share."""
    shared = Shared(kind)
    shared.setUp()
    assert isinstance(shared.server, DatabaseServer)
    return shared.server.create_database()


def broker_url() -> str:
    """The ``transport_url`` of the broker that the tests of this process share."""
    shared = Shared(RabbitMQ)
    shared.setUp()
    assert isinstance(shared.server, RabbitMQ)
    return shared.server.url


class Kept(fixtures.Fixture):
    """A Glint that outlives the test; what the test wrote into its database does not.

    There is one at a time: two on one broker would take each other's messages.

    :ivar glint: running, with an empty database
    """

    _key: ClassVar[str | None] = None
    _glint: ClassVar[GlintService | None] = None

    def __init__(
        self, combination: Combination, home: CloudHandle, settings: Settings | None
    ) -> None:
        super().__init__()
        self._combination = combination
        self._home = home
        self._settings = settings or {}
        self.glint: GlintService

    def setUp(self) -> None:
        # Not in _setUp, whose exceptions become errors, also those that mean a skip.
        wanted = [self._combination.name, self._home.auth_url, self._settings]
        key = json.dumps(wanted, sort_keys=True, default=str)
        if Kept._key != key:
            Kept.end()
            folder = pathlib.Path(tempfile.mkdtemp(prefix="glint-"))
            made = self._combination.make(folder, self._home, self._settings)
            Kept._key, Kept._glint = key, made
            made.setUp()
        assert Kept._glint is not None
        self.glint = Kept._glint
        super().setUp()

    def _setUp(self) -> None:
        # What a test killed; and the catalogue of the home cloud names it again.
        self.glint.start()
        self.addCleanup(self._empty)

    def _empty(self) -> None:
        db = api.Database(self.glint.connection)
        try:
            if _is_busy(db):
                # What it is at may end anywhere; an empty database says nothing of it.
                self.glint.kill9()
            _wipe(db)
        finally:
            db.dispose()

    @classmethod
    def end(cls) -> None:
        """End the one that is kept."""
        ended, cls._key, cls._glint = cls._glint, None, None
        if ended is not None:
            ended.kill9()
            shutil.rmtree(ended.folder, ignore_errors=True)


atexit.register(Kept.end)


def _is_busy(db: api.Database) -> bool:
    live = sa.select(models.Transfer.id).where(models.Transfer.live.is_not(None))
    waiting = sa.select(models.Deployment.id).where(models.Deployment.pending.is_(True))
    with db.reader() as session:
        return any(session.scalar(query.limit(1)) is not None for query in (live, waiting))


@api.retry
def _wipe(db: api.Database) -> None:
    with db.writer() as session:
        for table in reversed(processes.METADATA.sorted_tables):
            if table not in OF_PROCESSES:
                session.execute(sa.delete(table))
