"""Glint as it runs at scale: the API under a WSGI server, some conductors, a broker, a database."""

from __future__ import annotations

import os
import pathlib
import signal
from typing import Any

from tests.functional.service import GlintService, Process, Settings, clean_environment, program
from tests.minicloud import topology
from tests.minicloud.fixture import CloudHandle

LEASE = 6
#: Short times, so that everything that takes "some time" happens many times in a short run.
SETTINGS: Settings = {
    "conductor": {
        "poll_interval": 1,
        "beat": 1,
        "lease": LEASE,
        "attempts": 4,
        "retry_delay": 1,
        "retry_delay_max": 4,
        "graceful_shutdown_timeout": 2,
        "scan_interval": 10,
        "max_jobs": 6,
    },
    "transfer": {"idle_timeout": 5, "site_timeout": 5, "slow_site_grace": 3, "chunk_size": 65536},
    "api": {"conductor_timeout": 30},
}
QUIET = ("amqp", "kombu", "oslo.messaging", "oslo_messaging", "urllib3", "oslo_db", "cotyledon")
"""More libraries that would be most of a log in debug."""


class ScaledGlint(GlintService):
    """The API as a WSGI process, and conductors.

    :param database: SQLAlchemy URL of an empty database
    :param broker: for ``transport_url``
    """

    #: cheroot's command leaves SIGTERM to the system. The API has nothing to hand back.
    ends = frozenset({("glint-api", -int(signal.SIGTERM))})

    def __init__(
        self,
        folder: str | os.PathLike[str],
        home: CloudHandle,
        *,
        database: str,
        broker: str,
        conductors: int,
        settings: Settings | None = None,
    ) -> None:
        self._broker = broker
        self._conductors = conductors
        super().__init__(folder, home, settings=SETTINGS if settings is None else settings)
        self.connection = database

    def base_settings(self) -> dict[str, dict[str, Any]]:
        settings = super().base_settings()
        settings["DEFAULT"] |= {
            "rpc_transport": "oslo",
            "transport_url": self._broker,
            "use_stderr": "true",  # each process into its own file
        }
        del settings["DEFAULT"]["log_file"]
        quiet = ",".join(f"{name}=INFO" for name in QUIET)
        settings["DEFAULT"]["default_log_levels"] += f",{quiet}"
        settings["oslo_messaging_rabbit"] = {"rabbit_quorum_queue": "true"}
        return settings

    def make_processes(self) -> list[Process]:
        environment = clean_environment(self.folder, OS_GLINT_CONFIG_DIR=str(self.folder))
        where = f"{topology.LOOPBACK}:{self.port}"
        command = [
            *(program("cheroot"), "--bind", where, "--threads", "8"),
            "glint.wsgi.api:application",
        ]
        api = Process("glint-api", command, environment, self.folder / "glint-api.out")
        numbers = range(1, self._conductors + 1)
        return [api, *(self.command_process("glint-conductor", number) for number in numbers)]

    def prepare_state(self) -> None:
        self.manage("db", "sync")
        self.manage("credential", "setup")


class SingleGlint(GlintService):
    """``glint-all`` on SQLite, with the same short times."""

    def __init__(self, folder: str | os.PathLike[str], home: CloudHandle) -> None:
        super().__init__(folder, home, settings=SETTINGS)


def children(pid: int) -> list[int]:
    """Processes that a process has forked and that live."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()
            except OSError:
                continue  # gone
            if int(fields[1]) == pid and fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


def send(pid: int | None, number: signal.Signals, *, group: bool = False) -> bool:
    """Signal a process of ours, or its whole group; False where it is gone."""
    if pid is None:
        return False
    try:
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
