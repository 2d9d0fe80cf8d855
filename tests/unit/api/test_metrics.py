"""The page of figures beside the API."""

from __future__ import annotations

import webob
from prometheus_client.parser import text_string_to_metric_families

from glint.cmd import wiring
from glint.metrics.page import Page
from tests.unit.api.base import ApiTestCase

TOKEN = "a-long-random-value"


class MetricsTest(ApiTestCase):
    def ask(self, token: str | None = None) -> webob.Response:
        request = webob.Request.blank("/metrics")
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        return request.get_response(self.app)

    def test_off(self) -> None:
        """What is not served is any path: nobody learns more without a token of Keystone."""
        self.refused("request.unauthenticated", 401, "GET", "/metrics", who=None)
        self.refused("request.not_found", 404, "GET", "/metrics")

    def test_on(self) -> None:
        self.app = self.make_app(metrics=Page(wiring.service_metrics(self.db), TOKEN))
        site = self.make_site("DAIR")
        credential = self.make_credential(site["id"])
        self.make_image(credential["id"])
        for wrong in (None, "", "x", "alice"):
            answer = self.ask(wrong)
            self.assertEqual(401, answer.status_int)
            self.assertNotIn("DAIR", answer.text)
        families = {
            family.name: family.samples
            for family in text_string_to_metric_families(self.ask(TOKEN).text)
        }
        (info,) = families["glint_site_info"]
        self.assertEqual(
            {"site": site["id"], "name": "DAIR", "type": "openstack", "enabled": "true"},
            info.labels,
        )
        (cells,) = families["glint_deployments"]
        self.assertEqual(({"status": "active"}, 1.0), (cells.labels, cells.value))
        self.assertNotIn("GET /metrics", self.log.output)
        self.call("GET", "/v1/sites", expect=200)
