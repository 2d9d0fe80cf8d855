"""What a WSGI server gets from ``glint.wsgi.api`` where Glint cannot start."""

from __future__ import annotations

import fixtures
from oslo_config import cfg

from glint.cmd import wiring
from glint.wsgi import api
from tests.unit.cmd import base


class RefusalTest(base.CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(cfg.CONF.clear)
        self.useFixture(fixtures.EnvironmentVariable(api.CONFIG_DIR, str(self.folder)))

    def test_each_request_is_told_why(self) -> None:
        self.configure(rpc_transport="oslo", transport_url="rabbit://127.0.0.1:1/")
        application = api._Lazy(api._build)
        for _ in range(3):
            error = self.assertRaises(wiring.Refused, application, {}, lambda *_: None)
            self.assertIn("SQLite serves one process", str(error))
