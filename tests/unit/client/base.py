"""A client whose service is requests-mock."""

from __future__ import annotations

import fixtures
import requests_mock
import testtools
from keystoneauth1 import fixture, identity, session

from glint.client import Client

KEYSTONE = "http://keystone.example/v3"
GLINT = "http://glint.example:9494"


class ClientTestCase(testtools.TestCase):
    """``self.http`` answers, ``self.client`` asks."""

    #: How the catalogue names the service.
    endpoint = GLINT

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.http = requests_mock.Mocker()
        self.http.start()
        self.addCleanup(self.http.stop)
        token = fixture.V3Token()
        token.set_project_scope()
        service = token.add_service("image-distribution", name="glint")
        service.add_standard_endpoints(public=self.endpoint, region="ALTO")
        self.token = {"json": token, "headers": {"X-Subject-Token": "a-token"}}
        self.http.post(f"{KEYSTONE}/auth/tokens", [self.token])
        auth = identity.V3Password(
            auth_url=KEYSTONE,
            username="ada",
            password="keystone-secret",
            user_domain_id="default",
            project_name="p",
            project_domain_id="default",
        )
        self.session = session.Session(auth=auth)
        self.client = Client(self.session)

    def sent(self) -> list[requests_mock.request._RequestObjectProxy]:
        """What the service was asked, without Keystone's part."""
        return [r for r in self.http.request_history if r.hostname == "glint.example"]
