"""Two projects and several users on one Glint: what each may see and touch, route by route."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from keystoneauth1 import identity
from keystoneauth1 import session as ks_session

from glint.client import Resource
from tests.contract import contract
from tests.functional.base import (
    ClassGlintTestCase,
    Glance,
    NewMember,
    User,
    change,
    password_of,
)
from tests.functional.service import Http

COLLECTIONS = (
    "sites",
    "credentials",
    "images",
    "operations",
    "deployments",
    "transfers",
    "events",
)

#: What belongs to no project, and what makes a new thing of the caller's own.
HARMLESS = {
    ("GET", "/"),
    ("GET", "/v1"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/site-types"),
    ("GET", "/v1/site-types/{name}"),
    ("POST", "/v1/sites"),
    ("GET", "/v1/conductors"),
}


class WallsTestCase(ClassGlintTestCase):
    """hep-member has one of everything; nobody changes it.

    :cvar own: a credential of hep-member alone
    :cvar shared: a credential of the project
    """

    member: User
    own: Resource
    shared: Resource
    image: Resource
    secret_image: Resource
    operation: Resource
    ids: dict[str, str]

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        cls.member = User(cls.glint, "hep-member")
        cls.shared = cls.member.home(cls.alto, shared=True)
        cls.own = cls.member.column("DAIR", cls.dair)
        glance = Glance(cls.alto.session("hep-member"), cls.alto.image_url)
        cls.image = cls.member.register(cls.shared, glance.add(b"of hep", "of hep"))
        cls.operation = cls.member.save(change(cls.image, cls.own))
        assert cls.operation["state"] == "done", cls.operation
        (done,) = cls.operation["changes"]
        cls.ids = {
            "sites": cls.own["site_id"],
            "credentials": cls.own["id"],
            "images": cls.image["id"],
            "operations": cls.operation["id"],
            "deployments": done["deployment_id"],
            "transfers": done["transfer_id"],
        }

    def setUp(self) -> None:
        super().setUp()
        before = self.member.everything()
        self.addCleanup(lambda: self.assertEqual(before, self.member.everything()))

    def writes(self) -> list[tuple[str, str, dict[str, Any] | None]]:
        """Every request that would change something of hep-member's: method, path, body."""
        site, credential = self.ids["sites"], self.ids["credentials"]
        auth = password_of(self.dair, "bio-member")
        return [
            ("PATCH", f"/v1/sites/{site}", {"name": "taken over"}),
            ("PATCH", f"/v1/sites/{site}", {"enabled": False}),
            ("DELETE", f"/v1/sites/{site}", None),
            ("POST", f"/v1/sites/{site}/probe", None),
            ("POST", "/v1/credentials", {"site_id": site, "auth": auth}),
            ("PATCH", f"/v1/credentials/{credential}", {"shared": True}),
            ("PATCH", f"/v1/credentials/{credential}", {"auth": auth}),
            ("DELETE", f"/v1/credentials/{credential}", None),
            ("DELETE", f"/v1/credentials/{credential}?force=true", None),
            ("POST", f"/v1/credentials/{credential}/verify", None),
            ("POST", f"/v1/credentials/{credential}/scan", None),
            ("POST", "/v1/images", {"credential_id": credential, "remote_id": str(uuid.uuid4())}),
            ("PATCH", f"/v1/images/{self.ids['images']}", {"name": "taken over"}),
            ("DELETE", f"/v1/images/{self.ids['images']}", None),
            ("POST", "/v1/operations", {"changes": [change(self.image, self.own, False)]}),
            ("PUT", f"/v1/images/{self.ids['images']}/file", None),
            *(
                ("POST", f"/v1/{name}/{self.ids[name]}/{verb}", None)
                for name in ("operations", "deployments", "transfers")
                for verb in ("cancel", "retry")
            ),
        ]

    def reads(self) -> list[str]:
        """Every path that shows something of hep-member's, by its id."""
        return [
            *(f"/v1/{name}/{ident}" for name, ident in self.ids.items()),
            f"/v1/credentials/{self.ids['credentials']}/inventory",
            f"/v1/images/{self.ids['images']}/file",
        ]

    def assert_hidden(self, http: Http, names: tuple[str, ...] = ()) -> None:
        """Check that single things of hep-member cannot be read."""
        for name in names or tuple(self.ids):
            answer = http.get(f"/v1/{name}/{self.ids[name]}")
            self.assert_refused(answer, 404, f"{name.removesuffix('s')}.not_found")
        inventory = http.get(f"/v1/credentials/{self.ids['credentials']}/inventory")
        self.assert_refused(inventory, 404, "credential.not_found")


