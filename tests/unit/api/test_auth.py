"""Who asks, where no Keystone says so."""

from __future__ import annotations

import base64
import os
import pathlib
from typing import Any
from unittest import mock

import bcrypt
import fixtures
import testtools
from oslo_config import cfg

from glint.api import users
from glint.api.users import User, Users, UsersUnusable
from glint.cmd import serving, wiring
from glint.conf import register_opts
from tests.unit.api.base import Answer, ApiTestCase

CHEAP = 10
"""Rounds of the hashes here, the least that are accepted."""


def hashed(password: str, cost: int = CHEAP) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def basic(name: str, password: str) -> dict[str, str]:
    raw = f"{name}:{password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


class UsersCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "users"
        self.write(f"# people\n\nalice:{hashed('wonderland')}:red:member,reader\n")
        self.users = Users(str(self.path))

    def write(self, text: str, mode: int = 0o600) -> None:
        part = self.path.with_suffix(".new")
        part.write_text(text)
        part.chmod(mode)
        part.rename(self.path)

    def unusable(self) -> str:
        error = self.assertRaises(UsersUnusable, self.users.read)
        self.assertEqual((503, "identity.users_unusable"), (error.status, error.code))
        return str(error)


class TestUsers(UsersCase):
    def test_right_and_wrong(self) -> None:
        for _ in range(2):  # slowly, then from memory
            user = self.users.authenticate("alice", b"wonderland")
            assert user is not None
            self.assertEqual(("alice", "red", ("member", "reader")),
                             (user.name, user.project, user.roles))  # fmt: skip
            self.assertNotIn("$2", repr(user))
            for wrong in (b"", b"wonderlan", b"wonderland ", b"wonderland\0", b"w" * 5000):
                self.assertIsNone(self.users.authenticate("alice", wrong))
        for name in ("bob", "", "Alice", "alice ", "# people"):
            self.assertIsNone(self.users.authenticate(name, b"wonderland"))

    def test_every_wrong_password_costs_one_slow_hash(self) -> None:
        with mock.patch.object(users.bcrypt, "checkpw", wraps=bcrypt.checkpw) as slow:
            for number, (name, password) in enumerate(
                [("alice", b"x"), ("bob", b"x"), ("alice", b"x" * 100), ("bob", b"\0")], 1
            ):
                self.users.authenticate(name, password)
                self.assertEqual(number, slow.call_count)
            for _ in range(3):
                self.users.authenticate("alice", b"wonderland")
            self.assertEqual(number + 1, slow.call_count)

    def test_changes_are_noticed(self) -> None:
        self.assertIsNotNone(self.users.authenticate("alice", b"wonderland"))
        self.write(f"alice:{hashed('looking-glass')}:blue:reader\n")
        self.assertIsNone(self.users.authenticate("alice", b"wonderland"))
        user = self.users.authenticate("alice", b"looking-glass")
        assert user is not None
        self.assertEqual("blue", user.project)
        self.write("")
        self.assertIsNone(self.users.authenticate("alice", b"looking-glass"))

    def test_files_that_others_can_read_or_write(self) -> None:
        for mode in (0o644, 0o660, 0o604, 0o620, 0o602, 0o610):
            self.path.chmod(mode)
            self.assertIn(f"{mode:04o}", self.unusable())
        for mode in (0o600, 0o640, 0o400):
            self.path.chmod(mode)
            self.users.read()

    def test_a_file_that_became_readable_lets_nobody_in(self) -> None:
        self.users.authenticate("alice", b"wonderland")
        self.path.chmod(0o644)
        self.assertRaises(UsersUnusable, self.users.authenticate, "alice", b"wonderland")

    def test_another_owner(self) -> None:
        with mock.patch.object(os, "geteuid", return_value=os.geteuid() + 1):
            if os.stat(self.path).st_uid != 0:
                self.assertIn("belongs", self.unusable())
            else:
                self.users.read()

    def test_no_file(self) -> None:
        self.path.unlink()
        self.assertIn("No such file", self.unusable())
        self.path.mkdir()
        self.unusable()

    def test_lines_that_make_no_sense(self) -> None:
        good = hashed("x")
        for line in (
            "alice", f"alice:{good}", f"alice:{good}:red", f"alice:{good}:red:", "alice:x:red:r",
            f"alice:{good}:red:member:more", f"a b:{good}:red:r", f":{good}:red:r",
            f"alice:{good}::r", f"alice:{good}:red:a,,b", f"alice:{good}:r\u00e9d:r",
            f"alice:{good[:-1]}:red:r", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=:red:r",
            f"alice:{good.replace('$10$', '$04$')}:red:r",
            f"alice:{good.replace('$10$', '$31$')}:red:r",
            f"alice:{good}:red:r\nalice:{good}:blue:r",
        ):  # fmt: skip
            self.write(line + "\n")
            said = self.unusable()
            self.assertIn("glint-manage user set", said)
            self.assertNotIn(good, said)
        self.write("#" * users.SIZE_LIMIT)
        self.assertIn("bytes", self.unusable())

    def test_hashes(self) -> None:
        with mock.patch.object(users, "COST", 10):
            made = User("bob", users.hash_of("p\u00e4ssword"), "red", ("reader",))
        self.write(made.line())
        self.assertEqual(made, self.users.authenticate("bob", "p\u00e4ssword".encode()))
        for password in ("", "x" * 73, "a\0b"):
            self.assertRaises(ValueError, users.hash_of, password)
        self.assertGreaterEqual(users.COST, 12)


