"""The administrators' page knows every figure and every notification, and no others."""

from __future__ import annotations

import pathlib
import re

import testtools

from glint.conductor import notifications
from glint.db.statistics import Figures, SiteFigures
from glint.metrics import Registry
from glint.metrics.service import Service
from glint.metrics.work import Work

PAGE = pathlib.Path(__file__).resolve().parents[3] / "doc/source/admin/monitoring.rst"


class DocumentedTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.page = PAGE.read_text("utf-8")

    def test_metrics(self) -> None:
        registry = Registry()
        work = Work(registry)
        work.meter("i", "into")(1)
        work.ended("i", "copy", "done", 1.0, code="x")
        work.scanned("i", "done")
        work.orphan_removed("i")
        site = SiteFigures("i", "n", "t", True, True, scan_age=1.0)
        registry.register(Service(lambda: Figures([site], {"active": 1}, 0, 0, 1)))
        families = [f for f in registry.collect() if f.name.startswith("glint_")]
        told = {f.name + ("_total" if f.type == "counter" else ""): f.samples for f in families}
        self.assertEqual({*told}, set(re.findall(r"^``(glint_\w+)`` ", self.page, re.M)))
        for name, samples in told.items():
            (row,) = re.findall(rf"^``{name}`` .*\n.*\n", self.page, re.M)
            for sample in samples:
                for label in {*sample.labels} - {"le"}:
                    self.assertIn(label, row, name)

    def test_notifications(self) -> None:
        kinds = {kind for kind, _, _ in notifications._TRANSFER.values()}
        kinds |= {"glint.operation.create", "glint.deployment.drift"}
        self.assertEqual(kinds, set(re.findall(r"^``(glint\.[a-z.]+)`` ", self.page, re.M)))
