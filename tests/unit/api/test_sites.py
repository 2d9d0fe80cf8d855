"""Sites: probed before they are written, never half-written."""

from __future__ import annotations

from typing import Any

from glint import exception
from glint.db import models
from tests.unit.api.base import AUTH, CONNECTION, HOME_URL, ApiTestCase

SITE: dict[str, Any] = {"name": "DAIR", "type": "openstack", "connection": CONNECTION}

SITE_ERRORS = [
    exception.SiteAddressWrong(url="x", reason="no such host"),
    exception.SiteUnreachable(url="x", reason="refused"),
    exception.SiteTLSFailed(url="x", reason="unknown authority"),
    exception.SiteNoImageService(region="R", interface="public"),
]


class CreateTest(ApiTestCase):
    def test_create(self) -> None:
        answer = self.call("POST", "/v1/sites", SITE, expect=201)
        site = answer.body["site"]
        self.assertEqual(f"http://localhost/v1/sites/{site['id']}", answer.headers["Location"])
        self.assertEqual(("ok", {"identity": "v3.14"}), (site["health"], site["facts"]))
        self.assertEqual((False, "red", False), (site["shared"], site["project_id"], site["home"]))
        self.assertEqual((True, 4, 1), (site["enabled"], site["max_transfers"], site["generation"]))
        self.assertEqual([("probe_site", site["id"])], self.conductor.asked)
        self.assertEqual(site, self.call("GET", f"/v1/sites/{site['id']}").body["site"])
        self.assertEqual([site], self.call("GET", "/v1/sites").body["sites"])
        (event,) = self.call("GET", "/v1/events").body["events"]
        self.assertEqual(("site.create", site["id"]), (event["action"], event["site_id"]))

    def test_without_probe(self) -> None:
        site = self.make_site(probe=False, enabled=False, max_transfers=1)
        self.assertEqual(
            ("unknown", False, 1), (site["health"], site["enabled"], site["max_transfers"])
        )
        self.assertEqual([], self.conductor.asked)

    def test_a_site_that_fails(self) -> None:
        for error in SITE_ERRORS:
            self.conductor.errors["probe_site"] = [error]
            answer = self.refused(error.code, error.status, "POST", "/v1/sites", SITE)
            self.assertEqual(str(error), answer.error["detail"])
            self.assertLess(error.status, 500)
            self.assertEqual(0, self.rows(models.Site))
        self.make_site()

    def test_no_conductor(self) -> None:
        self.conductor.errors["probe_site"] = [exception.ConductorUnavailable(timeout=1)]
        self.refused("conductor.unavailable", 503, "POST", "/v1/sites", SITE)
        self.assertEqual(0, self.rows(models.Site))

    def test_unknown_type(self) -> None:
        answer = self.refused(
            "site.type_unknown", 400, "POST", "/v1/sites", {**SITE, "type": "ec3"}
        )
        self.assertIn("openstack", answer.error["detail"])

    def test_name_in_use(self) -> None:
        self.make_site()
        self.refused("site.name_in_use", 409, "POST", "/v1/sites", SITE)
        self.assertEqual(1, self.rows(models.Site))
        # Another project may use the name.
        self.make_site(who="carol")

    def test_name_taken_while_probing(self) -> None:
        probe = self.conductor.probe_site

        def meanwhile(site_id: str) -> None:
            probe(site_id)
            self.conductor.probe_site = probe  # type: ignore[method-assign]
            self.make_site()

        self.conductor.probe_site = meanwhile  # type: ignore[method-assign]
        self.refused("site.name_in_use", 409, "POST", "/v1/sites", SITE)
        self.assertEqual(1, self.rows(models.Site))

    def test_bad_bodies(self) -> None:
        for wrong, where in (
            ({**SITE, "name": ""}, "body.name"),
            ({**SITE, "name": "  "}, "body.name"),
            ({**SITE, "name": "a\nb"}, "body.name"),
            ({**SITE, "name": "a\x1b[31mb"}, "body.name"),
            ({**SITE, "name": "a\u202eb"}, "body.name"),
            ({**SITE, "name": "x" * 256}, "body.name"),
            ({**SITE, "name": "name\n"}, "body.name"),
            ({**SITE, "max_transfers": 0}, "body.max_transfers"),
            ({**SITE, "max_transfers": 1.5}, "body.max_transfers"),
            ({**SITE, "max_transfers": True}, "body.max_transfers"),
            ({**SITE, "enabled": "yes"}, "body.enabled"),
            ({**SITE, "home": True}, "home"),
            ({**SITE, "project_id": "blue"}, "project_id"),
            ({"name": "DAIR", "type": "openstack"}, "connection"),
            ({**SITE, "connection": {}}, "auth_url"),
            ({**SITE, "connection": []}, "body.connection"),
            ({**SITE, "connection": {**CONNECTION, "colour": "red"}}, "colour"),
            ({**SITE, "connection": {**CONNECTION, "interface": "x"}}, "body.connection.interface"),
        ):
            answer = self.refused("request.invalid", 400, "POST", "/v1/sites", wrong)
            self.assertIn(where, answer.error["detail"])
        self.assertEqual((0, []), (self.rows(models.Site), self.conductor.asked))

    def test_bad_addresses(self) -> None:
        for url in (
            "dair.example.org",
            "file:///etc/passwd",
            "ftp://dair.example.org",
            "javascript:alert(1)",
            "https://",
            "https:///v3",
            "https://user@dair.example.org/v3",
            "https://user:pw@dair.example.org/v3",
            "https://@dair.example.org/v3",
            "https://dair.example.org/v3#fragment",
            "https://dair.example.org/v3#",
            "https://dair.example.org/v3?token=x",
            "https://dair.example.org:notaport/v3",
            "https://dair.example.org:99999/v3",
            "https://[::1/v3",
            "https://dair.example.org/v3\n",
            "https://dair.example.org/ v3",
        ):
            body = {**SITE, "connection": {"auth_url": url}}
            self.refused("request.invalid", 400, "POST", "/v1/sites", body)
        self.assertEqual((0, []), (self.rows(models.Site), self.conductor.asked))

    def test_shared(self) -> None:
        self.refused("request.forbidden", 403, "POST", "/v1/sites", {**SITE, "shared": True})
        site = self.make_site(who="root", shared=True)
        self.assertEqual((True, None), (site["shared"], site["project_id"]))
        self.call("GET", f"/v1/sites/{site['id']}", who="carol", expect=200)

    def test_insecure(self) -> None:
        insecure = {**SITE, "connection": {**CONNECTION, "insecure": True}}
        answer = self.refused("request.forbidden", 403, "POST", "/v1/sites", insecure)
        self.assertIn("site:insecure", answer.error["detail"])
        self.call("POST", "/v1/sites", insecure, who="root", expect=201)

    def test_home(self) -> None:
        """Whether a site is the home cloud is a fact, not a wish."""
        for number, (url, home) in enumerate(
            (
                (HOME_URL, True),
                (f"{HOME_URL}/v3/", True),
                ("https://HOME.example.org:5000/v3", True),
                ("http://home.example.org:5000/v3", False),
                ("https://home.example.org/v3", False),
                ("https://home.example.org.evil.net:5000/v3", False),
            )
        ):
            site = self.make_site(f"s{number}", connection={"auth_url": url})
            self.assertEqual(home, site["home"], url)


