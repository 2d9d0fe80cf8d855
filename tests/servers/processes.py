"""Which processes belong to a folder, and their end."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import time


def inside(folder: str) -> list[int]:
    """Processes that work in a folder: whatever a server forked, daemonised or renamed.

    Their working directory tells; other marks (process groups, environment, parents) are shed by
    PostgreSQL and Erlang.
    """
    prefix = os.path.realpath(folder)
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                where = os.readlink(entry / "cwd").removesuffix(" (deleted)")
                state = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()[0]
            except OSError:
                continue  # gone, or somebody else's
            if state not in "ZX" and (where == prefix or where.startswith(prefix + "/")):
                found.append(int(entry.name))
    return found


def sweep(folder: str, timeout: float = 10.0) -> None:
    """End every process that works in a folder.

    :raises RuntimeError: some are still there after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while pids := [pid for pid in inside(folder) if pid != os.getpid()]:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {pids} in {folder} do not end")
        time.sleep(0.02)


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
