"""Horizon with Glint's panels, as the demo runs it."""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess
import sys

from demo_common import DemoError, end, start_with_us, until_answers

from tests.minicloud.fixture import MiniCloud

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: Seconds until the log-in page is there: its style sheets are compiled for it.
START_TIMEOUT = 180
STOP_TIMEOUT = 10


class Horizon:
    """The dashboard of ALTO as a process of its own, with all its state in one folder."""

    def __init__(self, folder: pathlib.Path, minicloud: MiniCloud) -> None:
        self.folder = folder
        self.url = "(not started)"
        self.output = folder / "horizon.out"
        self._minicloud = minicloud
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """:raises DemoError: it does not answer in time."""
        port = self._minicloud.spare_ports[1]
        self.folder.mkdir(mode=0o700)
        environment = {
            **os.environ,
            "HORIZON_STATE": str(self.folder),
            "HORIZON_PORT": str(port),
            "HORIZON_KEYSTONE": self._minicloud.cloud("alto").auth_url,
            "HORIZON_SECRET": secrets.token_hex(32),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "tests.minicloud.horizon.server"]
        self._process = start_with_us(command, self.output, environment)
        address = f"http://127.0.0.1:{port}"
        until_answers(f"{address}/auth/login/", START_TIMEOUT, self.check)
        self.url = f"{address}/project/glint_deployments/"

    def check(self) -> None:
        """:raises DemoError: the process is gone."""
        if self._process is not None and self._process.poll() is not None:
            raise DemoError(f"Horizon has ended with exit code {self._process.returncode}.")

    def stop(self) -> None:
        end(self._process, "Horizon", STOP_TIMEOUT)
