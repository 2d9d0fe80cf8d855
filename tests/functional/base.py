"""What the tests of the whole path have in common: two clouds, Glint, and a user who works."""

from __future__ import annotations

import pathlib
import secrets
import tempfile
import uuid
from collections.abc import Iterable
from typing import Any

import fixtures
import requests
import testtools
from keystoneauth1 import identity
from keystoneauth1 import session as ks_session
from testtools import content, content_type

from glint.client import Resource
from tests.functional.combinations import Combination, Kept
from tests.functional.processes import eventually
from tests.functional.service import GlintService, Settings
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.fixture import CloudHandle, MiniCloud, SharedMiniCloud
from tests.minicloud.testcase import Images, MiniCloudTestCase

MIB = 1 << 20
LONG = 24 * MIB
"""Bytes of an image that cannot hide in the buffers of sockets when a proxy takes it slowly."""
WAIT = 120
"""Seconds that a copy of some MiB may take, retries included, on a busy machine."""
LOG_TAIL = 20_000
"""Characters of Glint's log that a failure shows."""
PASSING = frozenset({"facts", "health", "health_at", "scanned_at", "updated_at", "verified_at"})
"""What a scan changes in a site or a credential."""


class Glance(Images):
    """The image API of one cloud as one user: nothing that Glint says is believed."""

    def records(self) -> list[dict[str, Any]]:
        """All images of the user's project, whatever their state, hidden ones too."""
        found = []
        for hidden in ("false", "true"):
            query = {"os_hidden": hidden, "owner": self.session.get_project_id(), "limit": 1000}
            found += self.session.get(self.base, params=query).json()["images"]
        return found

    def one(self, name: str) -> dict[str, Any]:
        """The only image of that name.

        :raises AssertionError: there are more, or there is none
        """
        found = [record for record in self.records() if record["name"] == name]
        if len(found) != 1:
            shown = [(record["id"], record["status"]) for record in found]
            raise AssertionError(f"expected one image named {name!r}, found {shown}")
        return found[0]

    def purge(self, keep: set[str]) -> None:
        """Remove all but ``keep``."""
        for record in self.records():
            if record["id"] not in keep:
                self.delete(record["id"])


def password_of(cloud: CloudHandle, persona: str) -> dict[str, Any]:
    """The ``auth`` of a credential: a persona's name and password."""
    one = cloud.credentials(persona)
    return {
        "auth_type": "password",
        "username": one.username,
        "password": one.password,
        "project_name": one.project_name,
        "user_domain_id": one.user_domain_id,
        "project_domain_id": one.project_domain_id,
    }


def application_credential_of(cloud: CloudHandle, persona: str, name: str) -> dict[str, Any]:
    """The ``auth`` of a credential: a new application credential of a persona."""
    session = cloud.session(persona)
    url = f"{cloud.auth_url}/users/{session.get_user_id()}/application_credentials"
    made = session.post(url, json={"application_credential": {"name": name}}).json()
    return {
        "auth_type": "v3applicationcredential",
        "application_credential_id": made["application_credential"]["id"],
        "application_credential_secret": made["application_credential"]["secret"],
    }


