"""One worker process of the API on a database, as the installation guide runs it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import urllib.request

from tests.functional.processes import (
    COMMAND_TIMEOUT,
    Process,
    clean_environment,
    eventually,
    free_port,
    program,
)
from tests.minicloud import config
from tests.servers.databases import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL

THREADS = 8
START_TIMEOUT = 60.0
MEMORY = "2G"
"""Of the database, for its pages: more than the large catalogue's indexes take."""


class RoomyMariaDB(MariaDB):
    """With memory as it has in production; the tests' own is made for many at once."""

    def _command(self) -> list[str]:
        return [
            *super()._command(),
            f"--innodb-buffer-pool-size={MEMORY}",
            "--innodb-log-file-size=512M",
        ]


class RoomyPostgreSQL(PostgreSQL):
    """With memory as it has in production."""

    def _command(self) -> list[str]:
        more = (f"shared_buffers={MEMORY}B", "max_wal_size=4GB", "work_mem=16MB")
        return [*super()._command(), *(part for one in more for part in ("-c", one))]


SERVERS: dict[str, type[DatabaseServer]] = {"mariadb": RoomyMariaDB, "postgresql": RoomyPostgreSQL}


class Service(contextlib.ExitStack):
    """The API under uWSGI: one worker process, and nobody is asked who they are.

    There is no Keystone in the way of a figure, and no conductor: what is saved, waits.

    :param broker: for ``transport_url``; a Save sends a wake-up there.
    :param code: folder of the checkout that is run.
    """

    def __init__(
        self, folder: pathlib.Path, database: str, broker: str, *, code: pathlib.Path
    ) -> None:
        super().__init__()
        self.port = free_port()
        folder.mkdir(mode=0o700)
        self._folder = folder
        conf = folder / "glint.conf"
        conf.touch(mode=0o600)
        conf.write_text(
            config.render(
                {
                    "DEFAULT": {
                        "rpc_transport": "oslo",
                        "transport_url": broker,
                        "log_file": folder / "glint.log",
                        "use_stderr": "false",
                    },
                    "database": {"connection": database},
                    "credentials": {"key_repository": folder / "keys"},
                    "oslo_messaging_rabbit": {"rabbit_quorum_queue": "true"},
                    "api": {"auth_strategy": "noauth"},
                }
            )
        )
        command = [
            program("pyuwsgi"), "--module", "glint.wsgi.api:application",
            "--http", f"127.0.0.1:{self.port}", "--http-timeout", "600", "--master",
            "--processes", "1", "--threads", str(THREADS), "--enable-threads", "--lazy-apps",
            "--die-on-term", "--buffer-size", "65535", "--disable-logging",
        ]  # fmt: skip
        environment = clean_environment(
            folder, OS_GLINT_CONFIG_DIR=str(folder), PYTHONPATH=str(code)
        )
        self._process = Process("glint-api", command, environment, folder / "glint-api.out")
        self._environment = environment

    def start(self) -> Service:
        """Start it; return when it answers.

        :raises RuntimeError: it ended
        :raises AssertionError: no answer in time
        """
        where = ["--config-file", str(self._folder / "glint.conf")]
        subprocess.run(
            [program("glint-manage"), *where, "credential", "setup"],
            check=True, capture_output=True, timeout=COMMAND_TIMEOUT, env=self._environment,
        )  # fmt: skip
        self._process.start()
        self.callback(self._process.kill9)
        eventually(self._answers, f"the API at port {self.port}", START_TIMEOUT)
        return self

    def _answers(self) -> bool:
        self._process.check()
        try:
            url = f"http://127.0.0.1:{self.port}/healthcheck"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def cpu(self) -> float:
        """Seconds of processor that its processes have taken so far."""
        group, ticks = os.getpgid(self._process.pid or 0), 0
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and os.getpgid(int(entry.name)) == group:
                    fields = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")
