"""Finding, recognising and ending the minicloud's own processes, and no others.

A pid alone proves nothing: it may have been given to somebody else. A process is ours when its
start time (``/proc/PID/stat``) is the recorded one, or when its environment, which only the
minicloud sets and which a fork inherits, names our state folder; and in both cases only when its
command line is that of a zygote.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import time
from collections.abc import Iterator

MARKER = "MINICLOUD_STATE"
"""Environment variable of every process of a minicloud; its value is the state folder."""
MODULE = "tests.minicloud.zygote"
"""What every process of a minicloud runs, or was forked from; it stands in the command line."""


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the name in parentheses, may hold blanks and parentheses itself.
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def rss_bytes(pid: int) -> int:
    """Resident memory of a process in bytes; 0 when it is gone."""
    try:
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _marked(pid: int, state: pathlib.Path) -> bool:
    try:
        environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # gone, or another user's: not ours in both cases
        return False
    # The variable alone does not do: somebody may have exported it in a shell.
    return f"{MARKER}={state}".encode() in environ.split(
        b"\0"
    ) and MODULE.encode() in command.split(b"\0")


def running(state: pathlib.Path) -> Iterator[int]:
    """The pids of all living processes that carry the mark of this state folder."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _marked(int(entry), state) and start_time(int(entry)) is not None:
            yield int(entry)


class Records:
    """The pids of a minicloud on disk: one file per named process, with its start time."""

    def __init__(self, folder: pathlib.Path, state: pathlib.Path) -> None:
        self._folder = folder
        self._state = state

    def write(self, name: str, pid: int) -> None:
        """Record a process under ``name``, in place of what stood there."""
        path = self._folder / name
        fresh = path.with_name(f".{name}.{pid}")
        fresh.write_text(json.dumps({"pid": pid, "start": start_time(pid)}))
        fresh.rename(path)

    def pid(self, name: str) -> int | None:
        """The pid of the process recorded under ``name``, or None when it is not alive.

        None too when the pid now belongs to a process that is not ours.
        """
        try:
            record = json.loads((self._folder / name).read_text())
        except FileNotFoundError:
            return None
        pid, start = int(record["pid"]), record["start"]
        alive = start is not None and start_time(pid) == start and _marked(pid, self._state)
        return pid if alive else None

    def pids(self) -> Iterator[int]:
        """The pids of all recorded processes that are alive and ours."""
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        for name in names:
            pid = None if name.startswith(".") else self.pid(name)
            if pid is not None:
                yield pid


def kill(pid: int, timeout: float = 10.0) -> None:
    """SIGKILL a process and wait until it is gone.

    :param timeout: seconds
    :raises TimeoutError: the process still lives after ``timeout``
    """
    start = start_time(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + timeout
    while start is not None and start_time(pid) == start:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} still lives {timeout:g} s after SIGKILL")
        time.sleep(0.005)


def kill_all(state: pathlib.Path, records: Records, timeout: float = 20.0) -> int:
    """Kill every process of a minicloud, also those born meanwhile; return how many there were.

    :param timeout: seconds
    :raises TimeoutError: processes still appear after ``timeout``
    """
    deadline = time.monotonic() + timeout
    count = 0
    while True:
        pids = {*records.pids(), *running(state)} - {os.getpid()}
        if not pids:
            return count
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of {state} that do not die: {sorted(pids)}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            kill(pid)
        count += len(pids)
