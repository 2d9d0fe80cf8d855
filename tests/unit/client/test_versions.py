"""Which version is spoken, and what is said where the two do not meet."""

from __future__ import annotations

from typing import Any

from glint import client
from tests.unit.client.base import GLINT, ClientTestCase


class TestVersions(ClientTestCase):
    def test_what_the_service_has(self) -> None:
        one = {"id": "v1.0", "min_version": "1.0", "version": "1.4"}
        self.http.get(f"{GLINT}/", json={"versions": [{"id": "v2.0"}, one]})
        self.assertEqual(("1.0", "1.4"), self.client.versions())

    def test_no_glint(self) -> None:
        bodies: list[dict[str, Any]] = [{}, {"versions": []}, {"versions": ["v1"]}]
        for body in (*bodies, {"versions": [{"id": "v2.0"}]}):
            self.http.get(f"{GLINT}/", json=body)
            self.assertRaises(client.UnexpectedAnswer, self.client.versions)

    def test_a_server_that_is_too_old(self) -> None:
        body = {"code": "request.microversion", "detail": "Version '1.9' is not served.",
                "min_version": "1.0", "max_version": "1.2"}  # fmt: skip
        self.http.get(f"{GLINT}/v1/sites/s", status_code=406, json={"errors": [body]})
        newer = client.Client(self.session, microversion="1.9")

        error = self.assertRaises(client.VersionNotSupported, newer.sites.get, "s")

        self.assertEqual(("1.0", "1.2"), (error.minimum, error.maximum))
        self.assertIn("has versions 1.0 to 1.2 of its API", error.detail)
        self.assertEqual("image-distribution 1.9", self.sent()[-1].headers["OpenStack-API-Version"])

    def test_a_refusal_without_an_explanation(self) -> None:
        self.http.get(f"{GLINT}/v1/sites/s", status_code=406, text="no")
        error = self.assertRaises(client.VersionNotSupported, self.client.sites.get, "s")
        self.assertIsNone(error.maximum)
