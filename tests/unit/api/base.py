"""The real application over a real SQLite file."""

from __future__ import annotations

import json
import logging
import urllib.parse
from typing import Any

import fixtures
import testtools
import webob
from oslo_config import cfg

from glint import policies
from glint.api.app import make_app
from glint.conf import register_opts
from glint.credentials import Keyring
from glint.db import api, processes
from glint.drivers.glance.site_type import OPENSTACK
from tests.contract import contract
from tests.unit.api import fakes

#: Secrets that no answer, log or table may hold in clear.
PASSWORD = "correct-horse-battery-staple"
CONNECTION = {"auth_url": "https://dair.example.org:5000/v3"}
HOME_URL = "https://home.example.org:5000"
AUTH = {
    "auth_type": "password",
    "username": "alice",
    "password": PASSWORD,
    "project_name": "physics",
}


class Answer:
    """An HTTP answer, decoded."""

    def __init__(self, response: webob.Response) -> None:
        self.status = response.status_int
        self.headers = response.headers
        self.text = response.body.decode()
        self.body: Any = json.loads(self.text) if self.text else None

    @property
    def error(self) -> dict[str, Any]:
        (error,) = self.body["errors"]
        return dict(error)


class ApiTestCase(testtools.TestCase):
    """Gives ``call`` and short cuts to what most tests need first.

    :ivar promised: every answer is held against the OpenAPI document.
    """

    promised = True

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.db = api.Database(f"sqlite:///{self.folder}/glint.db")
        self.addCleanup(self.db.dispose)
        processes.METADATA.create_all(self.db.engine)
        self.keyring = Keyring(f"{self.folder}/keys")
        self.keyring.setup()
        self.conductor = fakes.FakeConductor(self.db)
        self.home = fakes.FakeHome()
        self.conf = cfg.ConfigOpts()
        register_opts(self.conf)
        self.conf([], project="glint", default_config_files=[])
        self.conf.set_override("response_validation", "error", "api")
        self.conf.set_override("auth_url", HOME_URL, "home")
        self.app = self.make_app()

    def make_app(self, **changes: Any) -> Any:
        parts: dict[str, Any] = {
            "conf": self.conf,
            "db": self.db,
            "conductor": self.conductor,
            "keyring": self.keyring,
            "site_types": {"openstack": OPENSTACK},
            "enforcer": policies.make_enforcer(self.conf),
            "home": self.home,
            "authenticate": fakes.TestAuth,
        }
        return make_app(**{**parts, **changes})

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str | None = "alice",
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        expect: int | None = None,
    ) -> Answer:
        """One request.

        :param body: sent as JSON; ``raw`` as it is.
        :param expect: status that the answer must have.
        """
        request = webob.Request.blank(path, method=method)
        if body is not None or raw is not None:
            request.body = raw if raw is not None else json.dumps(body).encode()
            request.content_type = "application/json"
        if who is not None:
            request.headers["X-Auth-Token"] = who
        for name, value in (headers or {}).items():
            request.headers[name] = value
        response = request.get_response(self.app)
        if self.promised:
            contract().check(method, path, response.status_int, response.headers, response.body)
        answer = Answer(response)
        if expect is not None:
            self.assertEqual(expect, answer.status, answer.text)
        return answer

    def refused(
        self, code: str, status: int, method: str, path: str, *args: Any, **kw: Any
    ) -> Answer:
        """A request that must fail with this code; nothing of it may leak or be left."""
        answer = self.call(method, path, *args, **kw)
        self.assertEqual((status, code), (answer.status, answer.error["code"]), answer.text)
        self.assertEqual(status, answer.error["status"])
        self.assertEqual(answer.headers["X-OpenStack-Request-ID"], answer.error["request_id"])
        self.assertEqual(
            {"status", "title", "detail", "code", "request_id"},
            set(answer.error) - {"fresh", "min_version", "max_version"},
        )
        self.assertNotIn(PASSWORD, answer.text)
        return answer

    def make_site(self, name: str = "DAIR", *, who: str = "alice", **more: Any) -> dict[str, Any]:
        body = {"name": name, "type": "openstack", "connection": CONNECTION, **more}
        made: dict[str, Any] = self.call("POST", "/v1/sites", body, who=who, expect=201).body
        return dict(made["site"])

    def make_credential(self, site_id: str, *, who: str = "alice", **more: Any) -> dict[str, Any]:
        body = {"site_id": site_id, "auth": AUTH, **more}
        answer = self.call("POST", "/v1/credentials", body, who=who)
        self.assertIn(answer.status, (200, 201), answer.text)
        return dict(answer.body["credential"])

    def make_image(
        self, credential_id: str, remote_id: str = "r1", *, who: str = "alice", **changes: Any
    ) -> dict[str, Any]:
        self.conductor.remote_images[remote_id] = fakes.remote_image(remote_id, **changes)
        body = {"credential_id": credential_id, "remote_id": remote_id}
        answer = self.call("POST", "/v1/images", body, who=who)
        self.assertIn(answer.status, (200, 201), answer.text)
        return dict(answer.body["image"])

    def rows(self, model: Any) -> int:
        """Rows of a table, drafts too."""
        with self.db.reader() as session:
            return session.query(model).count()

    def pages(self, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
        """All pages of a list, by following the links."""
        found: list[dict[str, Any]] = []
        url = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        for _ in range(50):
            body = self.call("GET", url, expect=200).body
            found += body[name]
            if not body.get("links"):
                return found
            parts = urllib.parse.urlsplit(body["links"][0]["href"])
            url = f"{parts.path}?{parts.query}"
        raise AssertionError("the pages do not end")