class OtherProjectTest(WallsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.http = self.glint.http("bio-member")

    def test_every_route_is_walked(self) -> None:
        """A new route has to be added to ``reads``, ``writes`` or ``COLLECTIONS``."""
        judge = contract()
        walked = {(method, judge.find(method, path)[0]) for method, path, _ in self.writes()}
        walked |= {("GET", judge.find("GET", path)[0]) for path in self.reads()}
        walked |= {("GET", f"/v1/{name}") for name in (*COLLECTIONS, "matrix", "quotas")}
        for path, entry in judge.spec["paths"].items():
            for verb in set(entry) - {"parameters"}:
                if (verb.upper(), path) not in HARMLESS:
                    self.assertIn((verb.upper(), path), walked)

    def test_only_administrators_see_the_conductors(self) -> None:
        self.assert_refused(self.http.get("/v1/conductors"), 403, "request.forbidden")
        (one,) = self.glint.http("admin").get("/v1/conductors").json()["conductors"]
        self.assertTrue(one["alive"])

    def test_quotas_count_only_what_is_ones_own(self) -> None:
        for who, at_least in (("hep-member", 2), ("bio-member", 0)):
            http = self.glint.http(who)
            used = http.get("/v1/quotas").json()["quotas"]["credentials"]["used"]
            listed = http.get("/v1/credentials").json()["credentials"]
            self.assertGreaterEqual(used, max(at_least, len(listed)), who)
            if who == "bio-member":
                self.assertEqual(len(listed), used)

    def test_nothing_is_shown_by_its_id(self) -> None:
        for path in self.reads():
            answer = self.http.get(path)
            self.assertEqual(404, answer.status_code, f"{path}: {answer.text}")
            self.assertRegex(answer.json()["errors"][0]["code"], r"^\w+\.not_found$")

    def test_lists_are_empty(self) -> None:
        for name in COLLECTIONS:
            self.assertEqual([], self.http.get(f"/v1/{name}").json()[name], name)
            self.assertNotEqual([], self.member.http.get(f"/v1/{name}").json()[name], name)
        matrix = self.http.get("/v1/matrix").json()
        self.assertEqual(([], []), (matrix["credentials"], matrix["images"]))

    def test_filters_open_no_door(self) -> None:
        filters = {
            "credentials": ("site_id",),
            "deployments": ("image_id", "credential_id"),
            "transfers": ("operation_id", "deployment_id", "image_id"),
            "events": ("image_id", "site_id", "operation_id"),
        }
        for name, keys in filters.items():
            for key in keys:
                path = f"/v1/{name}?{key}={self.ids[key.removesuffix('_id') + 's']}"
                self.assertEqual([], self.http.get(path).json()[name], path)
        self.assertEqual([], self.http.get("/v1/matrix?name=of hep").json()["images"])
        self.assertEqual([], self.http.get("/v1/images?name=of hep").json()["images"])

    def test_a_marker_of_the_others_opens_no_door(self) -> None:
        for name in self.ids:
            answer = self.http.get(f"/v1/{name}?marker={self.ids[name]}&limit=10")
            self.assertIn(answer.status_code, (200, 400, 404), answer.text)
            if answer.status_code == 200:
                self.assertEqual([], answer.json()[name])

    def test_single_things_are_not_found(self) -> None:
        self.assert_hidden(self.http)

    def test_nothing_can_be_changed(self) -> None:
        for method, path, body in self.writes():
            answer = self.http(method, path, json=body)
            self.assertEqual(404, answer.status_code, f"{method} {path}: {answer.text}")
            self.assertRegex(answer.json()["errors"][0]["code"], r"^\w+\.not_found$")

    def test_a_hidden_thing_looks_like_none(self) -> None:
        """Whether something exists in another project cannot be told from the answer."""
        for name, ident in self.ids.items():
            answers = []
            for one in (ident, str(uuid.uuid4())):
                error = self.http.get(f"/v1/{name}/{one}").json()["errors"][0]
                answers.append((error["code"], error["title"], error["detail"].replace(one, "")))
            self.assertEqual(answers[0], answers[1])

    def test_one_foreign_cell_spoils_the_whole_save(self) -> None:
        user = User(self.glint, "bio-member")
        mine = user.column("MINE", self.dair, "bio-member")
        glance = Glance(self.dair.session("bio-member"), self.dair.image_url)
        image = user.register(mine, glance.add(b"of bio", "of bio"))
        self.addCleanup(user.client.sites.delete, mine["site_id"])
        self.addCleanup(user.client.images.delete, image["id"])
        self.addCleanup(user.client.credentials.delete, mine["id"], force=True)
        for foreign, code in (
            (change(image, self.own), "credential.not_found"),
            (change(self.image, mine), "image.not_found"),
        ):
            changes = [
                change(image, mine, False, allow_foreign=True, allow_last_copy=True),
                foreign,
            ]
            answer = self.http.post("/v1/operations", {"changes": changes})
            self.assert_refused(answer, 404, code)
        self.assertEqual([], list(user.client.operations.list()))
        self.assertEqual("active", user.cell(image, mine)["status"])

    def test_all_projects_are_for_administrators(self) -> None:
        for name in COLLECTIONS:
            path = f"/v1/{name}?all_projects=true"
            self.assert_refused(self.http.get(path), 403, "request.forbidden")
            seen = self.glint.http("admin").get(path).json()[name]
            if name in self.ids:
                self.assertIn(self.ids[name], [one["id"] for one in seen], name)

    def test_the_same_names_in_both_projects(self) -> None:
        user = User(self.glint, "bio-member")
        site = user.site("DAIR", self.dair.auth_url)
        self.addCleanup(user.client.sites.delete, site["id"])
        self.assertNotEqual(self.ids["sites"], site["id"])
        self.assertEqual(["DAIR"], [one["name"] for one in user.client.sites.list()])

    def test_a_site_for_all_is_the_administrators(self) -> None:
        body = {
            "name": "EVERYBODY",
            "type": "openstack",
            "connection": {"auth_url": self.dair.auth_url},
            "shared": True,
        }
        self.assert_refused(self.http.post("/v1/sites", body), 403, "request.forbidden")
        made = self.glint.http("admin").post("/v1/sites", body)
        self.assertEqual(201, made.status_code, made.text)
        path = f"/v1/sites/{made.json()['site']['id']}"
        self.addCleanup(self.glint.http("admin").delete, path)
        self.assertTrue(self.http.get(path).json()["site"]["shared"])
        self.assertIsNone(self.http.get(path).json()["site"]["project_id"])
        for method, patch in (("PATCH", {"enabled": False}), ("DELETE", None)):
            answer = self.http(method, path, json=patch)
            self.assert_refused(answer, 403, "request.forbidden")
        self.assertTrue(self.http.get(path).json()["site"]["enabled"])


class ColleagueTest(WallsTestCase):
    """Somebody else with the role member in hep."""

    colleague: ks_session.Session

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        colleague = NewMember(cls.alto)
        cls.addClassCleanup(colleague.delete)
        cls.colleague = colleague.session

    def setUp(self) -> None:
        super().setUp()
        self.http = self.glint.http(self.colleague)

    def test_sees_what_is_shared_and_no_more(self) -> None:
        for name in ("credentials", "matrix"):
            listed = self.http.get(f"/v1/{name}").json()["credentials"]
            self.assertEqual([self.shared["id"]], [one["id"] for one in listed], name)
        (row,) = self.http.get("/v1/matrix").json()["images"]
        self.assertEqual([self.shared["id"]], list(row["cells"]))
        self.assertEqual(200, self.http.get(f"/v1/credentials/{self.shared['id']}").status_code)
        self.assert_hidden(self.http, ("credentials", "deployments", "transfers"))
        for name in ("deployments", "transfers"):
            listed = self.http.get(f"/v1/{name}").json()[name]
            self.assertNotIn(self.ids[name], [one["id"] for one in listed])

    def test_cannot_use_what_is_not_shared(self) -> None:
        for method, path, body in self.writes():
            if self.own["id"] in path + str(body):
                answer = self.http(method, path, json=body)
                self.assert_refused(answer, 404, "credential.not_found")

    def test_no_name_reveals_it(self) -> None:
        """Not even that there is one: the colleague's own is made, not found."""
        auth = password_of(self.dair, "hep-member")
        body = {"site_id": self.own["site_id"], "auth": auth}
        made = self.http.post("/v1/credentials", body)
        self.assertEqual(201, made.status_code, made.text)
        theirs = made.json()["credential"]
        self.addCleanup(self.http.delete, f"/v1/credentials/{theirs['id']}?force=true")
        self.assertNotEqual(self.own["id"], theirs["id"])
        self.assertEqual(self.colleague.get_user_id(), theirs["user_id"])


class ReaderTest(WallsTestCase):
    def test_reads_and_does_not_write(self) -> None:
        reader = self.glint.http("hep-reader")
        for name in ("sites", "credentials", "images", "operations"):
            self.assertNotEqual([], reader.get(f"/v1/{name}").json()[name], name)
        self.assertEqual(1, len(reader.get("/v1/matrix").json()["images"]))
        body = {
            "name": "X",
            "type": "openstack",
            "connection": {"auth_url": self.dair.auth_url},
        }
        for method, path, patch in [("POST", "/v1/sites", body), *self.writes()]:
            answer = reader(method, path, json=patch)
            self.assert_refused(answer, 403, "request.forbidden")


class TokenTest(WallsTestCase):
    def all_routes(self) -> list[tuple[str, str, dict[str, Any] | None]]:
        reads = [f"/v1/{name}" for name in (*COLLECTIONS, "matrix", "quotas", "site-types")]
        reads.append("/v1/conductors")
        reads += [f"/v1/{name}/{ident}" for name, ident in self.ids.items()]
        reads += ["/v1", "/v1/site-types/openstack"]
        reads.append(f"/v1/credentials/{self.ids['credentials']}/inventory")
        return [("GET", path, None) for path in reads] + self.writes()

    def test_no_token(self) -> None:
        nobody = self.glint.http(None)
        for method, path, body in self.all_routes():
            answer = nobody(method, path, json=body)
            self.assert_refused(answer, 401, "request.unauthenticated")
            self.assertIn(self.alto.auth_url, answer.headers["WWW-Authenticate"])

    def test_no_good_token(self) -> None:
        nobody = self.glint.http(None)
        theirs = self.dair.session("hep-member").get_token()
        for token in ("nonsense", secrets.token_urlsafe(200), str(theirs)):
            for method, path, body in self.all_routes()[::5]:
                answer = nobody(method, path, json=body, headers={"X-Auth-Token": token})
                self.assert_refused(answer, 401, "request.unauthenticated")

    def test_a_revoked_token(self) -> None:
        session = self.alto.session("hep-member")
        token = str(session.get_token())
        nobody = self.glint.http(None)
        headers = {"X-Auth-Token": token}
        url = f"{self.alto.auth_url}/auth/tokens"
        self.alto.session("hep-member").delete(url, headers={"X-Subject-Token": token})
        self.assert_refused(
            nobody.get("/v1/sites", headers=headers), 401, "request.unauthenticated"
        )

    def test_a_token_without_a_project(self) -> None:
        one = self.alto.credentials("hep-member")
        auth = identity.V3Password(
            auth_url=one.auth_url,
            username=one.username,
            password=one.password,
            user_domain_id=one.user_domain_id,
            unscoped=True,
        )
        unscoped = ks_session.Session(auth, timeout=30)
        http = self.glint.http(unscoped)
        for method, path, body in self.all_routes():
            answer = http(method, path, json=body)
            self.assertIn(answer.status_code, (401, 403), f"{method} {path}: {answer.text}")

    def test_open_to_everybody(self) -> None:
        nobody = self.glint.http(None)
        self.assertEqual(200, nobody.get("/healthcheck").status_code)
        (version,) = nobody.get("/").json()["versions"]
        self.assertEqual(("v1.0", "CURRENT"), (version["id"], version["status"]))
