from __future__ import annotations

import pathlib
import subprocess
import sys

import fixtures
import testtools

PROGRAM = """
import logging, sys
import glint.cmd
from glint.cmd import {module}
{configure}
log = logging.getLogger("some.library")
log.warning("curl -H 'X-Auth-Token: pl4nt3d' and gAAAAABpl4nt3dpl4nt3dpl4nt3dpl4nt3d==")
try:
    raise ValueError("mysql://glint:pl4nt3d@db/glint")
except ValueError:
    log.exception("failed with %s", {{"password": "pl4nt3d"}})
log.warning("the end")
"""


class TestLogs(testtools.TestCase):
    """What a process writes to its log holds no secret, whoever says it."""

    def logged(self, module: str, configure: str, *options: str) -> str:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        config = folder / "glint.conf"
        lines = ["[DEFAULT]", f"log_file = {folder}/glint.log", *options]
        lines += ["[database]", f"connection = sqlite:///{folder}/glint.db"]
        config.write_text("\n".join(lines))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(module=module, configure=configure), config],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        log = folder / "glint.log"
        return done.stdout + done.stderr + (log.read_text() if log.exists() else "")

    def assert_masked(self, text: str) -> None:
        self.assertIn("the end", text)
        self.assertIn("ValueError: mysql://glint:***@db/glint", text)
        self.assertIn("X-Auth-Token: ***", text)
        self.assertNotIn("pl4nt3d", text)

    def test_services(self) -> None:
        configure = "wiring.configure(['--config-file', sys.argv[1]])"
        for options in ((), ("use_json = true",), ("debug = true",)):
            self.assert_masked(self.logged("wiring", configure, *options))

    def test_manage(self) -> None:
        configure = (
            "from oslo_config import cfg\n"
            "manage.configure(cfg.CONF, ['--config-file', sys.argv[1], 'db', 'version'])"
        )
        self.assert_masked(self.logged("manage", configure))
