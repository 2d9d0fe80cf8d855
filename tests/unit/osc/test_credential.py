from __future__ import annotations

import io
import json
import logging
import pathlib
from typing import Any

import fixtures

from glint.osc.credential import (
    CreateCredential,
    DeleteCredential,
    ScanCredential,
    SetCredential,
)
from tests.unit.client.base import GLINT
from tests.unit.osc.base import AT_ALTO, AT_DAIR, DAIR, OscTestCase, Terminal

SECRET = "pl4nted-s3cret"


class CreateTestCase(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.serve("sites", DAIR)
        self.http.post(f"{GLINT}/v1/credentials", json={"credential": AT_DAIR}, status_code=201)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.MonkeyPatch("sys.stdin", io.StringIO()))

    def tearDown(self) -> None:
        for said in (self.out.getvalue(), self.err.getvalue(), self.log.output):
            self.assertNotIn(SECRET, said)
        super().tearDown()

    def file(self, name: str, text: str, mode: int = 0o600) -> str:
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def auth_of(self, *argv: str) -> dict[str, Any]:
        self.command(CreateCredential, "DAIR", *argv)
        return dict(self.body()["auth"])

    def fails_with(self, *argv: str) -> str:
        said = self.fails(CreateCredential, "DAIR", *argv)
        self.assertNotIn(SECRET, said)
        self.assertEqual([], [r for r in self.sent() if r.method == "POST"])
        return said