class ChangeTest(ApiTestCase):
    def test_labels(self) -> None:
        site = self.make_site()
        url = f"/v1/sites/{site['id']}"
        body = {"name": "DAIR-2", "enabled": False, "max_transfers": 9, "generation": 1}
        changed = self.call("PATCH", url, body, expect=200).body["site"]
        self.assertEqual(
            ("DAIR-2", False, 9, 2),
            tuple(changed[k] for k in ("name", "enabled", "max_transfers", "generation")),
        )
        self.assertEqual(1, len(self.conductor.asked))
        self.refused("site.generation_conflict", 409, "PATCH", url, body)
        self.refused("request.invalid", 400, "PATCH", url, {})
        self.refused("request.invalid", 400, "PATCH", url, {"generation": 2})
        self.refused("request.invalid", 400, "PATCH", url, {"type": "ec2"})
        self.make_site("other")
        self.refused("site.name_in_use", 409, "PATCH", url, {"name": "other"})

    def test_connection(self) -> None:
        site = self.make_site()
        url = f"/v1/sites/{site['id']}"
        new = {"auth_url": "https://new.example.org/v3", "region": "two"}
        changed = self.call("PATCH", url, {"connection": new, "name": "N"}, expect=200).body["site"]
        self.assertEqual(
            (new, "N", 2), tuple(changed[k] for k in ("connection", "name", "generation"))
        )
        self.assertEqual(2, len(self.conductor.asked))
        self.assertEqual(1, self.rows(models.Site))

    def test_connection_that_fails(self) -> None:
        site = self.make_site()
        url, new = f"/v1/sites/{site['id']}", {"auth_url": "https://new.example.org/v3"}
        for error in (*SITE_ERRORS, exception.ConductorUnavailable(timeout=1)):
            self.conductor.errors["probe_site"] = [error]
            self.refused(error.code, error.status, "PATCH", url, {"connection": new})
            self.assertEqual(1, self.rows(models.Site))
            self.assertEqual(site, self.call("GET", url).body["site"])
        old = {"connection": new, "generation": 7}
        self.refused("site.generation_conflict", 409, "PATCH", url, old)
        self.assertEqual(1, self.rows(models.Site))
        insecure = {"connection": {**new, "insecure": True}}
        self.refused("request.forbidden", 403, "PATCH", url, insecure)

    def test_redirection(self) -> None:
        """A member must not get another user's password sent to an address of his choice."""
        site = self.make_site()
        url, evil = f"/v1/sites/{site['id']}", {"auth_url": "https://evil.example.org/v3"}
        self.make_credential(site["id"])
        self.refused("site.in_use", 409, "PATCH", url, {"connection": evil}, who="bob")
        same = {"connection": {**CONNECTION, "region": "two"}}
        self.call("PATCH", url, same, who="bob", expect=200)
        own_ca = {"connection": {**CONNECTION, "ca_cert": "-----BEGIN CERTIFICATE-----"}}
        self.refused("site.in_use", 409, "PATCH", url, own_ca, who="bob")
        self.call("PATCH", url, {"connection": evil}, who="alice", expect=200)

    def test_redirection_while_probing(self) -> None:
        site = self.make_site()
        url, evil = f"/v1/sites/{site['id']}", {"auth_url": "https://evil.example.org/v3"}
        probe = self.conductor.probe_site

        def meanwhile(site_id: str) -> None:
            probe(site_id)
            self.make_credential(site["id"])

        self.conductor.probe_site = meanwhile  # type: ignore[method-assign]
        self.refused("site.in_use", 409, "PATCH", url, {"connection": evil}, who="bob")
        self.assertEqual(1, self.rows(models.Site))

    def test_shared(self) -> None:
        url = f"/v1/sites/{self.make_site(who='root', shared=True)['id']}"
        for method, body in (
            ("PATCH", {"enabled": False}),
            ("PATCH", {"connection": CONNECTION}),
            ("DELETE", None),
        ):
            answer = self.refused("request.forbidden", 403, method, url, body)
            self.assertIn("site:shared", answer.error["detail"])
        self.call("PATCH", url, {"enabled": False}, who="root", expect=200)
        new = {"connection": {"auth_url": "https://new.example.org/v3"}}
        site = self.call("PATCH", url, new, who="root", expect=200).body["site"]
        self.assertEqual((True, None), (site["shared"], site["project_id"]))
        self.call("DELETE", url, who="root", expect=204)

    def test_delete(self) -> None:
        site = self.make_site()
        url = f"/v1/sites/{site['id']}"
        credential = self.make_credential(site["id"])
        self.refused("site.in_use", 409, "DELETE", url)
        self.call("DELETE", f"/v1/credentials/{credential['id']}", expect=204)
        answer = self.call("DELETE", url, expect=204)
        self.assertEqual("", answer.text)
        self.refused("site.not_found", 404, "GET", url)

    def test_probe(self) -> None:
        url = f"/v1/sites/{self.make_site()['id']}"
        for error in SITE_ERRORS:
            self.conductor.errors["probe_site"] = [error]
            site = self.call("POST", f"{url}/probe", expect=200).body["site"]
            self.assertEqual(
                ("failing", error.code, str(error)),
                (site["health"], site["health_code"], site["health_detail"]),
            )
        site = self.call("POST", f"{url}/probe", {}, expect=200).body["site"]
        self.assertEqual(("ok", None), (site["health"], site["health_code"]))
        self.conductor.errors["probe_site"] = [exception.ConductorUnavailable(timeout=1)]
        self.refused("conductor.unavailable", 503, "POST", f"{url}/probe")
        self.conductor.errors["probe_site"] = [exception.GlintError()]
        self.refused("glint.internal", 500, "POST", f"{url}/probe")

    def test_walls(self) -> None:
        """Another project's site is not there, whatever one does to it."""
        url = f"/v1/sites/{self.make_site()['id']}"
        for method, path, body in (
            ("GET", url, None),
            ("PATCH", url, {"name": "mine"}),
            ("PATCH", url, {"connection": CONNECTION}),
            ("DELETE", url, None),
            ("POST", f"{url}/probe", None),
        ):
            self.refused("site.not_found", 404, method, path, body, who="carol")
        self.assertEqual([], self.call("GET", "/v1/sites", who="carol").body["sites"])
        every = self.call("GET", "/v1/sites?all_projects=true", who="root").body["sites"]
        self.assertEqual(1, len(every))


