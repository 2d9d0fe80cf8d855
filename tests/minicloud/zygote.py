"""A zygote: a process that has imported Keystone or Glance, and forks to do what it is asked.

``python -m tests.minicloud.zygote KIND STATE`` becomes a daemon and listens on ``run/KIND.sock`` in
the state folder. One connection is one order, a line of JSON; the fork that carries it out
answers with another line. Forking happens before anything is read, from a process with one
thread that does nothing else, so an order can neither block nor spoil the zygote.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from tests.minicloud import processes, server, state, topology

IMPORTS = {
    "keystone": (
        "keystone.cmd.cli",
        "keystone.server.wsgi",
        "keystone.server.flask.application",
        "keystone.application_credential.backends.sql",
        "keystone.assignment.backends.sql",
        "keystone.assignment.role_backends.sql",
        "keystone.auth.plugins.application_credential",
        "keystone.auth.plugins.password",
        "keystone.auth.plugins.token",
        "keystone.catalog.backends.sql",
        "keystone.credential.backends.sql",
        "keystone.credential.providers.fernet",
        "keystone.federation.backends.sql",
        "keystone.identity.backends.sql",
        "keystone.identity.mapping_backends.sql",
        "keystone.identity.shadow_backends.sql",
        "keystone.oauth1.backends.sql",
        "keystone.policy.backends.sql",
        "keystone.receipt.providers.fernet",
        "keystone.resource.backends.sql",
        "keystone.resource.config_backends.sql",
        "keystone.revoke.backends.sql",
        "keystone.token.providers.fernet",
        "keystone.trust.backends.sql",
        "keystone.limit.backends.sql",
        "dogpile.cache.backends.memory",
    ),
    "glance": (
        "glance.cmd.manage",
        "glance.common.wsgi_app",
        "glance.api.versions",
        "glance.api.v2.router",
        "glance.api.middleware.context",
        "glance.api.middleware.version_negotiation",
        "glance.db.sqlalchemy.api",
        "glance_store._drivers.filesystem",
        "glance_store._drivers.http",
        "glance_store._drivers.s3",  # Glance loads every store driver that is installed
        "keystoneauth1.identity.generic.password",
        "keystonemiddleware.auth_token",
        "castellan.key_manager.barbican_key_manager",
        "oslo_messaging._drivers.impl_rabbit",
        "taskflow.engines",
    ),
}
"""What each kind imports before it forks; what is missing here is imported later, only slower."""
MAX_ORDER = 65536


@contextlib.contextmanager
def _address(path: pathlib.Path) -> Iterator[str]:
    """An address for a Unix socket, however long ``path`` is (an address holds 108 bytes)."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)


def _socket_path(folder: state.StateFolder, kind: str) -> pathlib.Path:
    return folder.run / f"{kind}.sock"


# -- the side that gives orders


def start(folder: state.StateFolder, kind: str) -> None:
    """Start a zygote as a daemon, with a clean environment; does not wait for its imports.

    :raises RuntimeError: it could not be started
    """
    root = pathlib.Path(__file__).resolve().parents[2]
    environ = {
        processes.MARKER: str(folder.path),
        "HOME": str(folder.path / "home"),
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": topology.LOOPBACK,
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(root),
        "TMPDIR": str(folder.path / "tmp"),
    }
    command = [sys.executable, "-P", "-m", processes.MODULE, kind, str(folder.path)]
    with open(folder.run / f"{kind}-zygote.log", "ab") as log:
        done = subprocess.run(
            command,
            env=environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=60,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the {kind} zygote did not start, see {log.name}")


def ask(folder: state.StateFolder, kind: str, order: dict[str, Any], timeout: float = 60.0) -> int:
    """Give an order and wait until it is carried out; return the pid of the fork.

    :param timeout: seconds, the zygote's imports included
    :raises RuntimeError: it failed; the message says where the log is
    :raises TimeoutError: no answer in time
    """
    what = f"{order['do']} {order['service']}"  # not its arguments: they hold a password
    try:
        line = _exchange(folder, kind, order, timeout)
    except ConnectionError as exc:
        line, cause = b"", str(exc)
    else:
        cause = "no answer"
    if not line:
        raise RuntimeError(f"{what}: {cause}, see {folder.run}/{kind}-zygote.log")
    answer = json.loads(line)
    if answer["error"]:
        raise RuntimeError(f"{what}: {answer['error']}")
    return int(answer["pid"])


def _exchange(folder: state.StateFolder, kind: str, order: dict[str, Any], timeout: float) -> bytes:
    with socket.socket(socket.AF_UNIX) as sock, _address(_socket_path(folder, kind)) as address:
        sock.settimeout(timeout)
        sock.connect(address)
        sock.sendall(json.dumps(order).encode() + b"\n")
        with sock.makefile("rb") as answers:
            return answers.readline(MAX_ORDER)


# -- the zygote itself


def main() -> None:
    """Become a daemon, import, and take orders until killed or until the owner is gone."""
    kind, path = sys.argv[1:3]
    folder = state.StateFolder(path)
    listener = socket.socket(socket.AF_UNIX)
    _socket_path(folder, kind).unlink(missing_ok=True)
    with _address(_socket_path(folder, kind)) as address:
        listener.bind(address)
    listener.listen(64)  # orders may already be given; they wait for the imports
    if os.fork():
        os._exit(0)
    os.setsid()
    folder.records.write(f"{kind}-zygote", os.getpid())
    server.name_process(f"{kind}-zygote")
    server.prepare_process()
    for name in IMPORTS[kind]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks are nobody's to wait for
    _take_orders(folder, listener)


def _take_orders(folder: state.StateFolder, listener: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            ready = selector.select(timeout=1.0)
            if _orphaned(folder):
                _clean_up(folder)
            if not ready:
                continue
            connection, _ = listener.accept()
            if os.fork() == 0:
                selector.close()
                listener.close()
                _carry_out(folder, connection)
            connection.close()


def _orphaned(folder: state.StateFolder) -> bool:
    """Whether the owner is gone without a word, or somebody deleted the state folder."""
    try:
        owner = folder.load().owner
    except state.StateError:
        return True
    return owner is not None and processes.start_time(owner[0]) != owner[1]


def _clean_up(folder: state.StateFolder) -> None:
    """Leave nothing behind: end everything, and at last ourselves."""
    from tests.minicloud import bed

    bed.down(folder.path)
    os._exit(0)


def _carry_out(folder: state.StateFolder, connection: socket.socket) -> None:
    """Do one order in this fork, and never return."""
    reply = _Reply(connection)
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        connection.settimeout(30)
        with connection.makefile("rb") as orders:
            order = json.loads(orders.readline(MAX_ORDER))
        server.carry_out(folder, order, reply)
        reply(None)
        status = 0
    except BaseException as exc:  # noqa: BLE001 - SystemExit too: whatever it was, the asker is to know
        traceback.print_exc()
        reply(f"{type(exc).__name__}: {exc}; more in {folder.path}/*/stderr.log")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class _Reply:
    """Answers an order once; what is said later is dropped, nobody listens any more."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection: socket.socket | None = connection

    def __call__(self, error: str | None) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with connection:
                connection.sendall(json.dumps({"pid": os.getpid(), "error": error}).encode())


if __name__ == "__main__":
    main()