class TestHttpBasic(UsersCase, ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.write(
            f"alice:{hashed('wonderland')}:red:member,reader\n"
            f"carol:{hashed('sing')}:blue:member,reader\n"
            f"rita:{hashed('books')}:red:reader\n"
        )
        self.conf.set_override("auth_strategy", "http_basic", "api")
        self.conf.set_override("http_basic_user_file", str(self.path), "api")
        self.app = self.make_app(authenticate=None, home=None)

    def ask(self, path: str, *login: str, method: str = "GET", **more: Any) -> Answer:
        headers = {**(basic(*login) if login else {}), **more.pop("headers", {})}
        return self.call(method, path, who=None, headers=headers, **more)

    def test_right(self) -> None:
        site = {"name": "S", "type": "openstack", "probe": False,
                "connection": {"auth_url": "https://h.example.org"}}  # fmt: skip
        self.ask("/v1/sites", "alice", "wonderland", method="POST", body=site, expect=201)
        self.assertEqual(1, len(self.ask("/v1/sites", "rita", "books").body["sites"]))
        self.assertEqual([], self.ask("/v1/sites", "carol", "sing").body["sites"])
        self.assertEqual(
            403, self.ask("/v1/sites", "rita", "books", method="POST", body=site).status
        )

    def test_wrong(self) -> None:
        for headers in (
            {},
            basic("alice", "wrong"),
            basic("nobody", "wonderland"),
            basic("alice:wonderland", ""),
            basic("alice", "wonderland" + "x" * 2000),
            {"Authorization": "Basic"},
            {"Authorization": "Basic !!!"},
            {"Authorization": "Basic YWxpY2U="},
            {"Authorization": "Basic /////w=="},
            {"Authorization": "Bearer YWxpY2U6d29uZGVybGFuZA=="},
            {"X-Auth-Token": "alice"},
        ):
            answer = self.ask("/v1/sites", headers=headers)
            self.assertEqual(
                (401, "request.unauthenticated"), (answer.status, answer.error["code"])
            )
            self.assertIn("Basic realm=", answer.headers["WWW-Authenticate"])
            self.assertNotIn("Keystone", answer.text)
        self.assertEqual(200, self.ask("/").status)

    def test_nobody_says_who_he_is(self) -> None:
        claims = {
            "X-Identity-Status": "Confirmed", "X-User-Id": "root", "X-Project-Id": "blue",
            "X-Roles": "admin", "X-Project-Name": "blue", "X-Tenant-Id": "blue",
            "X-Is-Admin-Project": "True", "OpenStack-System-Scope": "all", "X-Domain-Id": "x",
            "X-Service-Roles": "service", "X-User": "root", "X-Role": "admin",
        }  # fmt: skip
        self.assertEqual(401, self.ask("/v1/sites", headers=claims).status)
        answer = self.ask("/v1/sites?all_projects=true", "alice", "wonderland", headers=claims)
        self.assertEqual(403, answer.status)
        site = {"name": "S", "type": "openstack", "probe": False,
                "connection": {"auth_url": "https://h.example.org"}}  # fmt: skip
        made = self.ask(
            "/v1/sites", "alice", "wonderland", method="POST", body=site, headers=claims
        ).body["site"]
        self.assertEqual("red", made["project_id"])

    def test_there_is_no_home_cloud(self) -> None:
        site = {"name": "S", "type": "openstack", "probe": False,
                "connection": {"auth_url": "https://h.example.org"}}  # fmt: skip
        made = self.ask("/v1/sites", "alice", "wonderland", method="POST", body=site).body["site"]
        body = {"site_id": made["id"], "auth": {"auth_type": "home"}}
        answer = self.ask("/v1/credentials", "alice", "wonderland", method="POST", body=body)
        self.assertEqual(400, answer.status, answer.text)
        self.assertIn("home cloud", answer.error["detail"])

    def test_a_broken_file(self) -> None:
        self.path.chmod(0o644)
        answer = self.ask("/v1/sites", "alice", "wonderland")
        self.assertEqual((503, "identity.users_unusable"), (answer.status, answer.error["code"]))

    def test_passwords_stay_out_of_the_log(self) -> None:
        self.ask("/v1/sites", "alice", "wonderland")
        self.ask("/v1/sites", "alice", "wonderland2")
        for secret in ("wonderland", basic("alice", "wonderland")["Authorization"][6:], "$2b$"):
            self.assertNotIn(secret, self.log.output)


class TestNoAuth(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("auth_strategy", "noauth", "api")
        self.app = self.make_app(authenticate=None, home=None)

    def from_address(self, address: str | None, **headers: str) -> int:
        from_there = self.app

        def app(environ: dict[str, Any], start_response: Any) -> Any:
            environ.pop("REMOTE_ADDR", None)
            if address is not None:
                environ["REMOTE_ADDR"] = address
            return from_there(environ, start_response)

        with mock.patch.object(self, "app", app):
            return self.call("GET", "/v1/sites", who=None, headers=headers).status

    def test_it_is_loud(self) -> None:
        self.assertIn("NO AUTHENTICATION", self.log.output)

    def test_this_machine_only(self) -> None:
        for address in ("127.0.0.1", "127.1.2.3", "::1"):
            self.assertEqual(200, self.from_address(address), address)
        for other in ("10.0.0.1", "8.8.8.8", "2600::1", "", "x", None):
            self.assertEqual(403, self.from_address(other), str(other))
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            self.assertEqual(403, self.from_address("127.0.0.1", **{name: "127.0.0.1"}))

    def test_personas(self) -> None:
        for token, status in (
            ("kim:red:reader", 200), ("kim:red:nobody", 403), ("notused", 200), ("kim:red", 401),
            ("kim:red:", 401), ("kim:r d:reader", 401), ("a:b:c:d", 401),
        ):  # fmt: skip
            self.assertEqual(
                status, self.from_address("127.0.0.1", **{"X-Auth-Token": token}), token
            )


class TestStart(UsersCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = cfg.ConfigOpts()
        register_opts(self.conf)
        self.conf([], default_config_files=[])
        self.conf.set_override("http_basic_user_file", str(self.path), "api")

    def refused(self, embedded: bool = True) -> str:
        check = serving.check_authentication
        return str(self.assertRaises(wiring.Refused, check, self.conf, embedded=embedded))

    def starts(self, embedded: bool = True) -> None:
        serving.check_authentication(self.conf, embedded=embedded)

    def test_keystone(self) -> None:
        self.conf.set_override("auth_url", "https://home.example.org", "home")
        self.starts()

    def test_http_basic(self) -> None:
        self.conf.set_override("auth_strategy", "http_basic", "api")
        self.starts()
        self.path.chmod(0o666)
        self.assertIn("0666", self.refused())
        self.assertIn("0666", self.refused(embedded=False))

    def test_passwords_in_clear_text(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.conf.set_override("auth_strategy", "http_basic", "api")
        self.conf.set_override("bind_host", "0.0.0.0", "api")
        self.starts(embedded=False)
        self.assertEqual("", log.output)
        self.starts()
        self.assertIn("clear text", log.output)

    def test_noauth_listens_at_loopback_only(self) -> None:
        self.conf.set_override("auth_strategy", "noauth", "api")
        for host in ("127.0.0.1", "::1", "localhost"):
            self.conf.set_override("bind_host", host, "api")
            self.starts()
        for host in ("0.0.0.0", "::", "10.0.0.1", "glint.example.org"):
            self.conf.set_override("bind_host", host, "api")
            self.assertIn(host, self.refused())
        # Another server listens; there each request is looked at.
        self.starts(embedded=False)

    def test_no_home_cloud_without_keystone(self) -> None:
        self.conf.set_override("auth_url", "https://home.example.org", "home")
        for strategy in ("http_basic", "noauth"):
            self.conf.set_override("auth_strategy", strategy, "api")
            self.assertIn("home cloud", self.refused())
