"""What the parts of the demo share."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Sequence

#: Seconds that one command may take.
COMMAND_TIMEOUT = 180


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
