"""Sites that one user of a project keeps for himself."""

from __future__ import annotations

from tests.functional.base import ClassGlintTestCase, NewMember, User, password_of


class PrivateSiteTest(ClassGlintTestCase):
    def test_it_is_one_persons(self) -> None:
        """Nobody else sees it, not even in events; nor can anybody use it, or take it."""
        member = User(self.glint, "hep-member")
        newcomer = NewMember(self.alto)
        self.addCleanup(newcomer.delete)
        colleague = self.glint.http(newcomer.session)
        body = {
            "name": "ALONE",
            "type": "openstack",
            "connection": {"auth_url": self.dair.auth_url},
            "private": True,
        }
        made = member.http.post("/v1/sites", body)
        self.assertEqual(201, made.status_code, made.text)
        site = made.json()["site"]
        path = f"/v1/sites/{site['id']}"
        self.assertEqual(member.session.get_user_id(), site["user_id"])
        self.assertIn("ALONE", member.http.get("/v1/events").text)
        login = {"site_id": site["id"], "auth": password_of(self.dair, "hep-member")}
        personas = ("hep-reader", "bio-member", "admin")
        for http in (colleague, *(self.glint.http(persona) for persona in personas)):
            self.assertNotIn("ALONE", http.get("/v1/sites").text)
            self.assertNotIn("ALONE", http.get("/v1/events").text)
            self.assert_refused(http.get(path), 404, "site.not_found")
        for method, url, sent in (
            ("PATCH", path, {"private": False}),
            ("DELETE", path, None),
            ("POST", f"{path}/probe", None),
            ("POST", "/v1/credentials", login),
        ):
            self.assert_refused(colleague(method, url, json=sent), 404, "site.not_found")
        refused = member.http.post("/v1/credentials", {**login, "shared": True})
        self.assert_refused(refused, 409, "site.private")
        own = member.http.post("/v1/credentials", login)
        self.assertEqual(201, own.status_code, own.text)
        for name in ("credentials", "matrix"):
            self.assertEqual([], colleague.get(f"/v1/{name}").json()["credentials"])
        given = member.http.patch(path, {"private": False})
        self.assertEqual(200, given.status_code, given.text)
        self.assertEqual(200, colleague.get(path).status_code)
