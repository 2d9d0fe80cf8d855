"""What the parts of the demo share."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence

#: Seconds that one command may take.
COMMAND_TIMEOUT = 180


#: Runs a program that gets SIGTERM when the demo dies, even by SIGKILL (Linux: prctl 1).
_WITH_US = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class DemoError(Exception):
    """Something is off; the text is for the person who looks at the demo."""


def say(text: str = "") -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"\n== {text}")


def program(name: str) -> str:
    """A command of the environment that runs the demo.

    :raises DemoError: it is not installed there.
    """
    path = pathlib.Path(sys.executable).parent / name
    if not path.exists():
        raise DemoError(f"{name} is not installed beside {sys.executable}; run tools/demo.")
    return str(path)


def start_with_us(
    command: Sequence[str], output: pathlib.Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that ends with the demo, however that ends.

    :param output: where it writes.
    :param environment: None: ours.
    """
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-c", _WITH_US, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            # Ctrl-C is for the demo, which then ends it in good order.
            start_new_session=True,
        )


def until_answers(url: str, timeout: float, check: Callable[[], None]) -> None:
    """Wait for an answer.

    :param timeout: seconds.
    :param check: raises when it is in vain to wait.
    :raises DemoError: there is none in time.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        check()
        try:
            # The first page of a dashboard takes a while.
            with direct.open(url, timeout=timeout):
                return
        except OSError:
            time.sleep(0.1)
    raise DemoError(f"{url} does not answer after {timeout:g} s.")


def end(process: subprocess.Popen[bytes] | None, name: str, timeout: float) -> None:
    """End a program in good order, or by force."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        say(f"{name} did not end within {timeout:g} s and is killed")
        process.kill()
        process.wait(timeout)


def quiet(command: Sequence[str], folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "it took too long")
