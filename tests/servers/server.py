"""What the servers have in common: a folder, a process, a guard, a readiness within a limit."""

from __future__ import annotations

import abc
import atexit
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Sequence
from typing import ClassVar

import fixtures
from testtools import content, content_type

from tests.servers import processes

ROOT = pathlib.Path(__file__).parents[2]
#: Seconds until a server answers, and until it ends when it is asked to. Loaded machines are slow.
START_TIMEOUT = 90.0
STOP_TIMEOUT = 30.0
PREPARE_TIMEOUT = 90.0


class Server(fixtures.Fixture, metaclass=abc.ABCMeta):
    """One private server. It can be killed and started again on its data and port.

    :ivar folder: everything that the server writes; removed at the end.
    :ivar port: where it listens, at 127.0.0.1.
    :ivar password: of the user ``glint``, made up for this server.
    """

    #: For the folder's name and for messages.
    kind: ClassVar[str]
    #: Programs that must be there, the Debian package that has them, and where to look beside PATH.
    programs: ClassVar[tuple[str, ...]]
    package: ClassVar[str]
    places: ClassVar[tuple[str, ...]] = ("/usr/sbin", "/usr/local/sbin")
    #: Who runs the server where the tests run as root; None lets root do it.
    root_becomes: ClassVar[str | None] = None
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    folder: pathlib.Path
    port: int

    @classmethod
    def find_programs(cls) -> dict[str, str]:
        """The paths of the programs.

        :raises unittest.SkipTest: one is missing; with what to install.
        """
        return {name: cls._find(name) for name in cls.programs}

    def setUp(self) -> None:
        # Not in _setUp, whose exceptions become errors, also those that mean a skip.
        self._programs = self.find_programs()
        super().setUp()

    def _setUp(self) -> None:
        self._user = self._choose_user()
        self.password = secrets.token_hex(12)
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"glint-{self.kind}-"))
        self._begin_guard()
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._prepare()
        self._start_on_free_port()

    @classmethod
    def _find(cls, name: str) -> str:
        path = os.pathsep.join((*cls.places, os.environ.get("PATH", os.defpath)))
        program = shutil.which(name, path=path)
        if program is None:
            raise unittest.SkipTest(
                f"{name} is not installed, so nothing was tested on {cls.kind}"
                f" (Debian: apt-get install {cls.package})"
            )
        return program

    def _choose_user(self) -> pwd.struct_passwd | None:
        if self.root_becomes is None or os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam(self.root_becomes)
        except KeyError:
            return pwd.getpwnam("nobody")

    def _begin_guard(self) -> None:
        guard = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.guard", str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=ROOT,
        )

        def end() -> None:
            self.stop()
            processes.sweep(str(self.folder))
            if guard.stdin:
                guard.stdin.close()
            guard.wait(STOP_TIMEOUT)

        self.addCleanup(end)

    def _start_on_free_port(self, attempts: int = 3) -> None:
        for attempt in range(1, attempts + 1):
            self._choose_ports()
            try:
                self.start()
                return
            except RuntimeError:
                # Perhaps another program took a port between the choice and the start.
                if attempt == attempts:
                    raise

    def _choose_ports(self) -> None:
        (self.port,) = processes.free_ports(1)

    # For tests.

    def start(self) -> None:
        """Start on the chosen port, and wait until it answers; fine when it runs already.

        :raises RuntimeError: it does not; with the end of its log.
        """
        if self.running:
            return
        processes.sweep(str(self.folder))
        self._before_start()
        self._process = self._spawn(*self._command())
        deadline, pause = time.monotonic() + START_TIMEOUT, threading.Event()
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.kind} does not start:\n{self.log_end()}")
            pause.wait(0.1)

    def stop(self) -> None:
        """End it in good order, with SIGKILL when that takes too long."""
        if self.running and self._process:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
        processes.sweep(str(self.folder))

    def kill(self) -> None:
        """SIGKILL it and all that it started."""
        if self._process:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)
        processes.sweep(str(self.folder))

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running server.

        :raises RuntimeError: it does not run.
        """
        if not self.running or self._process is None:
            raise RuntimeError(f"{self.kind} does not run")
        return self._process.pid

    def log_end(self, size: int = 4000) -> str:
        """The end of what the server said."""
        return (self.folder / "output").read_text("utf-8", "replace")[-size:]

    # For the kinds of servers.

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Make the data folder."""

    def _before_start(self) -> None:
        """Start what the server needs beside it."""

    @abc.abstractmethod
    def _command(self) -> Sequence[str]:
        """The command line of the server, which stays in the foreground."""

    @abc.abstractmethod
    def _answers(self) -> bool:
        """Whether the server serves; within a few seconds."""

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            # A MariaDB that starts removes what looks like leftovers of temporary tables, also
            # those of another one that runs: two with one such folder crash each other.
            "TMPDIR": str(self.folder),
        }

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        user, group, groups = self._identity()
        with open(self.folder / "output", "ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=groups,
            )

    def _run(self, *command: str) -> None:
        user, group, groups = self._identity()
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PREPARE_TIMEOUT,
            cwd=self.folder,
            env=self._environment(),
            user=user,
            group=group,
            extra_groups=groups,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")

    def _identity(self) -> tuple[int | None, int | None, list[int] | None]:
        if self._user is None:
            return None, None, None
        return self._user.pw_uid, self._user.pw_gid, []

    def _write(self, name: str, text: str) -> pathlib.Path:
        """A file for the server only."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)
        return path


class Shared(fixtures.Fixture):
    """One server of a kind per test process, however many tests use it.

    Started by the first test that uses it, ended with the process. A test that finds it killed by
    another one gets it started again.

    :ivar server: the running server.
    """

    _lock = threading.Lock()
    _servers: ClassVar[dict[type[Server], Server]] = {}

    def __init__(self, kind: type[Server]) -> None:
        super().__init__()
        self._kind = kind
        self.server: Server

    def setUp(self) -> None:
        self._kind.find_programs()
        super().setUp()

    def _setUp(self) -> None:
        with self._lock:
            known = self._servers.get(self._kind)
            if known is None:
                known = self._kind()
                known.setUp()
                atexit.register(known.cleanUp)
                self._servers[self._kind] = known
            known.start()
        self.server = known
        # A failing test shows what its server had to say.
        self.addDetail(
            f"log of {known.kind}",
            content.Content(content_type.UTF8_TEXT, lambda: [known.log_end().encode()]),
        )