class NewMember:
    """A new user with the role member in hep, besides the personas.

    :ivar auth: as ``password_of``
    """

    def __init__(self, cloud: CloudHandle) -> None:
        self._admin = cloud.session("admin")
        self.auth = {
            "auth_type": "password",
            "username": f"new-{uuid.uuid4()}",
            "password": secrets.token_urlsafe(18),
            "project_name": "hep",
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        body = {
            "user": {
                "name": self.auth["username"],
                "password": self.auth["password"],
                "domain_id": "default",
            }
        }
        made = self._admin.post(f"{cloud.auth_url}/users", json=body).json()
        self._url = f"{cloud.auth_url}/users/{made['user']['id']}"
        roles = self._admin.get(f"{cloud.auth_url}/roles", params={"name": "member"}).json()
        project = cloud.session("hep-member").get_project_id()
        where = f"{cloud.auth_url}/projects/{project}/users/{made['user']['id']}"
        self._admin.put(f"{where}/roles/{roles['roles'][0]['id']}")
        parameters: dict[str, Any] = dict(self.auth)
        del parameters["auth_type"]
        auth = identity.V3Password(cloud.auth_url, **parameters)
        self.session = ks_session.Session(auth, timeout=30)

    def delete(self) -> None:
        self._admin.delete(self._url)


def change(image: Resource, credential: Resource, wanted: bool = True, **more: Any) -> Resource:
    """One change of a Save."""
    return {"image_id": image["id"], "credential_id": credential["id"], "wanted": wanted, **more}


class User:
    """One user of Glint, with the steps that most tests begin with.

    :param who: persona or session of the home cloud
    """

    def __init__(self, glint: GlintService, who: str | ks_session.Session) -> None:
        self.session = glint.session(who)
        self.client = glint.client(self.session)
        self.http = glint.http(self.session)

    def site(self, name: str, auth_url: str, **options: Any) -> Resource:
        connection = {"auth_url": auth_url} | options.pop("connection", {})
        return self.client.sites.create(name, "openstack", connection, **options)

    def home(self, cloud: CloudHandle, name: str = "ALTO", **options: Any) -> Resource:
        """The home cloud as a site, and the credential that Glint makes for itself there."""
        site = self.site(name, cloud.auth_url)
        return self.client.credentials.create(site["id"], {"auth_type": "home"}, **options)

    def column(
        self, name: str, cloud: CloudHandle, persona: str = "hep-member", **options: Any
    ) -> Resource:
        """A cloud as a site, and a persona's password there as a credential."""
        site = self.site(name, cloud.auth_url)
        auth = password_of(cloud, persona)
        return self.client.credentials.create(site["id"], auth, **options)

    def register(self, credential: Resource, remote_id: str) -> Resource:
        return self.client.images.create(credential["id"], remote_id)

    def save(self, *changes: Resource) -> Resource:
        """Save, and wait until the operation is finished, well or badly."""
        return self.wait(self.client.operations.create(changes))

    def wait(self, operation: Resource, timeout: float = WAIT) -> Resource:
        return self.client.wait_for(operation["id"], timeout=timeout)

    def cell(self, image: Resource, credential: Resource) -> Resource:
        """A cell of the matrix."""
        row = next(row for row in self.client.matrix().images if row["id"] == image["id"])
        cell: Resource = row["cells"][credential["id"]]
        return cell

    def scan(self, credential: Resource) -> Resource:
        """Look through a credential's images now; return when that is done."""
        before = self.client.credentials.get(credential["id"])["scanned_at"]
        self.client.credentials.scan(credential["id"])

        def scanned() -> Resource | None:
            now = self.client.credentials.get(credential["id"])
            return now if now["scanned_at"] != before else None

        return eventually(scanned, f"a scan of {credential['name']}") or {}

    def transfers(self, **filters: Any) -> list[Resource]:
        return list(self.client.transfers.list(**filters))

    def everything(self) -> dict[str, Any]:
        """All that the user sees, but not the history: to compare before and after.

        Without what a scan in the background may change.
        """
        found: dict[str, Any] = {}
        for name in ("sites", "credentials", "images", "operations", "deployments", "transfers"):
            things = self.http.get(f"/v1/{name}").json()[name]
            for one in things:
                known = {key: value for key, value in one.items() if key not in PASSING}
                found.setdefault(name, {})[one["id"]] = known
        return found


class GlintAsserts(testtools.TestCase):
    """How answers and images are judged."""

    def assert_refused(self, answer: requests.Response, status: int, code: str) -> dict[str, Any]:
        """Check an error answer whole; return the error object."""
        self.assertEqual(status, answer.status_code, answer.text)
        (error,) = answer.json()["errors"]
        self.assertEqual((code, status), (error["code"], error["status"]), str(error))
        self.assertTrue(error["title"], error)
        self.assertRegex(error["detail"], r"(?s)^\S+ .+ .+[.!?)]$")
        self.assertEqual(answer.headers["X-OpenStack-Request-ID"], error["request_id"])
        self.assertTrue(error["request_id"].startswith("req-"), error)
        return dict(error)

    def assert_done(self, operation: Resource) -> Resource:
        self.assertEqual("done", operation["state"], str(operation))
        return operation

    def assert_failed(self, operation: Resource, *codes: str) -> Resource:
        """Check that an operation with one change failed for one of the reasons; return it."""
        self.assertEqual("failed", operation["state"], str(operation))
        (one,) = operation["changes"]
        self.assertEqual("failed", one["state"], str(operation))
        self.assertIn(one["error_code"], codes, str(operation))
        self.assertTrue(one["error_detail"], operation)
        return dict(one)

    def assert_stamped(self, record: dict[str, Any], image: Resource) -> None:
        """Check that a record at a site says that Glint made it for this image."""
        self.assertEqual(image["id"], record.get("glint_image"), str(record))
        self.assertTrue(record.get("glint_deployment"), record)
        self.assertTrue(record.get("glint_transfer"), record)


class GlintTestCase(MiniCloudTestCase, GlintAsserts):
    """A test with two clouds without images and a Glint that knows nothing.

    :cvar combination: what Glint runs on; None for SQLite with local dispatch
    :ivar glint: the service
    :ivar user: hep-member of ALTO
    :ivar alto_images: hep-member's images there, straight from Glance
    :ivar dair_images: likewise
    """

    settings: Settings | None = None
    combination: Combination | None = None

    def setUp(self) -> None:
        super().setUp()
        # Before Glint, so that it is gone when what it made is removed.
        self.alto_images = self.glance(self.alto)
        self.dair_images = self.glance(self.dair)
        if self.combination is not None:
            self.glint = self.useFixture(Kept(self.combination, self.alto, self.settings)).glint
            self.addOnException(lambda _: show_log(self, self.glint))
        else:
            folder = self.useFixture(fixtures.TempDir()).path
            self.glint = self.make_glint(pathlib.Path(folder))
            self.addOnException(lambda _: show_log(self, self.glint))
            self.useFixture(self.glint)
        self.user = User(self.glint, "hep-member")

    def make_glint(self, folder: pathlib.Path) -> GlintService:
        """The service, not started yet."""
        port = self.minicloud.spare_ports[0]
        return GlintService(folder, self.alto, port=port, settings=self.settings)

    def glance(self, cloud: CloudHandle, persona: str = "hep-member") -> Glance:
        """Images of a cloud; what is new there at the end of the test is removed."""
        return Glance(self.images(cloud, persona).session, cloud.image_url)

    def proxied(self, cloud: CloudHandle) -> FaultProxy:
        """A fault proxy before a cloud's Glance, to which its catalogue points until the end."""
        proxy = self.proxy(cloud.image_url)
        self.minicloud.set_endpoint(cloud.name, "image", proxy.url)
        return proxy

    def two_columns(self) -> tuple[Resource, Resource]:
        """The usual two: ALTO by Glint's own application credential, DAIR by password."""
        return self.user.home(self.alto), self.user.column("DAIR", self.dair)

    def registered(self, home: Resource, data: bytes, name: str, **attributes: Any) -> Resource:
        """An image with bytes at ALTO, in Glint's catalogue."""
        return self.user.register(home, self.alto_images.add(data, name, **attributes))


class ClassGlintTestCase(GlintAsserts):
    """Tests that share one Glint, because they change nothing that another one looks at."""

    settings: Settings | None = None
    combination: Combination | None = None
    minicloud: MiniCloud
    glint: GlintService
    alto: CloudHandle
    dair: CloudHandle

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        shared = cls.enter(SharedMiniCloud())
        cls.minicloud = shared.minicloud
        cls.alto, cls.dair = (cls.minicloud.cloud(name) for name in ("alto", "dair"))
        for cloud in (cls.alto, cls.dair):
            for persona in ("hep-member", "bio-member"):
                cls._clean_up_images(cloud, persona)
        if cls.combination is not None:
            cls.glint = cls.enter(Kept(cls.combination, cls.alto, cls.settings)).glint
        else:
            cls.glint = cls._own_glint()
        try:
            cls.glint.start()
            cls.prepare()
        except Exception as error:
            error.add_note(cls.glint.log_text()[-LOG_TAIL:])
            raise

    @classmethod
    def _own_glint(cls) -> GlintService:
        folder = tempfile.TemporaryDirectory(prefix="glint-")
        cls.addClassCleanup(folder.cleanup)
        port = cls.minicloud.spare_ports[0]
        glint = GlintService(folder.name, cls.alto, port=port, settings=cls.settings)
        cls.enter(glint)
        return glint

    @classmethod
    def prepare(cls) -> None:
        """What the tests of the class find there."""

    @classmethod
    def enter(cls, fixture: Any) -> Any:
        """Use a fixture until the end of the class."""
        cls.addClassCleanup(fixture.cleanUp)
        fixture.setUp()
        return fixture

    @classmethod
    def _clean_up_images(cls, cloud: CloudHandle, persona: str) -> None:
        glance = Glance(cloud.session(persona), cloud.image_url)
        keep = {record["id"] for record in glance.records()}
        cls.addClassCleanup(lambda: Glance(cloud.session(persona), cloud.image_url).purge(keep))

    def setUp(self) -> None:
        super().setUp()
        self.addOnException(lambda _: show_log(self, self.glint))


def show_log(case: testtools.TestCase, glint: GlintService) -> None:
    """Attach the end of Glint's log to a test that failed."""
    text = glint.log_text()[-LOG_TAIL:]
    case.addDetail("glint.log", content.Content(content_type.UTF8_TEXT, lambda: [text.encode()]))


def named(things: Iterable[Resource]) -> list[str]:
    """The names of some things, sorted."""
    return sorted(one["name"] for one in things)
