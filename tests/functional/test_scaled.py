"""Glint as it runs at scale: a WSGI server, two conductors, RabbitMQ, MariaDB or PostgreSQL.

Each of them is killed while an image is on its way.
"""

from __future__ import annotations

import pathlib
import urllib.parse
from typing import Any, ClassVar

import sqlalchemy as sa

from tests.chaos.glint import ScaledGlint
from tests.functional.base import LONG, change
from tests.functional.faultcase import FaultCase
from tests.functional.planted import SecretsCase
from tests.functional.processes import Process, eventually
from tests.functional.recorder import Recorder
from tests.functional.service import GlintService
from tests.servers.databases import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.server import Shared

ESTABLISHED = "01"


def sends_to(port: int) -> set[str]:
    """Inodes of the sockets that have something to send to a port of this machine."""
    found = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        remote, state, queues, inode = fields[2], fields[3], fields[4], fields[9]
        waiting = int(queues.split(":")[0], 16)
        if state == ESTABLISHED and int(remote.split(":")[1], 16) == port and waiting:
            found.add(inode)
    return found


def holds(pid: int, inodes: set[str]) -> bool:
    """Whether a process has one of these sockets."""
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            return True
    return False


def members(process: Process) -> list[int]:
    """The pids of a process group."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == process.pid:
                found.append(int(entry.name))
    return found


class ScaledCase(FaultCase):
    """Two conductors; the servers are shared by the tests, the databases are not."""

    database_kind: ClassVar[type[DatabaseServer]] = MariaDB
    glint_class: ClassVar[type[ScaledGlint]] = ScaledGlint
    size = LONG

    def make_glint(self, folder: pathlib.Path) -> GlintService:
        self.database = self.useFixture(Shared(self.database_kind)).server
        self.broker = self.useFixture(Shared(RabbitMQ)).server
        assert isinstance(self.database, DatabaseServer)
        assert isinstance(self.broker, RabbitMQ)
        return self.glint_class(
            folder,
            self.alto,
            database=self.database.create_database(),
            broker=self.broker.url,
            conductors=2,
            settings={"conductor": {"attempts": 8, "scan_interval": 3600}},
        )

    @property
    def api(self) -> Process:
        return self.glint.processes[0]

    def copier(self) -> Process:
        """The conductor that has an upload to DAIR under way."""

        def found() -> list[Process]:
            inodes = sends_to(self.sink.port)
            conductors = self.glint.processes[1:]
            return [one for one in conductors if any(holds(pid, inodes) for pid in members(one))]

        (one,) = eventually(found, "a conductor that copies")
        return one


class TakeOver:
    """What must hold on each database."""

    def test_copy_and_removal(self: Any) -> None:
        self.assert_copied(self.create())
        self.assert_done(self.user.save(change(self.image, self.column, False)))
        self.assertEqual([], self.dair_images.records())

    def test_kill_9_of_the_conductor_that_copies(self: Any) -> None:
        operation = self.slowly()
        copier = self.copier()
        copier.kill9()
        self.sink.clear()
        self.assert_copied(operation)
        self.assertFalse(copier.running())

    def test_the_database_is_killed_in_mid_copy(self: Any) -> None:
        operation = self.slowly()
        self.database.kill()
        self.sink.clear()
        self.database.start()
        self.assert_copied(operation)
        for process in self.glint.processes:
            self.assertTrue(process.running(), process.name)


class MariaDBTest(TakeOver, ScaledCase):
    database_kind = MariaDB

    def test_told_to_stop_the_other_goes_on(self) -> None:
        operation = self.slowly()
        copier = self.copier()
        copier.stop()
        self.sink.clear()
        self.assert_copied(operation)

    def test_a_save_without_a_broker(self) -> None:
        """It is answered within the client's patience, and carried out, still without a broker."""
        self.broker.stop()
        self.addCleanup(self.broker.start)
        self.user.client.http.timeout = (5, 20)
        self.assert_copied(self.create())
        site = self.user.http.post(f"/v1/sites/{self.column['site_id']}/probe")
        self.assert_refused(site, 503, "conductor.unavailable")
        self.broker.start()
        probed = eventually(
            lambda: self.user.http.post(f"/v1/sites/{self.column['site_id']}/probe").ok,
            "the conductors are reached again",
            timeout=60,
            interval=1,
        )
        self.assertTrue(probed)

    def test_the_broker_is_killed_in_mid_copy(self) -> None:
        operation = self.slowly()
        self.broker.kill()
        self.addCleanup(self.broker.start)
        self.sink.clear()
        self.assert_copied(operation)

    def test_the_api_is_killed_after_its_promise(self) -> None:
        operation = self.create()
        self.api.kill9()
        self.glint.start()
        self.assert_copied(operation)

    def test_everything_is_killed_at_once(self) -> None:
        operation = self.slowly()
        self.glint.kill9()
        self.broker.kill()
        self.database.kill()
        self.sink.clear()
        self.database.start()
        self.broker.start()
        self.glint.start()
        self.assert_copied(operation)


class PostgreSQLTest(TakeOver, ScaledCase):
    database_kind = PostgreSQL


class MessagesTest(SecretsCase):
    """No secret on the way from the API to the conductors, nor in a database server."""

    def make_glint(self, folder: pathlib.Path) -> GlintService:
        database = self.useFixture(Shared(MariaDB)).server
        broker = self.useFixture(Shared(RabbitMQ)).server
        assert isinstance(database, DatabaseServer)
        assert isinstance(broker, RabbitMQ)
        self.recorder = self.useFixture(Recorder(broker.port))
        where = urllib.parse.urlsplit(broker.url)
        url = where._replace(
            netloc=where.netloc.replace(f":{broker.port}", f":{self.recorder.port}")
        )
        self.connection = database.create_database()
        levels = {"default_log_levels": "amqp=DEBUG,oslo.messaging=DEBUG,oslo_messaging=DEBUG"}
        return ScaledGlint(
            folder,
            self.alto,
            database=self.connection,
            broker=url.geturl(),
            conductors=1,
            settings={"DEFAULT": levels, "conductor": {"poll_interval": 1}},
        )

    def test_no_secret_in_messages(self) -> None:
        self.walk()
        said = self.recorder.text()
        # What was asked of a conductor is there, so a secret would be found as well.
        ids = [one["id"] for one in self.user.client.credentials.list()]
        self.assertTrue(any(one in said for one in ids))
        self.assert_none_in("messages", said)
        self.glint.kill9()
        log = self.glint.log_text()
        self.assert_none_in("the logs", log)
        self.assert_no_token_in("the logs", log)
        rows = self.rows()
        self.assertIn("carrier", rows)
        self.assert_none_in("the database", rows)

    def rows(self) -> str:
        """Everything in all tables."""
        engine = sa.create_engine(self.connection, poolclass=sa.NullPool)
        metadata = sa.MetaData()
        metadata.reflect(engine)
        lines = []
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                lines += [f"{table.name} {row!r}" for row in connection.execute(table.select())]
        return "\n".join(lines)
