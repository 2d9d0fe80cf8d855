"""A private MariaDB."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pymysql

from tests.servers.databases import DatabaseServer


class MariaDB(DatabaseServer):
    """Commits survive a kill -9 of the server, as with the usual settings (not a power cut)."""

    kind = "mariadb"
    programs = ("mariadbd", "mariadb-install-db")
    package = "mariadb-server"
    driver = "mysql+pymysql"
    admin_database = "mysql"
    create_statement = "CREATE DATABASE {name}"

    def _prepare(self) -> None:
        self._run(
            self._programs["mariadb-install-db"],
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *self._as_root(),
        )
        # Run at each start, before anybody can connect: one user, with a password.
        self._write(
            "init.sql",
            f"CREATE OR REPLACE USER glint@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO glint@'127.0.0.1';\n"
            "DELETE FROM mysql.global_priv WHERE user IN ('root', '');\n"
            "FLUSH PRIVILEGES;\n",
        )

    @staticmethod
    def _as_root() -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def _command(self) -> Sequence[str]:
        return [
            self._programs["mariadbd"],
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--init-file={self.folder / 'init.sql'}",
            f"--tmpdir={self.folder}",
            f"--socket={self.folder / 's'}",
            f"--pid-file={self.folder / 'pid'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--max-connections=300",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--innodb-flush-log-at-trx-commit=2",
            # What OpenStack's installations have: strict, and as sensitive to old reads as newer
            # versions are by default.
            "--character-set-server=utf8mb4",
            "--innodb-snapshot-isolation=ON",
            *self._as_root(),
        ]

    def _answers(self) -> bool:
        try:
            self._connect()
        except pymysql.err.OperationalError:
            return False
        return True

    def _connect(self) -> None:
        pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="glint",
            password=self.password,
            connect_timeout=5,
            read_timeout=5,
        ).close()
