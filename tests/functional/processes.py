"""Server processes for tests, and waiting for them."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from tests.minicloud import topology

STOP_TIMEOUT = 30
COMMAND_TIMEOUT = 120

#: Runs a program that gets SIGKILL when whoever started it dies, even by SIGKILL (Linux: prctl 1).
_WITH_US = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


T = TypeVar("T")


def eventually(
    probe: Callable[[], T], what: str, timeout: float = 30.0, interval: float = 0.1
) -> T:
    """The first true answer of ``probe``.

    :param timeout: seconds
    :raises AssertionError: there is none by then; it shows the last answer
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {answer!r}")
        time.sleep(interval)


def program(name: str) -> str:
    """A command of the environment that runs the tests.

    :raises FileNotFoundError: it is not installed there
    """
    path = pathlib.Path(sys.executable).parent / name
    if not path.exists():
        raise FileNotFoundError(f"{name} is not installed beside {sys.executable}")
    return str(path)


def clean_environment(home: pathlib.Path, **more: str) -> dict[str, str]:
    """The environment without clouds, proxies and private configuration of whoever runs us."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OS_") and not name.lower().endswith("_proxy")
    }
    return kept | {"HOME": str(home), "PYTHONWARNINGS": "ignore"} | more


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as sock:
        sock.bind((topology.LOOPBACK, 0))
        return int(sock.getsockname()[1])


class Process:
    """One server process, the leader of its own process group.

    :param output: file for what it prints
    """

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], output: pathlib.Path
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        return self._process.pid if self.running() and self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _WITH_US, str(os.getpid()), *self._command],
                env=self._environment,
                cwd=self._output.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """:raises RuntimeError: it has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}")

    def kill9(self) -> None:
        """SIGKILL, to it and its children."""
        self._signal_group(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(STOP_TIMEOUT)

    def stop(self) -> int | None:
        """SIGTERM; return the exit code.

        :raises RuntimeError: it did not end in time, and was killed
        """
        if self._process is None:
            return None
        self._process.terminate()
        try:
            code = self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise RuntimeError(f"{self.name} did not end in {STOP_TIMEOUT} s: killed") from None
        self._signal_group(signal.SIGKILL)  # what it may have left behind
        return code

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