class TestCreate(CreateTestCase):
    def test_home_needs_no_secret(self) -> None:
        self.assertEqual({"auth_type": "home"}, self.auth_of("--home", "--shared"))
        self.assertEqual(
            {"site_id": DAIR["id"], "auth": {"auth_type": "home"}, "shared": True, "verify": True},
            self.body(),
        )

    def test_password_from_file_environment_and_standard_input(self) -> None:
        who = ("--username", "ada", "--project", "physics", "--no-verify")
        wished = {
            "auth_type": "password",
            "username": "ada",
            "user_domain_name": "Default",
            "project_name": "physics",
            "project_domain_name": "Default",
            "password": SECRET,
        }
        path = self.file("p", f"{SECRET}\nnot this\n")
        self.assertEqual(wished, self.auth_of(*who, "--password-file", path))

        self.useFixture(fixtures.EnvironmentVariable("DAIR_PASSWORD", SECRET))
        self.assertEqual(wished, self.auth_of(*who, "--password-env", "DAIR_PASSWORD"))

        self.useFixture(fixtures.MonkeyPatch("sys.stdin", io.StringIO(SECRET)))
        self.assertEqual(wished, self.auth_of(*who, "--password-file", "-"))
        self.assertFalse(self.body()["verify"])

    def test_password_from_the_prompt(self) -> None:
        asked: list[str] = []

        def ask(prompt: str) -> str:
            asked.append(prompt)
            return SECRET

        self.useFixture(fixtures.MonkeyPatch("sys.stdin", Terminal(tty=True)))
        self.useFixture(fixtures.MonkeyPatch("getpass.getpass", ask))
        who = ("--username", "ada", "--user-domain", "D")
        auth = self.auth_of(*who, "--project", "physics", "--project-domain", "E")
        self.assertEqual((SECRET, "D", "E"), tuple(auth[k] for k in self.keys()))
        self.assertEqual(["Password of ada at DAIR: "], asked)

    def keys(self) -> tuple[str, str, str]:
        return "password", "user_domain_name", "project_domain_name"

    def test_no_terminal_to_ask_at(self) -> None:
        said = self.fails_with("--username", "ada", "--project", "physics")
        self.assertIn("--password-file", said)

    def test_empty_sources(self) -> None:
        who = ("--username", "ada", "--project", "physics")
        self.assertIn("no secret", self.fails_with(*who, "--password-env", "NOT_THERE"))
        empty = self.file("p", "")
        self.assertIn("no secret", self.fails_with(*who, "--password-file", empty))
        missing = str(self.folder / "missing")
        self.assertIn("cannot be read", self.fails_with(*who, "--password-file", missing))

    def test_open_file_is_noted(self) -> None:
        path = self.file("p", SECRET, mode=0o644)
        self.auth_of("--application-credential-id", "ac", "--password-file", path)
        self.assertIn("chmod 600", self.err.getvalue())

    def test_application_credential_files(self) -> None:
        wished = {
            "auth_type": "v3applicationcredential",
            "application_credential_id": "ac",
            "application_credential_secret": SECRET,
        }
        entry = {"auth_type": "v3applicationcredential", "auth": {"auth_url": "u", **wished}}
        files = {
            "one.yaml": (json.dumps({"clouds": {"dair": entry}}), []),
            "two.yaml": (json.dumps({"clouds": {"dair": entry, "x": {}}}), ["--cloud", "dair"]),
            "new.json": (json.dumps({"ID": "ac", "Name": "n", "Secret": SECRET}), []),
            "old.json": (json.dumps({"id": "ac", "secret": SECRET, "roles": "member"}), []),
            "plain.yaml": (
                f"application_credential_id: ac\napplication_credential_secret: {SECRET}\n",
                [],
            ),
        }
        for name, (text, more) in files.items():
            with self.subTest(name):
                path = self.file(name, text)
                auth = self.auth_of("--application-credential-file", path, *more)
                self.assertEqual(wished, auth)

    def test_files_that_hold_none(self) -> None:
        two = json.dumps({"clouds": {"a": {}, "b": {}}})
        for text, more, hint in (
            (two, [], "it has: a, b"),
            (two, ["--cloud", "c"], "it has: a, b"),
            (two, ["--cloud", "a"], "id and secret"),
            (json.dumps({"clouds": []}), [], "it has: none"),
            (json.dumps({"id": "ac"}), [], "id and secret"),
            (json.dumps({"id": "ac"}), ["--cloud", "a"], "no clouds.yaml"),
            (f'secret: "{SECRET}\n', [], "neither YAML nor JSON"),
            (SECRET, [], "no application credential"),
            ("!!python/object/apply:os.getpid []", [], "neither YAML nor JSON"),
        ):
            with self.subTest(text):
                path = self.file("f", text)
                said = self.fails_with("--application-credential-file", path, *more)
                self.assertIn(hint, said)

    def test_parser_wants_exactly_one_kind(self) -> None:
        self.assertIn("required", self.refused(CreateCredential, "DAIR"))
        self.assertIn(
            "not allowed", self.refused(CreateCredential, "DAIR", "--home", "--username", "a")
        )
        self.assertIn("--project", self.fails_with("--username", "a"))

    def test_refusal_of_the_site(self) -> None:
        detail = "The site rejected the credential."
        self.refuse("POST", "/credentials", 400, "site.credentials_rejected", detail)
        said = self.fails(CreateCredential, "DAIR", "--home")
        self.assertIn("site.credentials_rejected", said)


class TestOtherLogins(CreateTestCase):
    """What the site's type says of a login is enough to give it."""

    def setUp(self) -> None:
        super().setUp()
        fields = {
            "access_key": {"type": "string"},
            "secret_key": {"type": "string", "writeOnly": True},
            "session_token": {"type": "string", "writeOnly": True},
            "limit": {"type": "integer"},
        }
        schema = {"properties": fields, "required": ["auth_type", "secret_key"]}
        self.http.get(
            f"{GLINT}/v1/site-types/openstack",
            json={"site_type": {"name": "openstack", "auth_schemas": {"keys": schema}}},
        )

    def test_public_values_and_a_secret(self) -> None:
        auth = self.auth_of(
            *("--auth-type", "keys", "--auth", "access_key=0123", "--auth", "limit=7"),
            *("--password-file", self.file("p", SECRET)),
        )
        wished = {"auth_type": "keys", "access_key": "0123", "limit": 7, "secret_key": SECRET}
        self.assertEqual(wished, auth)

    def test_more_secrets_from_the_environment(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("TOKEN", SECRET))
        more = ("--auth-env", "session_token=TOKEN", "--auth-env", "secret_key=TOKEN")
        auth = self.auth_of("--auth-type", "keys", *more)
        wished = {"auth_type": "keys", "session_token": SECRET, "secret_key": SECRET}
        self.assertEqual(wished, auth)
        said = self.fails_fresh("--auth-type", "keys", "--auth-env", "secret_key=NOT_THERE")
        self.assertIn("NOT_THERE holds no secret", said)

    def fails_fresh(self, *argv: str) -> str:
        """After another command was carried out."""
        self.http.reset_mock()
        return self.fails_with(*argv)

    def test_a_secret_is_no_argument(self) -> None:
        argv = ("--auth-type", "keys", "--auth", "secret_key=given-away")
        said = self.fails_with(*argv)
        self.assertIn("must not be an argument", said)
        self.assertNotIn("given-away", said)

    def test_an_unknown_login(self) -> None:
        self.assertIn("they know: keys", self.fails_with("--auth-type", "no"))


