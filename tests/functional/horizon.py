"""A real Horizon as a process, for tests."""

from __future__ import annotations

import atexit
import os
import pathlib
import secrets
import shutil
import sys
import tempfile
import threading
from typing import ClassVar

import fixtures
import requests

from tests.functional.processes import Process, clean_environment, eventually, free_port
from tests.minicloud import topology
from tests.minicloud.fixture import CloudHandle

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT = 90
LOG_TAIL = 20_000


class Horizon(fixtures.Fixture):
    """Horizon with Glint's panels for the users of one cloud.

    :param enabled: folder with the plugin's enabled files; None takes Glint's own
    """

    def __init__(
        self, folder: pathlib.Path, home: CloudHandle, *, enabled: pathlib.Path | None = None
    ) -> None:
        super().__init__()
        self.folder = folder
        self.url = ""
        self._home = home
        self._enabled = enabled
        self._process: Process | None = None

    def _setUp(self) -> None:  # the name is the library's
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://{topology.LOOPBACK}:{port}"
        more = {
            "HORIZON_STATE": str(self.folder),
            "HORIZON_PORT": str(port),
            "HORIZON_KEYSTONE": self._home.auth_url,
            "HORIZON_SECRET": secrets.token_hex(32),
            "PYTHONPATH": str(ROOT),
        }
        if self._enabled is not None:
            more["HORIZON_ENABLED"] = str(self._enabled)
        self._process = Process(
            "horizon",
            [sys.executable, "-m", "tests.minicloud.horizon.server"],
            clean_environment(self.folder, **more),
            self.folder / "horizon.out",
        )
        self.addCleanup(self._process.kill9)
        self._process.start()
        eventually(self._answers, f"{self.url}/auth/login/", START_TIMEOUT)

    def _answers(self) -> bool:
        assert self._process is not None
        self._process.check()
        session = requests.Session()
        session.trust_env = False
        try:
            return session.get(f"{self.url}/auth/login/", timeout=60).status_code == 200
        except requests.ConnectionError:
            return False

    def log_text(self) -> str:
        """The end of what it printed."""
        path = self.folder / "horizon.out"
        return path.read_text(errors="replace")[-LOG_TAIL:] if path.exists() else ""


class SharedHorizon(fixtures.Fixture):
    """One Horizon per test process and Keystone, however many tests use it.

    It knows Glint from the catalogue only, so each test may have a Glint of its own. The process
    ends with ours.
    """

    _lock = threading.Lock()
    _shared: ClassVar[dict[str, Horizon]] = {}

    def __init__(self, home: CloudHandle) -> None:
        super().__init__()
        self._home = home
        self.horizon: Horizon

    def _setUp(self) -> None:  # the name is the library's
        with self._lock:
            key = self._home.auth_url
            if key not in self._shared:
                folder = tempfile.mkdtemp(prefix="horizon-")
                horizon = Horizon(pathlib.Path(folder) / "state", self._home)
                horizon.setUp()
                atexit.register(_end, horizon, folder, os.getpid())
                self._shared[key] = horizon
        self.horizon = self._shared[key]


def _end(horizon: Horizon, folder: str, owner: int) -> None:
    """Leave nothing behind, but not at the end of a fork of ours."""
    if os.getpid() == owner:
        horizon.cleanUp()
        shutil.rmtree(folder, ignore_errors=True)
