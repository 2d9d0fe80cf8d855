"""What a fork of a zygote does: run one management command, or be one server.

Everything here happens in a process of its own: Keystone and Glance keep their configuration in
one global object, so two of them in one process fail or, worse, mix.
"""

from __future__ import annotations

import importlib
import io
import os
import pathlib
import socket
import sys
from collections.abc import Callable
from typing import Any

import cheroot.connections
import cheroot.makefile
import cheroot.server
import cheroot.wsgi
import sqlalchemy
from oslo_config import cfg

from tests.minicloud import config, state, topology

THREADS = 16
"""Requests that one server handles at once; each upload holds one."""
SOCKET_TIMEOUT = 60
"""Seconds after which a silent client is given up."""
READ_BUFFER = 65536
BUSY_TIMEOUT = 30_000
"""Milliseconds that a transaction waits for SQLite's one writer."""

Reply = Callable[[str | None], None]


def prepare_process() -> None:
    """What a zygote must alter before its forks use Keystone, Glance, SQLAlchemy and cheroot."""
    # Otherwise /etc/keystone, ~/.glance and their like would be read where they exist.
    cfg._get_config_dirs = lambda project=None: []
    sqlalchemy.event.listen(sqlalchemy.pool.Pool, "connect", _tune_sqlite)
    sqlalchemy.event.listen(
        sqlalchemy.engine.Engine, "before_cursor_execute", _begin_immediate, retval=True
    )
    vars(cheroot.connections)["MakeFile"] = _make_file
    # Glance closes the body of a chunked upload, and cheroot its connection with it.
    vars(cheroot.server)["ChunkedRFile"] = _ChunkedBody


def name_process(name: str) -> None:
    """Let ``ps`` and ``top`` show who this is."""
    pathlib.Path("/proc/self/comm").write_text(name[:15])


# -- SQLite: oslo.db begins transactions as readers, and a reader that wants to write while another
# does fails at once. Beginning as a writer makes it wait its turn.


def _tune_sqlite(connection: Any, record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    connection.execute("PRAGMA synchronous = OFF")


def _begin_immediate(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters


# -- cheroot reads sockets through Python's pure Python buffer; the C one halves the CPU of uploads


class _CountingSocketIO(socket.SocketIO):
    received = 0

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self.received += count or 0
        return count


class _Reader(io.BufferedReader):
    """What cheroot expects of its reader, over the C buffer."""

    def __init__(self, sock: socket.socket) -> None:
        self._counter = _CountingSocketIO(sock, "r")
        super().__init__(self._counter, READ_BUFFER)
        self.bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.bytes_read += len(line)
        return line

    def has_data(self) -> bool:
        """Whether something was received and not read yet: the next request of a pipeline."""
        return self._counter.received > self.bytes_read


class _ChunkedBody(cheroot.server.ChunkedRFile):
    def close(self) -> None:
        """The connection may go on."""


def _make_file(sock: Any, mode: str = "r", bufsize: int = READ_BUFFER) -> Any:
    return _Reader(sock) if "r" in mode else cheroot.makefile.StreamWriter(sock, mode, bufsize)


# -- orders


def carry_out(folder: state.StateFolder, order: dict[str, Any], reply: Reply) -> None:
    """Do what was ordered: ``manage`` returns, ``serve`` does not.

    :raises Exception: anything that Keystone or Glance raises
    """
    service = topology.find_service(order["service"])
    here = folder.of(service)
    os.umask(0o077)
    os.environ[config.CONFIG_DIR_VARIABLES[service.kind]] = str(here)
    _redirect_output(here / "stderr.log")
    if order["do"] == "manage":
        manage(service, here / config.FILES[service.kind], order["arguments"])
    elif order["do"] == "serve":
        serve(folder, service, int(order["port"]), reply)
    else:
        raise ValueError(f"unknown order {order['do']!r}")


def _redirect_output(path: pathlib.Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def manage(service: topology.Service, conf: pathlib.Path, arguments: list[str]) -> None:
    """Run ``keystone-manage`` or ``glance-manage`` with ``arguments``.

    :raises SystemExit: the command failed
    """
    sys.argv = [f"{service.kind}-manage", "--config-file", str(conf), *arguments]
    if service.kind == "keystone":
        importlib.import_module("keystone.cmd.cli").main(argv=sys.argv)
    else:
        failed = importlib.import_module("glance.cmd.manage").main()
        if failed:
            raise SystemExit(failed)


def serve(folder: state.StateFolder, service: topology.Service, port: int, reply: Reply) -> None:
    """Load the service's WSGI application and serve it for ever."""
    folder.records.write(service.name, os.getpid())
    name_process(service.name)
    sys.argv = [service.name]  # Keystone's application parses it
    application = importlib.import_module(f"{service.kind}.wsgi.api").application
    server = cheroot.wsgi.Server(
        (topology.LOOPBACK, port),
        application,
        numthreads=THREADS,
        request_queue_size=128,
        timeout=SOCKET_TIMEOUT,
    )
    server.prepare()
    reply(None)
    server.serve()