class TestSet(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.credential = {**AT_DAIR, "generation": 3}
        self.serve("sites", DAIR)
        self.serve("credentials", self.credential)
        path = f"{GLINT}/v1/credentials/{AT_DAIR['id']}"
        self.http.patch(path, json={"credential": self.credential})

    def test_who_may_use_it(self) -> None:
        self.command(SetCredential, "DAIR", "--shared")
        self.assertEqual({"shared": True, "generation": 3}, self.body("PATCH"))
        self.command(SetCredential, "DAIR", "--private")
        self.assertEqual({"shared": False, "generation": 3}, self.body("PATCH"))

    def test_a_new_login(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("NEW", SECRET))
        argv = ("--application-credential-id", "ac", "--password-env", "NEW")
        self.command(SetCredential, "DAIR", *argv)
        auth = self.body("PATCH")["auth"]
        self.assertEqual(SECRET, auth["application_credential_secret"])
        self.assertNotIn("shared", self.body("PATCH"))

    def test_nothing_is_an_error(self) -> None:
        self.assertIn("Nothing to change", self.fails(SetCredential, "DAIR"))


class TestScan(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("glint.osc.credential._SCAN_INTERVAL", 0.0))
        self.before = {**AT_DAIR, "scanned_at": "2026-11-20T23:00:00Z"}
        self.serve("credentials", self.before)
        self.path = f"{GLINT}/v1/credentials/{AT_DAIR['id']}"
        self.http.post(f"{self.path}/scan", json={"credential": self.before}, status_code=202)

    def then(self, *later: dict[str, Any]) -> None:
        self.http.get(self.path, [{"json": {"credential": {**self.before, **x}}} for x in later])

    def test_waits_until_the_time_has_changed(self) -> None:
        self.then({}, {}, {"scanned_at": "2026-11-20T23:01:00Z"})
        self.assertEqual("2026-11-20T23:01:00Z", self.json(ScanCredential, "DAIR")["scanned_at"])

    def test_a_site_that_fails(self) -> None:
        self.then({}, {"error_code": "site.unreachable", "error_detail": "away"})
        self.assertEqual("DAIR (hep): site.unreachable: away", self.fails(ScanCredential, "DAIR"))

    def test_time_limit(self) -> None:
        self.then({})
        self.assertIn("within 0.05 s", self.late(ScanCredential, "DAIR", "--timeout", "0.05"))

    def test_order_only(self) -> None:
        self.json(ScanCredential, "DAIR", "--no-wait")
        self.assertEqual("POST", self.sent()[-1].method)


class TestDelete(OscTestCase):
    def test_force_is_handed_on(self) -> None:
        self.serve("credentials", AT_ALTO, AT_DAIR)
        self.http.delete(f"{GLINT}/v1/credentials/{AT_DAIR['id']}", status_code=204)
        self.command(DeleteCredential, "DAIR (hep)")
        self.assertEqual({}, self.sent()[-1].qs)
        self.command(DeleteCredential, "--force", "DAIR")
        self.assertEqual({"force": ["true"]}, self.sent()[-1].qs)
