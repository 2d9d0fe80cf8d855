"""Credentials: verified before they are written, and secrets that go in only."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from glint import exception
from glint.db import credentials as db_credentials
from glint.db import models
from glint.drivers.glance.site_type import OPENSTACK
from tests.unit.api.base import AUTH, HOME_URL, PASSWORD, ApiTestCase
from tests.unit.api.fakes import FakeHome

LOGIN_ERRORS = [
    exception.SiteCredentialsRejected(reason="401"),
    exception.SiteForbidden(reason="no role"),
    exception.SiteNoImageService(region="R", interface="public"),
    exception.ConductorUnavailable(timeout=1),
]


class CreateTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site()
        self.body: dict[str, Any] = {"site_id": self.site["id"], "auth": AUTH}

    def test_create(self) -> None:
        answer = self.call("POST", "/v1/credentials", self.body, expect=201)
        made = answer.body["credential"]
        self.assertTrue(answer.headers["Location"].endswith(f"/v1/credentials/{made['id']}"))
        self.assertEqual("DAIR (physics)", made["name"])
        self.assertEqual(("alice-id", False), (made["user_id"], made["shared"]))
        self.assertEqual({k: v for k, v in AUTH.items() if k != "password"}, made["auth"])
        self.assertIsNotNone(made["verified_at"])
        self.assertIn(("scan", made["id"]), self.conductor.asked)
        secret = self.keyring.decrypt(db_credentials.secret(self.db, made["id"]))
        self.assertEqual({"password": PASSWORD}, dict(secret))

    def test_again_renews(self) -> None:
        first = self.make_credential(self.site["id"])
        again = {**self.body, "auth": {**AUTH, "password": "changed"}}
        answer = self.call("POST", "/v1/credentials", again, expect=200)
        self.assertEqual(first["id"], answer.body["credential"]["id"])
        self.assertEqual(1, self.rows(models.Credential))
        secret = self.keyring.decrypt(db_credentials.secret(self.db, first["id"]))
        self.assertEqual({"password": "changed"}, dict(secret))
        # Another remote project, or another owner, is another column.
        self.conductor.remote_project = ("remote-2", "chemistry")
        self.call("POST", "/v1/credentials", self.body, expect=201)
        self.call("POST", "/v1/credentials", {**self.body, "shared": True}, expect=201)
        self.call("POST", "/v1/credentials", self.body, who="bob", expect=201)
        self.assertEqual(4, self.rows(models.Credential))

    def test_a_login_that_fails(self) -> None:
        for error in LOGIN_ERRORS:
            self.conductor.errors["verify_credential"] = [error]
            self.refused(error.code, error.status, "POST", "/v1/credentials", self.body)
            self.assertEqual(0, self.rows(models.Credential))
        self.conductor.errors["verify_credential"] = [RuntimeError("broken")]
        self.refused("glint.internal", 500, "POST", "/v1/credentials", self.body)
        self.assertEqual(0, self.rows(models.Credential))

    def test_without_verification(self) -> None:
        made = self.make_credential(self.site["id"], verify=False)
        self.assertEqual((None, "DAIR (?)"), (made["verified_at"], made["name"]))
        self.assertNotIn("verify_credential", [method for method, _ in self.conductor.asked])

    def test_bad_bodies(self) -> None:
        base = {k: v for k, v in AUTH.items() if k != "password"}
        for auth in (
            {},
            {"auth_type": "kerberos"},
            {"auth_type": "password"},
            {"auth_type": ["password"]},
            base,
            {**AUTH, "token": "x"},
            {**AUTH, "user_id": "u"},
            {**AUTH, "password": ""},
            {**AUTH, "password": 5},
            {**AUTH, "project_name": "a" * 300},
            {"auth_type": "v3applicationcredential", "application_credential_id": "x"},
            {"auth_type": "home", "password": PASSWORD},
            "home",
        ):
            body = {"site_id": self.site["id"], "auth": auth}
            self.refused("request.invalid", 400, "POST", "/v1/credentials", body)
        more = {**self.body, "managed": True}
        self.refused("request.invalid", 400, "POST", "/v1/credentials", more)
        self.assertEqual(0, self.rows(models.Credential))

    def test_images_of_others(self) -> None:
        """A choice of the column; changing it looks anew."""
        made = self.make_credential(self.site["id"], register=["public"])
        self.assertEqual(["public"], made["register"])
        path = f"/v1/credentials/{made['id']}"
        self.conductor.asked.clear()
        body = {"register": ["shared", "community"], "generation": made["generation"]}
        changed = self.call("PATCH", path, body, expect=200).body["credential"]
        self.assertEqual((["shared", "community"], False), (changed["register"], changed["shared"]))
        self.assertIn(("scan", made["id"]), self.conductor.asked)
        # A renewed login leaves it alone, unless told.
        again = self.make_credential(self.site["id"])
        self.assertEqual((made["id"], ["shared", "community"]), (again["id"], again["register"]))
        self.assertEqual([], self.make_credential(self.site["id"], register=[])["register"])
        for bad in (["private"], ["public", "public"], "public", [1]):
            self.refused("request.invalid", 400, "PATCH", path, {"register": bad})

    def test_a_site_type_that_cannot_look_for_them(self) -> None:
        kind = dataclasses.replace(OPENSTACK, registers=())
        self.app = self.make_app(site_types={"openstack": kind})
        body = {"site_id": self.site["id"], "auth": AUTH, "register": ["public"]}
        answer = self.refused("request.invalid", 400, "POST", "/v1/credentials", body)
        self.assertIn("nothing but the own images", answer.error["detail"])

    def test_unknown_site(self) -> None:
        body = {**self.body, "site_id": "nothing"}
        self.refused("site.not_found", 404, "POST", "/v1/credentials", body)
        self.refused("site.not_found", 404, "POST", "/v1/credentials", self.body, who="carol")

    def test_sharing_is_a_right_of_its_own(self) -> None:
        pathlib.Path(self.folder, "policy.yaml").write_text('"credential:share": "role:admin"')
        self.conf.set_override("policy_file", f"{self.folder}/policy.yaml", "oslo_policy")
        self.app = self.make_app()
        shared = {**self.body, "shared": True}
        self.refused("request.forbidden", 403, "POST", "/v1/credentials", shared)
        made = self.make_credential(self.site["id"])
        url = f"/v1/credentials/{made['id']}"
        self.refused("request.forbidden", 403, "PATCH", url, {"shared": True})
        self.call("POST", "/v1/credentials", shared, who="root", expect=201)


class SecretTest(ApiTestCase):
    def test_a_planted_secret_is_nowhere(self) -> None:
        """Not in answers, logs, messages or tables, whether things go well or not."""
        site = self.make_site()
        told = []
        made = self.make_credential(site["id"])
        url = f"/v1/credentials/{made['id']}"
        told.append(self.call("GET", url).text)
        told.append(self.call("GET", "/v1/credentials").text)
        told.append(self.call("PATCH", url, {"auth": AUTH}, expect=200).text)
        for error in (*LOGIN_ERRORS, RuntimeError("broken")):
            self.conductor.errors["verify_credential"] = [error]
            told.append(
                self.call("POST", "/v1/credentials", {"site_id": site["id"], "auth": AUTH}).text
            )
        raw = json.dumps({"site_id": site["id"], "auth": AUTH})[:-1].encode()
        told.append(self.call("POST", "/v1/credentials", raw=raw).text)
        told.append(self.call("POST", f"/v1/credentials?p={PASSWORD}", {}).text)
        told.append(self.call("GET", "/v1/events").text)
        told += [str(self.conductor.asked), self.log.output, repr(self.keyring)]
        self.db.dispose()
        for file in pathlib.Path(self.folder).glob("glint.db*"):
            told.append(file.read_bytes().decode("latin-1"))
        for text in told:
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn("X-Auth-Token", text)
        self.assertIn("POST /v1/credentials", self.log.output)


class ChangeTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site()
        self.made = self.make_credential(self.site["id"])
        self.url = f"/v1/credentials/{self.made['id']}"

    def test_auth(self) -> None:
        new = {"auth": {**AUTH, "username": "alice2"}, "generation": self.made["generation"]}
        changed = self.call("PATCH", self.url, new, expect=200).body["credential"]
        self.assertEqual(("alice2", 2), (changed["auth"]["username"], changed["generation"]))
        self.assertEqual(1, self.rows(models.Credential))
        self.refused("credential.generation_conflict", 409, "PATCH", self.url, new)
        self.assertEqual(1, self.rows(models.Credential))

    def test_auth_that_fails(self) -> None:
        before = self.call("GET", self.url).text
        for error in LOGIN_ERRORS:
            self.conductor.errors["verify_credential"] = [error]
            self.refused(error.code, error.status, "PATCH", self.url, {"auth": AUTH})
            self.assertEqual(
                (1, before), (self.rows(models.Credential), self.call("GET", self.url).text)
            )
        self.conductor.remote_project = ("remote-2", "chemistry")
        self.refused("request.conflict", 409, "PATCH", self.url, {"auth": AUTH})
        self.assertEqual(1, self.rows(models.Credential))

    def test_share(self) -> None:
        self.refused("credential.not_found", 404, "GET", self.url, who="bob")
        changed = self.call("PATCH", self.url, {"shared": True}, expect=200).body["credential"]
        self.assertEqual((None, True), (changed["user_id"], changed["shared"]))
        self.call("GET", self.url, who="bob", expect=200)
        self.refused("credential.not_found", 404, "GET", self.url, who="carol")

    def test_verify(self) -> None:
        self.call("POST", f"{self.url}/verify", expect=200)
        for error in LOGIN_ERRORS:
            self.conductor.errors["verify_credential"] = [error]
            self.refused(error.code, error.status, "POST", f"{self.url}/verify")

    def test_scan(self) -> None:
        """The wish for a scan is in the row: the message may be lost."""
        self.conductor.asked.clear()
        self.call("POST", f"{self.url}/scan", expect=202)
        self.assertEqual([("scan", self.made["id"])], self.conductor.asked)
        with self.db.reader() as session:
            row = session.get_one(models.Credential, self.made["id"])
            self.assertIsNotNone(row.scan_wanted_at)

    def test_delete(self) -> None:
        self.call("DELETE", self.url, expect=204)
        self.refused("credential.not_found", 404, "GET", self.url)
        self.assertEqual(0, self.rows(models.Credential))
        actions = [e["action"] for e in self.call("GET", "/v1/events").body["events"]]
        self.assertEqual(["credential.delete", "credential.create", "site.create"], actions)

    def test_delete_in_use(self) -> None:
        image = self.make_image(self.made["id"])
        self.conductor.remote_project = ("remote-2", "chemistry")
        other = self.make_credential(self.site["id"])
        wish = {"image_id": image["id"], "credential_id": other["id"], "wanted": True}
        self.call("POST", "/v1/operations", {"changes": [wish]}, expect=202)
        url = f"/v1/credentials/{other['id']}"
        self.refused("credential.in_use", 409, "DELETE", url)
        self.refused("request.invalid", 400, "DELETE", f"{url}?force=perhaps")
        self.call("DELETE", f"{url}?force=true", expect=204)

    def test_walls(self) -> None:
        """Another project's credential is not there; another user's neither."""
        for who in ("carol", "bob"):
            for method, path, body in (
                ("GET", self.url, None),
                ("PATCH", self.url, {"shared": True}),
                ("PATCH", self.url, {"auth": AUTH}),
                ("DELETE", self.url, None),
                ("DELETE", f"{self.url}?force=true", None),
                ("POST", f"{self.url}/verify", None),
                ("POST", f"{self.url}/scan", None),
            ):
                self.refused("credential.not_found", 404, method, path, body, who=who)
            self.assertEqual([], self.call("GET", "/v1/credentials", who=who).body["credentials"])
        self.assertEqual(1, self.rows(models.Credential))


class HomeTest(ApiTestCase):
    """Credentials that Glint makes with the caller's token."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site("HOME", connection={"auth_url": HOME_URL})
        self.body = {"site_id": self.site["id"], "auth": {"auth_type": "home"}}

    def test_create(self) -> None:
        answer = self.call("POST", "/v1/credentials", self.body, expect=201)
        made = answer.body["credential"]
        self.assertTrue(made["managed"])
        self.assertEqual(
            {
                "auth_type": "v3applicationcredential",
                "application_credential_id": "appcred-1",
                "user_id": "alice-id",
            },
            made["auth"],
        )
        self.assertEqual((["alice"], [True]), (self.home.tokens, self.home.access_rules))
        secret = self.keyring.decrypt(db_credentials.secret(self.db, made["id"]))
        self.assertEqual({"application_credential_secret": FakeHome.SECRET}, dict(secret))
        self.assertNotIn(FakeHome.SECRET, answer.text + self.log.output)

    def test_again_without_rules(self) -> None:
        """A cloud that cannot work with access rules gets one without, and nothing stays behind."""
        for error in (exception.SiteCredentialsRejected, exception.SiteForbidden):
            self.conductor.errors["verify_credential"] = [error(reason="x")]
            made = self.call("POST", "/v1/credentials", self.body).body["credential"]
            self.assertEqual([True, False], self.home.access_rules[-2:])
            self.assertEqual([made["auth"]["application_credential_id"]], list(self.home.made))
        self.assertEqual(1, self.rows(models.Credential))

    def test_fails_twice(self) -> None:
        rejected = exception.SiteCredentialsRejected(reason="x")
        self.conductor.errors["verify_credential"] = [rejected, rejected]
        self.refused("site.credentials_rejected", 400, "POST", "/v1/credentials", self.body)
        self.assertEqual(({}, 0), (self.home.made, self.rows(models.Credential)))

    def test_other_failures_are_not_repeated(self) -> None:
        self.conductor.errors["verify_credential"] = [exception.ConductorUnavailable(timeout=1)]
        self.refused("conductor.unavailable", 503, "POST", "/v1/credentials", self.body)
        self.assertEqual(({}, [True]), (self.home.made, self.home.access_rules))
        self.assertEqual(0, self.rows(models.Credential))

    def test_renewing_removes_the_old_one(self) -> None:
        first = self.call("POST", "/v1/credentials", self.body, expect=201).body["credential"]
        self.call("POST", "/v1/credentials", self.body, expect=200)
        self.assertEqual(["appcred-2"], list(self.home.made))
        url = f"/v1/credentials/{first['id']}"
        self.call("PATCH", url, {"auth": {"auth_type": "home"}}, expect=200)
        self.assertEqual(["appcred-3"], list(self.home.made))
        changed = self.call("PATCH", url, {"auth": AUTH}, expect=200).body["credential"]
        self.assertEqual((False, {}), (changed["managed"], self.home.made))

    def test_delete(self) -> None:
        made = self.call("POST", "/v1/credentials", self.body, expect=201).body["credential"]
        self.call("DELETE", f"/v1/credentials/{made['id']}", expect=204)
        self.assertEqual({}, self.home.made)

    def test_delete_that_the_home_cloud_refuses(self) -> None:
        made = self.call("POST", "/v1/credentials", self.body, expect=201).body["credential"]
        url = f"/v1/credentials/{made['id']}"
        self.home.refuse_delete = True
        self.refused("credential.remote_not_removed", 409, "DELETE", url)
        self.call("GET", url, expect=200)
        self.call("DELETE", f"{url}?force=true", expect=204)
        self.assertIn("appcred-1 stays behind", self.log.output)

    def test_delete_of_a_shared_one_by_another_user(self) -> None:
        body = {**self.body, "shared": True}
        made = self.call("POST", "/v1/credentials", body, expect=201).body["credential"]
        url = f"/v1/credentials/{made['id']}"
        self.refused("credential.remote_not_removed", 409, "DELETE", url, who="bob")
        self.call("DELETE", url, who="alice", expect=204)
        self.assertEqual({}, self.home.made)

    def test_in_use_is_found_before_anything_is_removed(self) -> None:
        made = self.call("POST", "/v1/credentials", self.body, expect=201).body["credential"]
        self.conductor.remote_project = ("remote-2", "chemistry")
        other = self.make_credential(self.make_site("DAIR")["id"])
        image = self.make_image(other["id"])
        wish = {"image_id": image["id"], "credential_id": made["id"], "wanted": True}
        self.call("POST", "/v1/operations", {"changes": [wish]}, expect=202)
        self.refused("credential.in_use", 409, "DELETE", f"/v1/credentials/{made['id']}")
        self.assertEqual(["appcred-1"], list(self.home.made))

    def test_not_at_home(self) -> None:
        site = self.make_site("DAIR")
        body = {**self.body, "site_id": site["id"]}
        self.refused("request.invalid", 400, "POST", "/v1/credentials", body)
        self.app = self.make_app(home=None)
        self.refused("request.invalid", 400, "POST", "/v1/credentials", self.body)
        self.assertEqual([], self.home.tokens)
