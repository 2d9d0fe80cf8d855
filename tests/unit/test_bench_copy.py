"""The tools that measure copies: their arithmetic, and what they make of a process that fails."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import testtools

# Not installed with Glint: they are there in a checkout only, as this test is.
targets: Any = importlib.import_module("tools.bench.copy.targets")
measure: Any = importlib.import_module("tools.bench.copy.measure")
watch: Any = importlib.import_module("tools.bench.copy.watch")
Target, Cost = targets.Target, watch.Cost


def python(text: str, **more: bytes) -> Any:
    return watch.Command([sys.executable, "-c", text], **more)


class TestTargets(testtools.TestCase):
    def test_verdicts(self) -> None:
        table = targets.rows(
            [
                Target("faster", 2.5, 2.0),
                Target("memory", 120.0, 100, least=False, unit="MiB", reason="because"),
                Target("other", None, 1.0),
            ]
        )
        self.assertEqual(["met", "MISSED", "not measured"], [row[3] for row in table[1:]])
        self.assertEqual(["", "because", ""], [row[4] for row in table[1:]])
        self.assertEqual("<= 100 MiB", table[2][1])


class TestFigures(testtools.TestCase):
    def test_ratios_are_those_of_medians(self) -> None:
        figures = measure.Figures()
        for seconds in (1.0, 9.0, 2.0):
            figures.add(("plane", 4, "one"), Cost(seconds, 1.0, 50.0), 1.0)
        figures.add(("plane", 4, "two"), Cost(6.0))
        self.assertEqual(3.0, figures.ratio("plane", 4, "one", "two"))
        self.assertIsNone(figures.ratio("plane", 4, "one", "three"))
        heading, one, two = figures.table("plane", 2**30, "two")
        self.assertEqual(len(heading), len(one))
        self.assertEqual(["4", "one", "2.00", "537", "3.00", "1.00", "50", "1.00"], one)
        self.assertEqual("1.00", two[4])


class TestRun(testtools.TestCase):
    def test_pipelines_run_together_and_are_counted(self) -> None:
        first = python("import sys; sys.stdout.write(sys.stdin.read() + 'b')", given=b"a")
        second = python("import sys; print(sys.stdin.read() + 'c', end='')")
        cost, printed = watch.run([first, second], [python("print('d', end='')")])
        self.assertEqual([b"abc", b"d"], printed)
        self.assertGreater(cost.cpu, 0)

    def test_a_failure_is_no_figure(self) -> None:
        with testtools.ExpectedException(RuntimeError):
            watch.run([python("raise SystemExit(1)"), python("pass")])
