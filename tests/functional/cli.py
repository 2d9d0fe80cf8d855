"""Running the true ``openstack`` command, for tests."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import fixtures

from tests.functional.base import WAIT
from tests.functional.processes import clean_environment, program

ROOT = pathlib.Path(__file__).parents[2]
TIMEOUT = WAIT + 60
#: Set in the environment, each command is a program of its own: slow, and nearest to the truth.
TRUE_PROGRAM = "OS_TEST_TRUE_OPENSTACK"


@dataclasses.dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def openstack(folder: pathlib.Path, *arguments: str, **env: str) -> Done:
    """Run ``openstack`` as a program, with nothing but ``env`` of clouds in its environment."""
    done = subprocess.run(
        [program("openstack"), *arguments],
        env=clean_environment(folder, **env),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class OpenStack(fixtures.Fixture):
    """Many commands of ``openstack``, each in a fork of one process that has loaded it."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__()
        self.folder = folder

    def _setUp(self) -> None:  # the name is the library's
        if os.environ.get(TRUE_PROGRAM):
            return
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.functional.openstack_server"],
            cwd=ROOT,
            env=clean_environment(self.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addCleanup(self._stop)

    def _stop(self) -> None:
        if self._server.stdin is not None:
            self._server.stdin.close()
        try:
            self._server.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(TIMEOUT)

    def __call__(self, *arguments: str, **env: str) -> Done:
        """Run one; as ``openstack``."""
        if os.environ.get(TRUE_PROGRAM):
            return openstack(self.folder, *arguments, **env)
        paths = {name: str(self.folder / f"openstack.{name}") for name in ("stdout", "stderr")}
        asked = {
            "arguments": arguments,
            "env": clean_environment(self.folder, **env),
            "folder": str(self.folder),
            "timeout": TIMEOUT,
            "stdin": os.devnull,
            **paths,
        }
        if self._server.stdin is None or self._server.stdout is None:
            raise RuntimeError("the server of openstack commands is not started")
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the server of openstack commands ended at {arguments}")
        out, err = (pathlib.Path(paths[name]).read_text() for name in ("stdout", "stderr"))
        return Done(json.loads(answer)["code"], out, err)