class SiteTypesTest(ApiTestCase):
    def test_list_and_show(self) -> None:
        (kind,) = self.call("GET", "/v1/site-types", expect=200).body["site_types"]
        self.assertEqual("openstack", kind["name"])
        self.assertIn("auth_url", kind["connection_schema"]["properties"])
        self.assertIn("password", kind["auth_schemas"])
        one = self.call("GET", "/v1/site-types/openstack", expect=200).body["site_type"]
        self.assertEqual(kind, one)


class PrivateTest(ApiTestCase):
    """Sites that are one user's."""

    def make(self, name: str = "MINE", **more: Any) -> dict[str, Any]:
        return self.make_site(name, private=True, **more)

    def test_only_its_user_sees_it(self) -> None:
        site = self.make()
        self.assertEqual(
            ("alice-id", "red", True, False),
            (site["user_id"], site["project_id"], site["private"], site["shared"]),
        )
        path = f"/v1/sites/{site['id']}"
        self.call("GET", path, expect=200)
        for who in ("bob", "rita", "carol", "root"):
            self.refused("site.not_found", 404, "GET", path, who=who)
            self.assertEqual([], self.call("GET", "/v1/sites", who=who).body["sites"])
            self.assertNotIn("MINE", self.call("GET", "/v1/events", who=who).text)
        self.assertIn("MINE", self.call("GET", "/v1/events").text)
        every = self.call("GET", "/v1/sites?all_projects=true", who="root").body["sites"]
        self.assertEqual([site["id"]], [one["id"] for one in every])

    def test_names_are_taken_by_their_owners(self) -> None:
        mine = self.make("DAIR")
        self.make("DAIR", who="bob")
        ours = self.make_site("DAIR")
        self.refused("site.name_in_use", 409, "POST", "/v1/sites", {
            "name": "DAIR", "type": "openstack", "connection": CONNECTION, "private": True,
        })  # fmt: skip
        path = f"/v1/sites/{mine['id']}"
        self.refused("site.name_in_use", 409, "PATCH", path, {"private": False})
        self.assertTrue(self.call("GET", path).body["site"]["private"])
        body = {"private": False, "name": "OTHER"}
        self.assertFalse(self.call("PATCH", path, body, expect=200).body["site"]["private"])
        self.call("GET", path, who="bob", expect=200)
        found = self.call("GET", "/v1/sites?private=true").body["sites"]
        self.assertEqual([], found)
        found = self.call("GET", "/v1/sites?private=false&sort=name").body["sites"]
        self.assertEqual([ours["id"], mine["id"]], [one["id"] for one in found])

    def test_its_credentials_are_its_users_too(self) -> None:
        site = self.make()
        body = {"site_id": site["id"], "auth": AUTH}
        self.refused("site.private", 409, "POST", "/v1/credentials", {**body, "shared": True})
        made = self.make_credential(site["id"])
        url = f"/v1/credentials/{made['id']}"
        self.refused("site.private", 409, "PATCH", url, {"shared": True})
        self.refused("site.not_found", 404, "POST", "/v1/credentials", body, who="bob")

    def test_what_others_use_cannot_be_taken_from_them(self) -> None:
        site = self.make_site()
        path = f"/v1/sites/{site['id']}"
        theirs = self.make_credential(site["id"], who="bob")
        self.refused("site.in_use", 409, "PATCH", path, {"private": True})
        self.call("DELETE", f"/v1/credentials/{theirs['id']}", who="bob", expect=204)
        self.make_credential(site["id"])
        self.assertTrue(
            self.call("PATCH", path, {"private": True}, expect=200).body["site"]["private"]
        )

    def test_what_is_everybodys_is_nobodys(self) -> None:
        body = {"name": "X", "type": "openstack", "connection": CONNECTION, "shared": True}
        both = {**body, "private": True}
        self.refused("request.invalid", 400, "POST", "/v1/sites", both, who="root")
        site = self.call("POST", "/v1/sites", body, who="root", expect=201).body["site"]
        path = f"/v1/sites/{site['id']}"
        self.refused("request.invalid", 400, "PATCH", path, {"private": True}, who="root")
        changed = self.call("PATCH", path, {"private": False}, who="root", expect=200)
        self.assertEqual(
            (True, None), (changed.body["site"]["shared"], changed.body["site"]["user_id"])
        )

    def test_a_new_connection_keeps_the_owner(self) -> None:
        site = self.make()
        body = {"connection": {**CONNECTION, "region": "R"}}
        changed = self.call("PATCH", f"/v1/sites/{site['id']}", body, expect=200).body["site"]
        self.assertEqual(("alice-id", "MINE"), (changed["user_id"], changed["name"]))
