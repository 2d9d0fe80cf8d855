"""The documentation and the release notes are built without a warning."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import fixtures
import testtools

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 900


class BuildTest(testtools.TestCase):
    def build(self, source: str) -> pathlib.Path:
        """As tox does, elsewhere; references that lead nowhere are warnings too."""
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        options = ("-n", "-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "doctrees"))
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", *options, str(ROOT / source), str(folder / "html")],
            cwd=ROOT,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return folder / "html"

    def test_documentation(self) -> None:
        html = self.build("doc/source")
        for page, words in {
            "configuration/config": "key_repository",
            "configuration/policy": "site:create",
            "user/cli-reference": "glint matrix show",
            "api/made/routes": "POST /v1/operations",
            "api/made/errors": "Remedy",
        }.items():
            self.assertTrue(words in (html / f"{page}.html").read_text("utf-8"), page)

    def test_release_notes(self) -> None:
        if not (ROOT / ".git").exists():
            self.skipTest("release notes are read from git, and this is no clone")
        html = self.build("releasenotes/source")
        self.assertTrue("Security Issues" in (html / "index.html").read_text("utf-8"))
