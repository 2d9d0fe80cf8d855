from __future__ import annotations

import subprocess
import sys

import testtools

PROGRAM = """
import sys
import glint.cmd.{module}
from oslo_service import backend
assert backend.get_backend_type() is backend.BackendType.THREADING, backend.get_backend_type()
import oslo_messaging
if "eventlet" in sys.modules:
    from eventlet import patcher
    assert not patcher.already_patched, patcher.already_patched
"""


class TestBackend(testtools.TestCase):
    """Threads are chosen before oslo.messaging can choose eventlet, in every command."""

    def test_threads(self) -> None:
        for module in ("manage", "status", "conductor", "all"):
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM.format(module=module)],
                check=False,
                capture_output=True,
                text=True,
                timeout=120,
            )
            self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr), module)
