"""What cannot work together is refused at start, with a sentence."""

from __future__ import annotations

import testtools
from oslo_config import cfg
from oslo_db import options as db_options

from glint.cmd import wiring
from glint.conf import register_opts

SQLITE = "sqlite:////tmp/glint.db"
SERVER = "postgresql+psycopg2://glint@localhost/glint"


class TestCombinations(testtools.TestCase):
    def conf(self, connection: str, rpc: str, url: str) -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        register_opts(conf)
        conf.register_opts(db_options.database_opts, group="database")
        conf([], project="glint", default_config_files=[])
        wiring.stays_within_process(conf)  # registers transport_url
        conf.set_override("connection", connection, group="database")
        conf.set_override("rpc_transport", rpc)
        conf.set_override("transport_url", url)
        return conf

    def refusal(self, embedded: bool, *given: str) -> str | None:
        try:
            wiring.check_combination(self.conf(*given), embedded=embedded)
        except wiring.Refused as refused:
            return str(refused)
        return None

    def test_one_process(self) -> None:
        self.assertIsNone(self.refusal(True, SQLITE, "local", "rabbit://"))
        self.assertIsNone(self.refusal(True, SQLITE, "oslo", "fake://"))
        self.assertIn("rpc_transport = local", str(self.refusal(True, SQLITE, "oslo", "rabbit://")))
        self.assertIn("SQLite only", str(self.refusal(True, SERVER, "local", "rabbit://")))

    def test_several_processes(self) -> None:
        self.assertIsNone(self.refusal(False, SERVER, "oslo", "rabbit://"))
        self.assertIn("glint-all only", str(self.refusal(False, SERVER, "local", "rabbit://")))
        self.assertIn("reaches nobody", str(self.refusal(False, SERVER, "oslo", "fake://")))
        self.assertIn("one process", str(self.refusal(False, SQLITE, "oslo", "rabbit://")))
