"""The sample files in etc/glint are generated, and they are fresh."""

from __future__ import annotations

import difflib
import pathlib
import subprocess
import sys

import fixtures
import testtools

ROOT = pathlib.Path(__file__).resolve().parents[2]


class SamplesTest(testtools.TestCase):
    """Generates each sample again, in a process of its own as tox does, and compares."""

    def generate(self, module: str, config: str) -> str:
        """The text that an oslo generator makes from one of the files in tools/config."""
        output = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "sample")
        program = f"from {module} import {{main}}; {{main}}()"
        main = "main" if module == "oslo_config.generator" else "generate_sample"
        subprocess.run(
            [
                sys.executable,
                "-c",
                program.format(main=main),
                f"--config-file={ROOT / 'tools/config' / config}",
                f"--output-file={output}",
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )
        return output.read_text("utf-8")

    def assert_fresh(self, fresh: str, name: str, remedy: str) -> None:
        committed = (ROOT / "etc/glint" / name).read_text("utf-8")
        difference = difflib.unified_diff(
            committed.splitlines(), fresh.splitlines(), "committed", "fresh", lineterm="", n=0
        )
        self.assertEqual([], list(difference), remedy)

    def test_configuration(self) -> None:
        fresh = self.generate("oslo_config.generator", "glint-config-generator.conf")
        self.assertIn("[api]", fresh)
        self.assert_fresh(fresh, "glint.conf.sample", "run tox -e genconfig")

    def test_policy(self) -> None:
        fresh = self.generate("oslo_policy.generator", "glint-policy-generator.conf")
        self.assertIn('"site:list"', fresh)
        self.assert_fresh(fresh, "policy.yaml.sample", "run tox -e genpolicy")
