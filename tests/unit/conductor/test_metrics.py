"""A conductor counts what it does; the figures are read as Prometheus reads them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from glint import exception
from glint.conductor.planning import plan_pending
from glint.db import conductors, models, queue, sites, statistics
from glint.metrics import MAX_SITES, OTHER, Registry
from glint.metrics.service import Service
from glint.metrics.work import Work
from tests.unit.conductor.base import PROJECT, ConductorTestCase

DATA = os.urandom(50_000)


def read(text: str) -> dict[tuple[Any, ...], float]:
    """Samples by name and the values of their labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


class MetricsTestCase(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry()
        self.work = Work(self.registry)

    def figures(self) -> dict[tuple[Any, ...], float]:
        return read(generate_latest(self.registry).decode())

    def assert_figures(self, expected: dict[tuple[Any, ...], float]) -> None:
        """That they are there, as soon as the conductor has counted them."""

        def there() -> bool:
            found = self.figures()
            return all(found.get(key) == value for key, value in expected.items())

        try:
            self.wait(there)
        except AssertionError:
            found = self.figures()
            self.assertEqual(expected, {key: found.get(key) for key in expected})

    def site(self, name: str) -> str:
        (site,) = sites.list(self.db, PROJECT, limit=5, name=name)
        return site.id

    def wished(self, *names: str) -> str:
        """A save of an image at alto; returns its id."""
        alto = self.cloud("alto")
        self.clouds = {name: self.cloud(name) for name in names}
        image_id = self.register("alto", alto.put("cirros", DATA))
        self.save(image_id, **dict.fromkeys(names, True))
        return image_id


class TestWork(MetricsTestCase):
    def test_one_read_and_two_copies(self) -> None:
        image_id = self.wished("dair", "eko")
        manager = self.start(metrics=self.work)
        for name in ("dair", "eko"):
            self.wait_cell(image_id, name, "active")
        alto, dair, eko = map(self.site, ("alto", "dair", "eko"))
        self.assert_figures(
            {
                ("glint_bytes_moved_total", "out_of", alto): len(DATA),
                ("glint_bytes_moved_total", "into", dair): len(DATA),
                ("glint_bytes_moved_total", "into", eko): len(DATA),
                ("glint_attempts_total", "copy", "done", dair): 1,
                ("glint_attempts_total", "copy", "done", eko): 1,
                ("glint_attempt_duration_seconds_count", "copy", dair): 1,
                ("glint_lease_losses_total",): 0,
                ("glint_transfers_held",): 0,
                ("glint_jobs",): 0,
                ("glint_jobs_limit",): manager.settings.max_jobs,
            }
        )
        self.assertLess(self.figures()["glint_attempt_duration_seconds_sum", "copy", dair], 60)

    def test_retries_and_failures_by_reason(self) -> None:
        image_id = self.wished("dair")
        self.clouds["dair"].faults["upload"] = exception.SiteBusy(reason="503")
        self.start(metrics=self.work, attempts=3)
        self.wait_cell(image_id, "dair", "failed")
        dair = self.site("dair")
        self.assert_figures(
            {
                ("glint_attempts_total", "copy", "retried", dair): 2,
                ("glint_attempts_total", "copy", "failed", dair): 1,
                ("glint_attempt_errors_total", "site.busy", "retried", dair): 2,
                ("glint_attempt_errors_total", "site.busy", "failed", dair): 1,
            }
        )
        self.assertNotIn(("glint_attempt_duration_seconds_count", "copy", dair), self.figures())

    def test_a_lost_lease(self) -> None:
        image_id = self.wished("dair")
        dair = self.clouds["dair"]
        dair.gate = gate = threading.Event()
        self.addCleanup(gate.set)
        self.start(metrics=self.work)
        self.assertTrue(dair.reached.wait(10))
        self.assert_figures({("glint_transfers_held",): 1, ("glint_jobs",): 1})
        with self.db.writer() as session:
            session.execute(
                sa.update(models.Transfer)
                .where(models.Transfer.image_id == image_id)
                .values(owner="another", fence=models.Transfer.fence + 1)
            )
        self.assert_figures({("glint_lease_losses_total",): 1, ("glint_transfers_held",): 0})

    def test_scans(self) -> None:
        image_id = self.wished("dair")
        manager = self.start(metrics=self.work)
        cell = self.wait_cell(image_id, "dair", "active")
        stamp = self.clouds["dair"].images[cell.remote_id or ""].properties
        self.clouds["dair"].put("half", b"", status="saving", properties=dict(stamp))
        dair = self.site("dair")
        manager.scan(self.columns["dair"])
        self.assert_figures(
            {("glint_scans_total", "done", dair): 1, ("glint_orphans_removed_total", dair): 1}
        )
        self.clouds["dair"].faults["list"] = exception.SiteUnreachable(url="d", reason="dead")
        manager.scan(self.columns["dair"])
        self.assert_figures({("glint_scans_total", "failed", dair): 1})

    def test_sites_are_bounded(self) -> None:
        for number in range(MAX_SITES + 3):
            self.work.meter(f"site-{number}", "into")(7)
        self.work.meter("site-0", "into")(1)
        found = self.figures()
        self.assertEqual(8, found["glint_bytes_moved_total", "into", "site-0"])
        self.assertEqual(21, found["glint_bytes_moved_total", "into", OTHER])
        series = [key for key in found if key[0] == "glint_bytes_moved_total"]
        self.assertEqual(MAX_SITES + 1, len(series))

    def test_its_own_memory(self) -> None:
        self.assertGreater(self.figures()["process_resident_memory_bytes",], 1e6)


class TestService(MetricsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.reads = 0
        self.registry = Registry()
        self.registry.register(Service(self.read, lambda: self.now))

    def read(self) -> statistics.Figures:
        self.reads += 1
        return statistics.figures(self.db)

    def test_a_queue_and_what_becomes_of_it(self) -> None:
        self.wished("dair", "eko")
        dair, eko = self.site("dair"), self.site("eko")
        found = self.figures()
        self.assertEqual((1, 2), (found["glint_database_up",], found["glint_deployments_pending",]))
        self.assertEqual(0, found["glint_transfers", dair, "queued"])
        while plan_pending(self.db):
            pass
        candidate, limit = queue.candidates(self.db)[0]
        queue.claim(self.db, candidate, "dead", limit=limit, lease=0.0)
        conductors.beat(self.db, "me", "here")
        self.now += 60
        found = self.figures()
        busy, waiting = candidate.site_id, ({dair, eko} - {candidate.site_id}).pop()
        for key, value in {
            ("glint_transfers", busy, "running"): 1,
            ("glint_transfers", busy, "queued"): 0,
            ("glint_transfers", waiting, "queued"): 1,
            ("glint_queue_wait_seconds", busy): 0,
            ("glint_transfers_orphaned",): 1,
            ("glint_deployments", "queued"): 2,
            ("glint_deployments", "active"): 1,
            ("glint_deployments_pending",): 0,
            ("glint_conductors",): 1,
        }.items():
            self.assertEqual(value, found[key], str(key))
        self.assertGreater(found["glint_queue_wait_seconds", waiting], 0)

    def test_sites(self) -> None:
        for name in ('he said "no"\n\\', "x" * 100):
            self.cloud(name)
        found = self.figures()
        names = {key[2] for key in found if key[0] == "glint_site_info"}
        self.assertEqual({'he said "no"?\\', "x" * 64}, names)
        self.assertEqual(0, len([key for key in found if key[0] == "glint_site_up"]))
        ages = [v for key, v in found.items() if key[0] == "glint_site_scan_age_seconds"]
        self.assertEqual(2, len(ages))
        self.assertLess(max(ages), 60)

    def test_a_database_that_is_away(self) -> None:
        self.assertEqual(1, self.figures()["glint_database_up",])
        self.registry = Registry()
        self.registry.register(Service(self.broken, lambda: self.now))
        self.assertEqual({("glint_database_up",): 0}, self.figures())

    def broken(self) -> statistics.Figures:
        raise exception.DatabaseUnavailable

    def test_asked_often_and_read_seldom(self) -> None:
        for _ in range(3):
            self.figures()
        self.assertEqual(1, self.reads)
        self.now += 60
        self.figures()
        self.assertEqual(2, self.reads)

    def test_sites_are_bounded(self) -> None:
        def many() -> statistics.Figures:
            return statistics.Figures([*self.made(MAX_SITES + 3)], {}, 0, 0, 0)

        self.registry = Registry()
        self.registry.register(Service(many))
        found = self.figures()
        self.assertEqual(3, found["glint_transfers", OTHER, "queued"])
        self.assertEqual(MAX_SITES + 2, found["glint_queue_wait_seconds", OTHER])
        infos = [key for key in found if key[0] == "glint_site_info"]
        self.assertEqual(MAX_SITES, len(infos))

    def made(self, count: int) -> Iterable[statistics.SiteFigures]:
        for number in range(count):
            yield statistics.SiteFigures(
                f"s{number}", "n", "t", True, True, queued=1, waited=float(number)
            )
