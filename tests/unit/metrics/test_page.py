"""Who reads the page, and how it is served."""

from __future__ import annotations

import socket

import requests
import testtools
import webob
from oslo_config import cfg
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from glint.cmd import wiring
from glint.conf import register_opts
from glint.metrics import Registry
from glint.metrics.page import Page, Server
from glint.metrics.work import Work

TOKEN = "a-long-random-value"


class PageTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry()
        Work(self.registry).lease_lost()

    def ask(self, page: Page, path: str = "/metrics", **headers: str) -> webob.Response:
        return webob.Request.blank(path, headers=headers).get_response(page)

    def test_open(self) -> None:
        page = Page(self.registry)
        self.assertIn("glint_lease_losses_total 1.0", self.ask(page).text)
        self.assertEqual(404, self.ask(page, "/").status_int)
        self.assertEqual(404, self.ask(page, "/favicon.ico").status_int)
        # No choice: what is read from the database would be missing.
        self.assertIn("glint_jobs_limit", self.ask(page, "/metrics?name[]=x").text)

    def test_token(self) -> None:
        page = Page(self.registry, TOKEN)
        self.assertEqual(200, self.ask(page, Authorization=f"Bearer {TOKEN}").status_int)
        for wrong in ("", TOKEN, f"Bearer {TOKEN}x", "Bearer ", "Bearer \xff"):
            answer = self.ask(page, Authorization=wrong)
            self.assertEqual(401, answer.status_int, wrong)
            self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
            self.assertNotIn("glint_", answer.text)
        self.assertEqual(401, self.ask(page).status_int)

    def test_served(self) -> None:
        server = Server("127.0.0.1", 0, Page(self.registry))
        host, port = server.start()
        self.addCleanup(server.close)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"http://{host}:{port}/metrics",
                headers={"Accept": "application/openmetrics-text; version=1.0.0"},
                timeout=10,
            )
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        self.assertIn("glint_lease_losses", names)


class WiringTest(testtools.TestCase):
    def conf(self, **changes: object) -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        register_opts(conf)
        conf([], project="glint", default_config_files=[])
        for name, value in changes.items():
            conf.set_override(name, value, "conductor")
        return conf

    def test_off(self) -> None:
        self.assertEqual((), wiring.serve_metrics(self.conf(), Registry()))

    def test_a_free_port_of_this_machine(self) -> None:
        (server,) = wiring.serve_metrics(self.conf(metrics_port=0), Registry())
        server.close()

    def test_a_taken_port_stops_no_conductor(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertEqual((), wiring.serve_metrics(self.conf(metrics_port=port), Registry()))
