"""The true ``openstack`` command with the true service, as a person or a script uses it."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import uuid
from typing import Any

from tests.functional.base import (
    LONG,
    MIB,
    WAIT,
    GlintTestCase,
    application_credential_of,
)
from tests.functional.cli import Cli
from tests.functional.faultcase import FILE
from tests.functional.processes import clean_environment, eventually, program
from tests.minicloud.testcase import some_bytes


class CliCase(Cli, GlintTestCase):
    """A Glint for every test."""


class WalkTest(CliCase):
    def test_from_nothing_to_the_matrix_and_back(self) -> None:
        data = some_bytes(MIB)
        remote_id = self.alto_images.add(data, "walker")
        for name, cloud in (("ALTO", self.alto), ("DAIR", self.dair)):
            site = self.glint_json("site", "create", name, "--auth-url", cloud.auth_url)
            self.assertEqual((name, "ok"), (site["name"], site["health"]))
        self.glint_json("credential", "create", "ALTO", "--home")
        auth = application_credential_of(self.dair, "hep-member", self.id())
        path = pathlib.Path(self.glint.folder / "credential.json")
        path.touch(mode=0o600)
        path.write_text(
            json.dumps(
                {
                    "id": auth["application_credential_id"],
                    "secret": auth["application_credential_secret"],
                }
            )
        )
        options = ("--application-credential-file", str(path))
        made = self.glint_json("credential", "create", "DAIR", *options)
        self.assertNotIn(auth["application_credential_secret"], json.dumps(made))
        listed = self.glint_json("credential", "list")
        self.assertEqual(["ALTO (hep)", "DAIR (hep)"], sorted(one["Name"] for one in listed))
        what = ("--site-image", remote_id, "--credential", "ALTO")
        self.assertEqual("walker", self.glint_json("image", "create", *what)["name"])
        self.assertEqual(["walker"], [one["Name"] for one in self.glint_json("image", "list")])

        done = self.run_cli("glint", "deploy", "walker", "--to", "DAIR", "--wait", str(WAIT))

        self.assertIn("done", done.out)
        self.assert_same_bytes(data, self.dair_images.one("walker"))
        matrix = self.run_cli("glint", "matrix", "show").out
        row = next(line for line in matrix.splitlines() if "walker" in line)
        self.assertEqual(2, [cell.strip() for cell in row.split("|")].count("X"), matrix)
        events = self.glint_json("event", "list")
        self.assertTrue(any("walker" in str(one) and "DAIR" in str(one) for one in events))
        again = self.run_cli("glint", "deploy", "walker", "--to", "DAIR", "--wait")
        self.assertIn("active", again.out)

        self.run_cli("glint", "undeploy", "walker", "--from", "DAIR", "--wait", str(WAIT))

        self.assertEqual([], self.dair_images.records())
        self.run_cli("glint", "undeploy", "walker", "--from", "ALTO", "--wait", code=1)
        self.run_cli("glint", "credential", "delete", "DAIR (hep)")
        self.run_cli("glint", "site", "delete", "DAIR")
        self.assertEqual(["ALTO"], [one["Name"] for one in self.glint_json("site", "list")])


class FailureTest(CliCase):
    """Whatever goes wrong: exit code 1, a sentence, and no traceback."""

    def refused(self, *arguments: str, code: str, **options: Any) -> str:
        done = self.run_cli("glint", *arguments, code=1, **options)
        self.assertIn(code, done.err)
        return done.err

    def test_what_the_service_refuses(self) -> None:
        where = ("--auth-url", "http://127.0.0.1:1/v3")
        self.refused("site", "create", "X", *where, code="site.unreachable")
        self.refused("site", "create", "X", "--type", "no", *where, code="site.type_unknown")
        self.user.column("DAIR", self.dair)
        user = ("--username", "hep-member", "--project", "hep", "--password-env", "SECRET")
        said = self.refused(
            *("credential", "create", "DAIR", *user),
            code="site.credentials_rejected",
            SECRET="guess-4711",
        )
        self.assertNotIn("guess-4711", said)
        where = ("--auth-url", self.dair.auth_url)
        self.refused(
            "site", "create", "X", *where, code="request.forbidden", cloud="alto-hep-reader"
        )

    def test_what_is_not_there(self) -> None:
        self.refused("site", "show", "NOWHERE", code="NOWHERE")
        self.refused("image", "show", str(uuid.uuid4()), code="")
        self.refused("deploy", "nothing", "--to", "NOWHERE", code="")

    def test_a_copy_that_fails(self) -> None:
        sink = self.proxied(self.dair)
        home, _ = self.two_columns()
        self.registered(home, some_bytes(MIB), "doomed")
        sink.flip("PUT", FILE, at=5, leg="request", times=None)
        said = self.refused(
            *("deploy", "doomed", "--to", "DAIR", "--wait", str(WAIT)), code="content.mismatch"
        )
        self.assertIn("DAIR", said)
        self.refused("deploy", "doomed", "--to", "DAIR", "--wait", str(WAIT), code="content")
        self.assertEqual([], self.dair_images.records())

    def test_a_wait_that_is_too_short(self) -> None:
        sink = self.proxied(self.dair)
        home, _ = self.two_columns()
        self.registered(home, some_bytes(LONG), "slow")
        throttle = sink.throttle("PUT", FILE, rate=MIB, leg="request")
        self.run_cli("glint", "deploy", "slow", "--to", "DAIR", "--wait", "1", code=3)
        sink.clear(throttle)
        (operation,) = self.user.client.operations.list()
        self.assert_done(self.user.wait(operation))
        self.run_cli("glint", "operation", "wait", operation["id"])

    def test_ctrl_c_ends_the_wait_and_not_the_work(self) -> None:
        sink = self.proxied(self.dair)
        home, _ = self.two_columns()
        self.registered(home, some_bytes(LONG), "slow")
        throttle = sink.throttle("PUT", FILE, rate=MIB // 2, leg="request")
        environment = clean_environment(self.glint.folder, **self.environment())
        command = [program("openstack"), "glint", "deploy", "slow", "--to", "DAIR", "--wait"]
        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(running.kill)

        def asked_for_it() -> bool:
            """The command waits: it has asked for the operation that it made."""
            return any("GET /v1/operations/" in line for line in self.glint.log_text().splitlines())

        eventually(asked_for_it, "the wait of the command", WAIT)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=WAIT)
        sink.clear(throttle)
        self.assertEqual(130, running.returncode, said)
        self.assertIn("The operation goes on. See: openstack glint operation wait", said)
        self.assertNotIn("Traceback", said)
        (operation,) = self.user.client.operations.list()
        self.assert_done(self.user.wait(operation))

    def test_a_cloud_without_the_service_and_a_wrong_region(self) -> None:
        done = self.run_cli("glint", "site", "list", code=1, cloud="dair")
        self.assertIn("client.service_not_found", done.err)
        done = self.run_cli("--os-region-name", "nowhere", "glint", "site", "list", code=1)
        self.assertIn("Region nowhere is not a valid region name", done.err)

    def test_a_wrong_password(self) -> None:
        done = self.run_cli("--os-password", "wrong", "glint", "site", "list", code=1)
        self.assertIn("401", done.err)

    def test_without_the_service(self) -> None:
        self.glint.stop()
        done = self.run_cli("glint", "site", "list", code=1)
        self.assertIn("client.connection_failed", done.err)
