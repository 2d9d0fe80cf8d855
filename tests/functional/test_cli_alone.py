"""The true ``openstack`` command with a Glint that has no Keystone, and with trouble on the way.

What answers is a stand-in of a few lines that writes down who asked.
"""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import threading
from typing import Any

import fixtures
import testtools

from tests.functional.cli import openstack

SITE = {"id": "5a0e0000-0000-4000-8000-00000000da18", "name": "DAIR", "type": "openstack"}


class _StandIn(http.server.BaseHTTPRequestHandler):
    """Answers as Glint would; ``server.refuse`` answers everything with an error."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        refused = self.server.refuse  # type: ignore[attr-defined]
        body = {"errors": [refused]} if refused else {"sites": [SITE]}
        self.send_response(refused["status"] if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: Any) -> None:
        pass


class StandAloneTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.server: Any
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _StandIn)
        self.server.asked, self.server.refuse = [], None
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 60)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def openstack(self, *argv: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        done = openstack(self.folder, *argv)
        self.assertNotIn("Traceback", done.err)
        return done.code, done.out, done.err

    def listed(self, *login: str) -> dict[str, str]:
        """The headers of the request that a list of sites made."""
        code, out, err = self.openstack(*login, "glint", "site", "list", "-f", "json")
        self.assertEqual(0, code, err)
        self.assertEqual("DAIR", json.loads(out)[0]["Name"])
        ((path, headers),) = self.server.asked
        self.assertEqual("/v1/sites", path)
        self.assertEqual("image-distribution 1.0", headers["OpenStack-API-Version"])
        return dict(headers)

    def test_no_authentication(self) -> None:
        headers = self.listed("--os-auth-type", "none", "--os-endpoint", self.url)
        self.assertNotIn("Authorization", headers)

    def test_http_basic(self) -> None:
        login = ("--os-username", "ada", "--os-password", "s3cret", "--os-endpoint", self.url)
        headers = self.listed("--os-auth-type", "http_basic", *login)
        wished = base64.b64encode(b"ada:s3cret").decode()
        self.assertEqual(f"Basic {wished}", headers["Authorization"])

    def test_a_wrong_password_is_said(self) -> None:
        self.server.refuse = {
            "status": 401,
            "title": "Unauthorized",
            "code": "request.unauthenticated",
            "detail": "Name and password are wrong.",
        }
        login = ("--os-username", "ada", "--os-password", "wrong", "--os-endpoint", self.url)
        code, _, err = self.openstack(
            "--os-auth-type", "http_basic", *login, "glint", "site", "list"
        )
        self.assertEqual(1, code)
        self.assertIn("Name and password are wrong. (401, request.unauthenticated)", err)

    def test_a_server_that_is_too_old(self) -> None:
        self.server.refuse = {
            "status": 406,
            "code": "request.microversion",
            "detail": "Version '1.7' is not served.",
            "min_version": "1.0",
            "max_version": "1.2",
        }
        code, _, err = self.openstack(
            *("--os-auth-type", "none", "--os-endpoint", self.url),
            *("--os-image-distribution-api-version", "1.7", "glint", "site", "list"),
        )
        self.assertEqual(1, code)
        self.assertIn("This Glint has versions 1.0 to 1.2", err)

    def test_no_login_at_all(self) -> None:
        code, _, err = self.openstack("glint", "site", "list")
        self.assertEqual(1, code)
        self.assertRegex(err, "(?i)auth")

    def test_completion_knows_our_commands(self) -> None:
        code, out, _ = self.openstack("complete")
        self.assertEqual(0, code)
        self.assertRegex(out, r"cmds_glint='[^']*\bdeploy\b[^']*\bsite\b")
        self.assertRegex(out, r"cmds_glint_site_image='list'")
        self.assertRegex(out, r"cmds_glint_deploy='[^']*--dry-run")
