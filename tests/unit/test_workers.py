"""tools/workers.yaml: each functional test goes to one worker, whatever it is called."""

from __future__ import annotations

import pathlib
import re

import testtools
import yaml

ROOT = pathlib.Path(__file__).parents[2]


class WorkersTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        described = yaml.safe_load((ROOT / "tools/workers.yaml").read_text())
        self.patterns = [re.compile(one) for worker in described for one in worker["worker"]]

    def test_every_module_has_one_worker(self) -> None:
        functional = ROOT / "tests/functional"
        modules = [path.relative_to(ROOT) for path in functional.rglob("test_*.py")]
        self.assertGreater(len(modules), 20)
        for module in modules:
            name = ".".join(module.with_suffix("").parts)
            taken = [one.pattern for one in self.patterns if one.search(f"{name}.SomeTest.test")]
            self.assertEqual(1, len(taken), name)

    def test_every_module_that_is_named_exists(self) -> None:
        for pattern in self.patterns:
            named = re.search(r"test_\(([a-z0-9_|]+)\)", pattern.pattern)
            assert named is not None
            for name in named[1].split("|"):
                path = ROOT / "tests/functional" / f"test_{name}"
                self.assertTrue(path.is_dir() or path.with_suffix(".py").exists(), name)
