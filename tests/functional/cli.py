"""Running the true ``openstack`` command, for tests."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import fixtures
import testtools

from tests.functional.base import WAIT
from tests.functional.processes import clean_environment, program

ROOT = pathlib.Path(__file__).parents[2]
TIMEOUT = WAIT + 60


@dataclasses.dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def openstack(
    folder: pathlib.Path, *arguments: str, before: Sequence[str] = (), **env: str
) -> Done:
    """Run ``openstack`` as a program, with nothing but ``env`` of clouds in its environment.

    :param before: a command that runs it
    """
    done = subprocess.run(
        [*before, program("openstack"), *arguments],
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


class Cli(testtools.TestCase):
    """Mixed into tests with clouds and a Glint: hep-member of ALTO at a terminal."""

    minicloud: Any
    glint: Any

    def environment(self, cloud: str = "alto") -> dict[str, str]:
        return {"OS_CLIENT_CONFIG_FILE": str(self.minicloud.clouds_yaml), "OS_CLOUD": cloud}

    def run_cli(self, *arguments: str, code: int = 0, cloud: str = "alto", **options: Any) -> Done:
        """Run ``openstack``; check its exit code, and that it speaks to people."""
        done = openstack(self.glint.folder, *arguments, **self.environment(cloud), **options)
        shown = f"openstack {' '.join(arguments)}\n{done.out}{done.err}"
        self.assertEqual(code, done.code, shown)
        self.assertNotIn("Traceback", done.err)
        return done

    def glint_json(self, *arguments: str) -> Any:
        return self.run_cli("glint", *arguments, "-f", "json").json()
