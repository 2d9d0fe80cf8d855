"""Glint as real processes, for tests: configured, started, killed, asked and cleaned up.

folder/          everything of one Glint
    glint.conf   written by GlintService
    glint.log    the log of all processes, in debug
    *.out        what the processes print
"""

from __future__ import annotations

import os
import pathlib
import sqlite3
import subprocess
from collections.abc import Mapping
from typing import Any, ClassVar

import fixtures
import requests
from keystoneauth1 import session as ks_session

from glint.client import Client
from tests.contract import contract
from tests.functional.processes import (
    COMMAND_TIMEOUT,
    Process,
    clean_environment,
    eventually,
    free_port,
    program,
)
from tests.minicloud import config, topology
from tests.minicloud.fixture import CloudHandle

Settings = Mapping[str, Mapping[str, Any]]
"""Configuration to alter: group -> option -> value."""

START_TIMEOUT = 60
REQUEST_TIMEOUT = 100
CHATTERS = ("keystonemiddleware", "keystoneauth", "oslo_policy", "sqlalchemy", "stevedore")
"""Libraries that would be most of the log in debug."""
LOOPBACK_NETWORK = f"{topology.LOOPBACK}/32"
"""All that a test's Glint reaches besides public addresses."""


class Http:
    """Plain requests to the API, for what a well-behaved client does not send.

    Every answer is held against the OpenAPI document.

    :param session: whose token to send; None for none
    :ivar answers: every answer so far
    """

    def __init__(self, url: str, session: ks_session.Session | None) -> None:
        self.url = url
        self.session = session
        self.answers: list[requests.Response] = []
        self._plain = requests.Session()
        self._plain.trust_env = False

    def __call__(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """:param path: with ``/v1``; the rest is as in ``requests``."""
        sent: dict[str, str] = {}
        if self.session is not None:
            sent["X-Auth-Token"] = str(self.session.get_token())
        answer = self._plain.request(
            method,
            self.url + path,
            headers=sent | dict(headers or {}),
            timeout=REQUEST_TIMEOUT,
            allow_redirects=False,
            **more,
        )
        self.answers.append(answer)
        contract().check(method, path, answer.status_code, answer.headers, answer.content)
        return answer

    def get(self, path: str, **more: Any) -> requests.Response:
        return self("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self("POST", path, json=body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> requests.Response:
        return self("PATCH", path, json=body, **more)

    def delete(self, path: str, **more: Any) -> requests.Response:
        return self("DELETE", path, **more)


class GlintService(fixtures.Fixture):
    """``glint-all`` on SQLite, at the service of one cloud, and in its catalogue.

    :param home: the cloud whose users it serves
    :param port: 0 takes a free one; it stays the same over restarts
    :param settings: configuration to alter
    """

    _prepared: ClassVar[dict[str, bytes]] = {}
    ends: ClassVar[frozenset[tuple[str, int]]] = frozenset()
    """Process and exit code after SIGTERM, where that is in order besides 0."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        home: CloudHandle,
        *,
        port: int = 0,
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.home = home
        self.port = port or free_port()
        self.url = f"http://{topology.LOOPBACK}:{self.port}"
        self.conf = self.folder / "glint.conf"
        self.log = self.folder / "glint.log"
        self.database = self.folder / "glint.sqlite"
        self.connection = f"sqlite:///{self.database}"
        self.keys = self.folder / "credential-keys"
        self._settings = settings or {}
        self.processes = self.make_processes()

    # -- what it consists of; another arrangement of Glint changes these

    def base_settings(self) -> dict[str, dict[str, Any]]:
        """The configuration before a test's own changes: short intervals, everything logged."""
        user = self.home.credentials("glint")
        return {
            "DEFAULT": {
                "debug": "true",
                "log_file": self.log,
                "use_stderr": "false",
                "rpc_transport": "local",
                "default_log_levels": ",".join(f"{name}=INFO" for name in CHATTERS),
            },
            "database": {"connection": self.connection},
            "credentials": {"key_repository": self.keys},
            "api": {
                "bind_host": topology.LOOPBACK,
                "port": self.port,
                "response_validation": "error",
                "conductor_timeout": 60,
            },
            "conductor": {
                "poll_interval": 1,
                "beat": 1,
                "lease": 6,
                "attempts": 3,
                "retry_delay": 1,
                "retry_delay_max": 4,
                "graceful_shutdown_timeout": 2,
                "scan_interval": 3600,
            },
            "addresses": {"allowed_networks": LOOPBACK_NETWORK},
            "home": {"auth_url": self.home.auth_url},
            "keystone_authtoken": user.auth_parameters()
            | {
                "www_authenticate_uri": self.home.auth_url,
                "auth_type": "password",
                "region_name": user.region_name,
                "interface": "public",
                "service_token_roles_required": "true",
            },
        }

    def make_processes(self) -> list[Process]:
        """In the order in which they are started."""
        return [self.command_process("glint-all")]

    def prepare_state(self) -> None:
        """An empty database and keys: made by ``glint-manage`` once per process, then copied."""
        if not self._prepared:
            self.manage("db", "sync")
            self.manage("credential", "setup")
            files = [self.database, *(one for one in self.keys.iterdir() if one.is_file())]
            for path in files:
                self._prepared[str(path.relative_to(self.folder))] = path.read_bytes()
            return
        self.keys.mkdir(mode=0o700)
        for name, content in self._prepared.items():
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_bytes(content)

    # -- its life

    def _setUp(self) -> None:  # the name is the library's
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.write_configuration()
        self.prepare_state()
        self.addCleanup(self.kill9)
        self.start()

    def write_configuration(self) -> None:
        settings = self.base_settings()
        for group, options in self._settings.items():
            settings.setdefault(group, {}).update(options)
        self.conf.touch(mode=0o600)
        self.conf.write_text(config.render(settings))
        (self.folder / "conf.d").mkdir(exist_ok=True)

    def start(self) -> None:
        """Start what does not run; return when the API answers and the catalogue names it.

        :raises RuntimeError: a process ended
        :raises AssertionError: no answer in time
        """
        for process in self.processes:
            if not process.running():
                process.start()
        eventually(self._healthy, f"{self.url}/healthcheck", START_TIMEOUT, 0.05)
        self.home.register_service("image-distribution", "glint", self.url)

    def _healthy(self) -> bool:
        for process in self.processes:
            process.check()
        try:
            return Http(self.url, None).get("/healthcheck").status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        """SIGTERM to all.

        :raises RuntimeError: one did not end in good order
        """
        for process in self.processes:
            code = process.stop()
            if code not in (0, None) and (process.name, code) not in self.ends:
                raise RuntimeError(f"{process.name} ended with {code} after SIGTERM")

    def kill9(self) -> None:
        """SIGKILL to all."""
        for process in self.processes:
            process.kill9()

    # -- how it is used

    def session(self, persona: str | ks_session.Session) -> ks_session.Session:
        """A persona's session with the home cloud."""
        return self.home.session(persona) if isinstance(persona, str) else persona

    def client(self, persona: str | ks_session.Session = topology.DEFAULT_PERSONA) -> Client:
        """Glint's client, which finds the service in the catalogue."""
        return Client(self.session(persona), timeout=(10, REQUEST_TIMEOUT))

    def http(self, persona: str | ks_session.Session | None = topology.DEFAULT_PERSONA) -> Http:
        """Plain requests; None sends no token."""
        return Http(self.url, None if persona is None else self.session(persona))

    def manage(self, *arguments: str) -> str:
        """``glint-manage``; return what it prints.

        :raises RuntimeError: it failed
        """
        return _run(self.command("glint-manage", *arguments), self.folder)

    # -- what it left

    def log_text(self) -> str:
        """The log, and what the processes printed."""
        texts = []
        for path in [*sorted(self.folder.glob("*.log")), *sorted(self.folder.glob("*.out"))]:
            texts.append(f"==> {path.name}\n{path.read_text(errors='replace')}")
        return "\n".join(texts)

    def dump(self) -> str:
        """The whole database as text."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            return "\n".join(connection.iterdump())

    # -- inside

    def command(self, name: str, *arguments: str) -> list[str]:
        where = ["--config-file", str(self.conf), "--config-dir", str(self.folder / "conf.d")]
        return [program(name), *where, *arguments]

    def command_process(self, name: str, number: int | None = None) -> Process:
        label = name if number is None else f"{name}-{number}"
        output = self.folder / f"{label}.out"
        return Process(label, self.command(name), clean_environment(self.folder), output)


def _run(command: list[str], folder: pathlib.Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
