"""Backup and restore as the administrator guide describes them, with the databases' own tools."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

import fixtures

from tests import documents
from tests.functional.pages import Typist
from tests.servers import databases, mariadb, postgresql, server
from tests.unit.cmd import base

PAGE = documents.SOURCE / "admin" / "maintenance.rst"
#: In place of the program, where it is not installed.
SQLITE3 = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])"


class Everywhere(base.CommandCase):
    """Not a test by itself."""

    kind: ClassVar[type[databases.DatabaseServer]]

    def setUp(self) -> None:
        super().setUp()
        self.take_database()
        self.configure(connection=self.url)

    def take_database(self) -> None:
        found = self.useFixture(server.Shared(self.kind)).server
        assert isinstance(found, databases.DatabaseServer)
        self.server, self.password, self.places = found, found.password, list(found.places)
        self.url = found.create_database()

    def configure(self, **options: str) -> None:
        super().configure(**({"connection": self.url} | options))

    def typist(self, words: Mapping[str, str]) -> Typist:
        """In the environment of an operator."""
        places = os.pathsep.join([str(self.folder), *self.places, os.environ["PATH"]])
        env = {"PATH": places, "PGPASSWORD": self.password, "MYSQL_PWD": self.password}
        return Typist(self, self.folder, words, env)

    def words(self, database: str) -> Mapping[str, str]:
        """What the page calls ``glint``, and how its server is reached."""
        raise NotImplementedError

    def new_database(self) -> str:
        return self.server.create_database()

    def name(self) -> str:
        return urlsplit(self.url).path.lstrip("/")

    def check(self, commands: Sequence[str]) -> None:
        """What is typed before anything starts; not every page of a database repeats it."""
        self.assertIn("up to date", self.done("db", "check"))
        self.assertIn("All 3 stored secrets are readable", self.done("credential", "check"))

    def test_there_and_back(self) -> None:
        self.done("db", "sync")
        self.done("credential", "setup")
        self.add_credentials(3)
        stored = self.stored()
        dump, *rest = documents.commands(PAGE, self.id())
        self.typist(self.words(self.name())).type([dump])
        keys = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "keys"
        shutil.copytree(self.keys, keys)

        # The old machine is gone.
        self.url, self.keys = self.new_database(), keys
        self.configure()
        self.check(self.bring_back(rest))
        self.assertEqual(stored, self.stored())

    def bring_back(self, commands: Sequence[str]) -> Sequence[str]:
        """Return the commands that come after that."""
        self.typist(self.words(self.name())).type(commands[:1])
        return commands[1:]

    def test_with_other_keys_it_is_said(self) -> None:
        self.done("db", "sync")
        self.done("credential", "setup")
        self.add_credentials(1)
        shutil.rmtree(self.keys)
        self.done("credential", "setup")
        self.assertIn("1 of 1 stored secrets are not readable", self.refused("credential", "check"))


class MariaDBTest(Everywhere):
    kind = mariadb.MariaDB

    def words(self, database: str) -> Mapping[str, str]:
        where = f"--no-defaults --host=127.0.0.1 --port={self.server.port} --user=glint"
        return {
            "mariadb-dump ": f"mariadb-dump {where} ",
            "mariadb ": f"mariadb {where} ",
            " glint ": f" {database} ",
        }


class PostgreSQLTest(Everywhere):
    kind = postgresql.PostgreSQL

    def words(self, database: str) -> Mapping[str, str]:
        where = f"--host=127.0.0.1 --port={self.server.port} --username=glint"
        return {
            "pg_dump ": f"pg_dump {where} ",
            "pg_restore ": f"pg_restore {where} ",
            "--dbname=glint": f"--dbname={database}",
            "glint.dump glint": f"glint.dump {database}",
        }


class SQLiteTest(Everywhere):
    """The copy of a file is a file."""

    def take_database(self) -> None:
        self.password, self.places = "", []
        self.url = f"sqlite:///{self.folder}/glint.sqlite"
        if shutil.which("sqlite3") is None:
            shim = self.folder / "sqlite3"
            shim.write_text(f"#!{sys.executable}\n{SQLITE3}")
            shim.chmod(0o700)

    def words(self, database: str) -> Mapping[str, str]:
        where = f"--config-file {self.config}"
        return {
            "/var/lib/glint/glint.sqlite": str(self.folder / "glint.sqlite"),
            "glint-manage": f"glint-manage {where}",
            "glint-status": f"glint-status {where}",
        }

    def new_database(self) -> str:
        return f"sqlite:///{self.folder}/glint-backup.sqlite"

    def bring_back(self, commands: Sequence[str]) -> Sequence[str]:
        return commands

    def check(self, commands: Sequence[str]) -> None:
        super().check(commands)
        said = self.typist(self.words("")).type(commands)
        self.assertIn("All 3 stored secrets are readable", said)
        self.assertEqual(3, said.count("Result: Success"))


# The loader takes what it finds in the module; what is only inherited from is no test.
del Everywhere
