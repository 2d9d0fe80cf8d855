"""The data plane over real sockets, by the tool that measures it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

from tests.unit.transfer import fakes

RELAY = pathlib.Path(__file__).resolve().parents[3] / "tools" / "relay.py"


class TestRelay(fakes.TestCase):
    def relay(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        command = [sys.executable, str(RELAY), "--json", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=fakes.PATIENCE, check=False
        )
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_all_sinks_get_all_bytes_by_one_read(self) -> None:
        code, report = self.relay("--serve", "5", "--sinks", "3", "--hash", "sha256")
        self.assertEqual(0, code)
        self.assertEqual(5 * 2**20, report["bytes"])
        self.assertEqual(5 * 2**20, report["bytes_read"])
        self.assertEqual([5 * 2**20] * 3, [sink["bytes"] for sink in report["sinks"]])
        self.assertEqual(64, len(report["digests"]["sha256"]))

    def test_a_slow_site_is_detached_and_said_so(self) -> None:
        code, report = self.relay(
            "--serve", "64", "--sinks", "2", "--slow", "1", "--grace", "0.5", "--window", "4"
        )
        self.assertEqual(1, code)
        self.assertEqual([True, True, False], [sink["finished"] for sink in report["sinks"]])
        self.assertIn("too slowly", report["sinks"][2]["error"])
