"""Backup and restore as the administrator guide describes them, with the databases' own tools."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from typing import ClassVar
from urllib.parse import urlsplit

import fixtures

from tests.functional.processes import COMMAND_TIMEOUT
from tests.servers import databases, mariadb, postgresql, server
from tests.unit.cmd import base


class Everywhere(base.CommandCase):
    """Not a test by itself."""

    kind: ClassVar[type[databases.DatabaseServer]]

    def setUp(self) -> None:
        super().setUp()
        found = self.useFixture(server.Shared(self.kind)).server
        assert isinstance(found, databases.DatabaseServer)
        self.server = found
        self.url = found.create_database()
        self.configure(connection=self.url)

    def configure(self, **options: str) -> None:
        super().configure(**({"connection": self.url} | options))

    def tool(self, name: str, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Run a program of the database's package."""
        places = [*self.server.places, os.environ["PATH"]]
        path = shutil.which(name, path=os.pathsep.join(places))
        assert path is not None, f"{name} is not there, and the server is"
        password = {"PGPASSWORD": self.server.password, "MYSQL_PWD": self.server.password}
        done = subprocess.run(
            [path, *arguments],
            input=stdin,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
            env=dict(os.environ) | password,
        )
        self.assertEqual(0, done.returncode, done.stderr.decode())
        return done.stdout

    def dump(self, database: str) -> bytes:
        raise NotImplementedError

    def bring_back(self, database: str, dumped: bytes) -> None:
        raise NotImplementedError

    def test_there_and_back(self) -> None:
        self.done("db", "sync")
        self.done("credential", "setup")
        self.add_credentials(3)
        stored = self.stored()
        dumped = self.dump(urlsplit(self.url).path.lstrip("/"))
        keys = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "keys"
        shutil.copytree(self.keys, keys)

        # The old machine is gone.
        self.url, self.keys = self.server.create_database(), keys
        self.bring_back(urlsplit(self.url).path.lstrip("/"), dumped)
        self.configure()
        self.assertIn("up to date", self.done("db", "check"))
        self.assertIn("All 3 stored secrets are readable", self.done("credential", "check"))
        self.assertEqual(stored, self.stored())

    def test_with_other_keys_it_is_said(self) -> None:
        self.done("db", "sync")
        self.done("credential", "setup")
        self.add_credentials(1)
        shutil.rmtree(self.keys)
        self.done("credential", "setup")
        self.assertIn("1 of 1 stored secrets are not readable", self.refused("credential", "check"))


class MariaDBTest(Everywhere):
    kind = mariadb.MariaDB

    def arguments(self) -> list[str]:
        return ["--no-defaults", "--host=127.0.0.1", f"--port={self.server.port}", "--user=glint"]

    def dump(self, database: str) -> bytes:
        return self.tool("mariadb-dump", *self.arguments(), "--single-transaction", database)

    def bring_back(self, database: str, dumped: bytes) -> None:
        self.tool("mariadb", *self.arguments(), database, stdin=dumped)


class PostgreSQLTest(Everywhere):
    kind = postgresql.PostgreSQL

    def arguments(self) -> list[str]:
        return ["--host=127.0.0.1", f"--port={self.server.port}", "--username=glint"]

    def dump(self, database: str) -> bytes:
        return self.tool("pg_dump", *self.arguments(), "--format=custom", database)

    def bring_back(self, database: str, dumped: bytes) -> None:
        self.tool("pg_restore", *self.arguments(), f"--dbname={database}", stdin=dumped)


# The loader takes what it finds in the module; what is only inherited from is no test.
del Everywhere
