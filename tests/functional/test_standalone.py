"""Glint without a Keystone of its own, used with the true ``openstack`` command."""

from __future__ import annotations

import json
import pathlib
import secrets
import subprocess
from typing import Any, cast

import fixtures
import testtools

from tests.functional.processes import COMMAND_TIMEOUT, clean_environment, program
from tests.functional.service import LOOPBACK_NETWORK, GlintService, Http
from tests.minicloud import topology
from tests.minicloud.fixture import CloudHandle


class _NoCloud:
    """Stands where others have a home cloud."""

    def register_service(self, *_: str) -> None:
        """There is no catalogue."""


class StandaloneGlint(GlintService):
    """``glint-all`` with users of its own, or with none."""

    def __init__(self, folder: pathlib.Path, strategy: str) -> None:
        self.strategy = strategy
        super().__init__(folder, cast(CloudHandle, _NoCloud()))
        self.users = self.folder / "users"

    def base_settings(self) -> dict[str, dict[str, Any]]:
        return {
            "DEFAULT": {"debug": "true", "log_file": self.log, "use_stderr": "false"},
            "database": {"connection": f"sqlite:///{self.database}"},
            "credentials": {"key_repository": self.keys},
            "addresses": {"allowed_networks": LOOPBACK_NETWORK},
            "api": {
                "bind_host": topology.LOOPBACK,
                "port": self.port,
                "response_validation": "error",
                "auth_strategy": self.strategy,
                "http_basic_user_file": self.users,
            },
        }

    def add_user(self, name: str, password: str, project: str, *roles: str) -> None:
        options = [one for role in roles for one in ("--role", role)]
        subprocess.run(
            self.command("glint-manage", "user", "set", name, "--project", project, *options),
            input=f"{password}\n",
            text=True,
            check=True,
            capture_output=True,
            env=clean_environment(self.folder),
            timeout=COMMAND_TIMEOUT,
        )

    def prepare_state(self) -> None:
        super().prepare_state()
        self.passwords = {name: secrets.token_urlsafe(12) for name in ("alice", "carol")}
        for name, project in (("alice", "physics"), ("carol", "biology")):
            self.add_user(name, self.passwords[name], project)


class StandaloneCase(testtools.TestCase):
    strategy = "http_basic"

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.glint = StandaloneGlint(self.folder / "glint", self.strategy)
        self.addOnException(
            lambda _: self.addDetail(
                "glint.log", testtools.content.text_content(self.glint.log_text())
            )
        )
        self.useFixture(self.glint)

    def openstack(self, env: dict[str, str], *arguments: str, code: int = 0) -> str:
        """The command's output; what it says on stderr where it must fail."""
        done = subprocess.run(
            [program("openstack"), *arguments],
            env=clean_environment(self.folder, **env, OS_ENDPOINT=self.glint.url),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr if code else done.stdout

    def login(self, name: str) -> dict[str, str]:
        return {
            "OS_AUTH_TYPE": "http_basic",
            "OS_USERNAME": name,
            "OS_PASSWORD": self.glint.passwords[name],
        }


class HttpBasicTest(StandaloneCase):
    def test_two_projects_with_the_command(self) -> None:
        alice, carol = self.login("alice"), self.login("carol")
        url = f"http://{topology.LOOPBACK}:1/v3"
        create = ("glint", "site", "create", "DAIR", "--auth-url", url, "--no-probe")
        self.openstack(alice, *create)
        seen = ("glint", "site", "list", "-f", "json")
        (site,) = json.loads(self.openstack(alice, *seen))
        self.assertEqual("DAIR", site["Name"])
        self.assertEqual([], json.loads(self.openstack(carol, *seen)))
        said = self.openstack(alice | {"OS_PASSWORD": "wrong"}, *seen, code=1)
        self.assertIn("HTTP Basic", said)
        said = self.openstack(alice, "glint", "credential", "create", "DAIR", "--home", code=1)
        self.assertIn("home cloud", said)
        # Changed while the service runs.
        self.glint.manage("user", "remove", "alice")
        self.openstack(alice, *seen, code=1)
        log = self.glint.log_text()
        for secret in self.glint.passwords.values():
            self.assertNotIn(secret, log)


class NoAuthTest(StandaloneCase):
    strategy = "noauth"

    def test_this_machine_only(self) -> None:
        shown = self.openstack({"OS_AUTH_TYPE": "none"}, "glint", "site", "list", "-f", "json")
        self.assertEqual([], json.loads(shown))
        self.assertIn("NO AUTHENTICATION", self.glint.log_text())
        http = Http(self.glint.url, None)
        headers = {"X-Forwarded-For": "192.0.2.7"}
        self.assertEqual(403, http.get("/v1/sites", headers=headers).status_code)
        self._headers_have_a_limit(http)
        self.glint.stop()
        self._it_does_not_listen_to_the_world()

    def _headers_have_a_limit(self, http: Http) -> None:
        self.assertEqual(200, http.get("/v1/sites", headers={"X-Long": "x" * 30_000}).status_code)
        for headers in ({"X-Long": "x" * 100_000}, {f"X-{n}": "x" * 1000 for n in range(90)}):
            # The server itself answers, before the API that promises a shape of errors.
            answer = http._plain.get(f"{http.url}/v1/sites", headers=headers, timeout=60)
            self.assertEqual(413, answer.status_code)

    def _it_does_not_listen_to_the_world(self) -> None:
        text = self.glint.conf.read_text()
        here, everywhere = f"bind_host = {topology.LOOPBACK}", "bind_host = 0.0.0.0"
        self.assertIn(here, text)
        self.glint.conf.write_text(text.replace(here, everywhere))
        done = subprocess.run(
            self.glint.command("glint-all"),
            env=clean_environment(self.folder),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
        self.assertEqual(1, done.returncode)
        self.assertIn("noauth", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
