"""Application credentials for Glint, at a real Keystone and a real Glance."""

from __future__ import annotations

import uuid
from typing import Any

import testtools
from keystoneauth1 import exceptions as ks_exc
from keystoneauth1 import session as ks_session
from keystoneauth1.identity import v3

from glint.credentials import errors, home
from tests.minicloud import fixture

NO_RULES = {"alto-glance": {"keystone_authtoken": {"service_type": ""}}}


class HomeCase(testtools.TestCase):
    overrides: dict[str, dict[str, dict[str, Any]]] | None = None

    def setUp(self) -> None:
        super().setUp()
        minicloud = self.useFixture(fixture.SharedMiniCloud(self.overrides)).minicloud
        self.alto = minicloud.cloud("alto")
        self.home = home.HomeCloud(self.alto.auth_url, timeout=30, region=self.alto.region)
        self.login("hep-member")

    def login(self, persona: str) -> None:
        self.session = self.alto.session(persona)
        self.token = str(self.session.get_token())
        self.user_id = str(self.session.get_user_id())
        self.project_id = str(self.session.get_project_id())

    def make(self, **changes: Any) -> dict[str, Any]:
        arguments = {
            "user_id": self.user_id,
            "project_id": self.project_id,
            "name": f"glint-{uuid.uuid4()}",
            **changes,
        }
        made = self.home.create_application_credential(self.token, **arguments)
        self.addCleanup(self.remove, self.token, self.user_id, made)
        return made

    def remove(self, token: str, user_id: str, made: dict[str, Any]) -> None:
        ident = made["application_credential_id"]
        self.home.delete_application_credential(token, user_id, ident)

    def listed(self) -> dict[str, dict[str, Any]]:
        url = f"{self.alto.auth_url}/users/{self.user_id}/application_credentials"
        found = self.session.get(url).json()["application_credentials"]
        return {one["id"]: one for one in found}

    def use(self, made: dict[str, Any]) -> ks_session.Session:
        auth = v3.ApplicationCredential(self.alto.auth_url, **made)
        return ks_session.Session(auth=auth, timeout=30)

    def images(self, path: str = "") -> str:
        return f"{self.alto.image_url}/v2/images{path}"


class TestHome(HomeCase):
    def test_reaches_images_and_nothing_else(self) -> None:
        made = self.make()
        self.assertEqual({"application_credential_id", "application_credential_secret"}, set(made))
        session = self.use(made)
        image = session.post(
            self.images(),
            json={"name": "by-glint", "disk_format": "raw", "container_format": "bare"},
        ).json()
        self.assertEqual(self.project_id, image["owner"])
        session.get(self.images())
        session.patch(
            self.images(f"/{image['id']}"),
            json=[{"op": "add", "path": "/note", "value": "x"}],
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )
        session.put(
            self.images(f"/{image['id']}/file"),
            data=b"bytes",
            headers={"Content-Type": "application/octet-stream"},
        )
        session.delete(self.images(f"/{image['id']}"))

    def test_what_keystone_keeps(self) -> None:
        made = self.make(name="glint for hep")
        kept = self.listed()[made["application_credential_id"]]
        self.assertEqual("glint for hep", kept["name"])
        self.assertIs(False, kept["unrestricted"])
        self.assertEqual(self.project_id, kept["project_id"])
        self.assertIn("Glint", kept["description"])
        self.assertEqual({"image"}, {rule["service"] for rule in kept["access_rules"]})
        self.assertEqual({"/v2/**"}, {rule["path"] for rule in kept["access_rules"]})
        self.assertEqual(set(home.METHODS), {rule["method"] for rule in kept["access_rules"]})

    def test_without_rules(self) -> None:
        made = self.make(access_rules=False)
        self.assertNotIn("access_rules", self.listed()[made["application_credential_id"]])
        self.use(made).get(self.images())

    def test_an_administrator_lends_no_administrators_rights(self) -> None:
        self.login("hep-admin")
        made = self.make()
        roles = {role["name"] for role in self.listed()[made["application_credential_id"]]["roles"]}
        self.assertNotIn("admin", roles)
        self.assertIn("member", roles)
        self.use(made).get(self.images())

    def test_removed_and_removed_again(self) -> None:
        made = self.make()
        self.remove(self.token, self.user_id, made)
        self.assertNotIn(made["application_credential_id"], self.listed())
        self.remove(self.token, self.user_id, made)
        self.assertRaises(ks_exc.HttpError, self.use(made).get_token)

    def test_somebody_else_cannot_remove_it(self) -> None:
        made = self.make()
        other = str(self.alto.session("bio-member").get_token())
        error = self.assertRaises(
            errors.HomeTokenUnsuitable, self.remove, other, self.user_id, made
        )
        self.assertIn("not authorized", str(error))
        self.assertIn(made["application_credential_id"], self.listed())

    def test_token_made_from_an_application_credential(self) -> None:
        made = self.make(access_rules=False)
        self.token = str(self.use(made).get_token())
        error = self.assertRaises(errors.HomeTokenUnsuitable, self.make)
        self.assertIn("made from an application credential", str(error))
        self.assertEqual("credential.home_token_unsuitable", error.code)
        self.assertNotIn(self.token, str(error))

    def test_token_limited_to_images(self) -> None:
        """Its access rules hide it from whoever does not say that he knows of them."""
        self.token = str(self.use(self.make()).get_token())
        error = self.assertRaises(errors.HomeTokenUnsuitable, self.make)
        self.assertIn("made from an application credential", str(error))

    def test_token_for_another_project_or_user(self) -> None:
        error = self.assertRaises(errors.HomeTokenUnsuitable, self.make, project_id="f" * 32)
        self.assertIn("not for project ffff", str(error))
        error = self.assertRaises(errors.HomeTokenUnsuitable, self.make, user_id="f" * 32)
        self.assertIn("another user", str(error))

    def test_no_token_of_this_cloud(self) -> None:
        for token in ("nonsense", ""):
            self.token = token
            error = self.assertRaises(errors.HomeTokenUnsuitable, self.make)
            self.assertIn("Log in again", str(error))

    def test_name_taken(self) -> None:
        self.make(name="glint twice")
        error = self.assertRaises(errors.HomeRefused, self.make, name="glint twice")
        self.assertIn("Duplicate", str(error))
        self.assertEqual(409, error.status)


class TestGlanceWithoutServiceType(HomeCase):
    """A Glance that was not told its own service type refuses every token with access rules."""

    overrides = NO_RULES

    def test_made_without_rules_instead(self) -> None:
        made = self.make()
        self.use(made).get(self.images())
        listed = self.listed()
        self.assertEqual([made["application_credential_id"]], list(listed))
        self.assertNotIn("access_rules", listed[made["application_credential_id"]])
