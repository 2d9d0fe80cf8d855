"""The private servers that other tests stand on: they survive a kill, and nothing survives them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

import amqp
import fixtures
import sqlalchemy as sa
import testtools

from tests.servers import mariadb, postgresql, processes, rabbitmq, server

#: A test process that starts a server and is killed at once, as by the kernel.
DOOMED = """
import os, signal, sys
from tests.servers import {module}
server = {module}.{name}()
server.setUp()
print(server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
KINDS = (mariadb.MariaDB, postgresql.PostgreSQL, rabbitmq.RabbitMQ)


class TestServers(testtools.TestCase):
    def count(self, url: str, statement: str = "SELECT count(*) FROM t") -> int:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            return int(result.scalar_one()) if result.returns_rows else 0

    def test_databases_keep_commits_over_a_kill(self) -> None:
        for kind in (mariadb.MariaDB, postgresql.PostgreSQL):
            one = self.useFixture(kind())
            url, other = one.create_database(), one.create_database()
            self.count(url, "CREATE TABLE t (a INTEGER)")
            self.count(url, "INSERT INTO t VALUES (7)")
            port = one.port
            for end in (one.kill, one.stop):
                end()
                self.assertFalse(one.running)
                self.assertEqual([], processes.inside(str(one.folder)))
                self.assertRaises(sa.exc.OperationalError, self.count, url)
                one.start()
                self.assertEqual((port, 1), (one.port, self.count(url)))
            self.assertRaises(sa.exc.DBAPIError, self.count, other)

    def test_broker_keeps_durable_messages_over_a_kill(self) -> None:
        one = self.useFixture(rabbitmq.RabbitMQ())

        def connected() -> amqp.Connection:
            connection = amqp.Connection(
                host=f"127.0.0.1:{one.port}", userid="glint", password=one.password,
                confirm_publish=True, connect_timeout=5, read_timeout=10,
            )  # fmt: skip
            connection.connect()
            self.addCleanup(connection.collect)
            return connection

        channel = connected().channel()
        channel.queue_declare("q", durable=True, auto_delete=False)
        message = amqp.Message("kept", delivery_mode=2)
        channel.basic_publish_confirm(message, routing_key="q")
        one.kill()
        self.assertEqual([], processes.inside(str(one.folder)))
        self.assertRaises(OSError, connected)
        one.start()
        received = connected().channel().basic_get("q")
        self.assertEqual("kept", received.body)

    def test_nothing_is_left(self) -> None:
        for kind in KINDS:
            one = kind()
            one.setUp()
            self.assertNotEqual([], processes.inside(str(one.folder)))
            self.assertEqual(0o700, one.folder.stat().st_mode & 0o777)
            one.cleanUp()
            self.assertFalse(one.folder.exists())
            self.assertEqual([], processes.inside(str(one.folder)))

    def test_nothing_is_left_by_a_killed_test_process(self) -> None:
        for kind in KINDS:
            module = kind.__module__.rpartition(".")[2]
            doomed = subprocess.run(
                [sys.executable, "-c", DOOMED.format(module=module, name=kind.__name__)],
                check=False,
                stdout=subprocess.PIPE,
                text=True,
                timeout=200,
                cwd=server.ROOT,
            )
            folder = pathlib.Path(doomed.stdout.strip())
            self.assertEqual(-9, doomed.returncode)
            self.assertTrue(folder.name.startswith("glint-"), str(folder))
            deadline, pause = time.monotonic() + 30, threading.Event()
            while folder.exists() and time.monotonic() < deadline:
                pause.wait(0.1)
            self.assertFalse(folder.exists())
            self.assertEqual([], processes.inside(str(folder)))

    def test_two_of_a_kind_do_not_meet(self) -> None:
        for kind in KINDS:
            one, other = self.useFixture(kind()), self.useFixture(kind())
            self.assertNotEqual(one.port, other.port)
            self.assertNotEqual(one.folder, other.folder)
            one.kill()
            self.assertTrue(other.running and other._answers())

    def test_missing_program_skips_and_says_so(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("PATH", "/nonexistent"))
        for kind in KINDS:
            self.useFixture(fixtures.MonkeyPatch(f"{kind.__module__}.{kind.__name__}.places", ()))
            for fixture in (kind(), server.Shared(kind)):
                error = self.assertRaises(unittest.SkipTest, self.useFixture, fixture)
                self.assertIn(f"apt-get install {kind.package}", str(error))

    def test_server_that_does_not_start_tells_why(self) -> None:
        one = self.useFixture(mariadb.MariaDB())
        one.kill()
        os.truncate(one.folder / "data" / "aria_log_control", 0)
        error = self.assertRaises(RuntimeError, one.start)
        self.assertIn("aria", str(error))
        self.assertFalse(one.running)

    def test_shared(self) -> None:
        first = self.useFixture(server.Shared(postgresql.PostgreSQL)).server
        second = self.useFixture(server.Shared(postgresql.PostgreSQL)).server
        self.assertIs(first, second)
        first.kill()
        self.useFixture(server.Shared(postgresql.PostgreSQL))
        self.assertTrue(first.running)
