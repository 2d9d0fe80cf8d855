"""A private PostgreSQL."""

from __future__ import annotations

import glob
import signal
from collections.abc import Sequence

import psycopg2

from tests.servers.databases import DatabaseServer


class PostgreSQL(DatabaseServer):
    """Commits survive a kill -9 of the server (not a power cut)."""

    kind = "postgresql"
    programs = ("postgres", "initdb")
    package = "postgresql"
    # Debian keeps the programs of each version apart, and off PATH.
    places = (*sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True), "/usr/pgsql/bin")
    root_becomes = "postgres"
    # Ends the connections; with SIGTERM it would wait for the clients.
    stop_signal = signal.SIGINT
    driver = "postgresql+psycopg2"
    admin_database = "postgres"
    create_statement = "CREATE DATABASE {name}"

    def _prepare(self) -> None:
        password = self._write("password", self.password)
        self._run(
            self._programs["initdb"],
            f"--pgdata={self.folder / 'data'}",
            "--username=glint",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    def _command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "fsync": "off",
            "shared_buffers": "64MB",
        }
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        return [self._programs["postgres"], "-D", str(self.folder / "data"), *options]

    def _answers(self) -> bool:
        try:
            self._connect()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self) -> None:
        psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            user="glint",
            password=self.password,
            dbname=self.admin_database,
            connect_timeout=5,
        ).close()
