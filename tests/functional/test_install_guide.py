"""The installation guide is followed to the letter, up to the first copy: see tests/walk."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import testtools
from testtools import content, content_type

from tests.functional.processes import clean_environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 900


class GuideTest(testtools.TestCase):
    def test_the_walk(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can make the machine on which the installation guide is tried")
        done = subprocess.run(
            [sys.executable, "-m", "tests.walk"],
            cwd=ROOT,
            env=clean_environment(pathlib.Path.home()),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout + done.stderr
        self.addDetail("walk", content.Content(content_type.UTF8_TEXT, lambda: [said.encode()]))
        self.assertEqual(0, done.returncode)
        copies = [line.split(" ", 1)[1] for line in said.splitlines() if line[:5] in SITES]
        self.assertEqual(2, len(copies))
        self.assertEqual(copies[0], copies[1])


SITES = ("ALTO ", "DAIR ")
