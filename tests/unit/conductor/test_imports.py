"""Copies that sites fetch by themselves, and copies that do not fit."""

from __future__ import annotations

import os
import threading
from typing import Any

from glint import exception
from glint.conductor import groups
from glint.db import actions, credentials, events, sites, transfers
from glint.drivers.base import Import, ImportProgress
from glint.objects import Quota, Transfer
from tests.unit.conductor.base import PROJECT, ConductorTestCase
from tests.unit.conductor.memory import MemoryCloud
from tests.unit.transfer.fakes import altered

DATA = os.urandom(50_000)
KEYSTONE = "https://duo.example.org:5000"


class RegionsTestCase(ConductorTestCase):
    """Two regions of one Keystone, and a cloud elsewhere; the image is in the east."""

    def setUp(self) -> None:
        super().setUp()
        self.east = self.region("east")
        self.west = self.region("west", self.east)
        self.far = self.cloud("far")
        self.source_id = self.east.put("cirros", DATA)
        self.image_id = self.register("east", self.source_id)

    def region(self, name: str, *others: MemoryCloud) -> MemoryCloud:
        cloud = self.cloud(name, connection={"auth_url": KEYSTONE, "region": name})
        credentials.set_verified(self.db, self.columns[name], remote_project_id="remote")
        credentials.learn(self.db, self.columns[name], {"import_methods": ["glance-download"]})
        for other in others:
            cloud.regions[other.name.rpartition("-")[0]] = other
        return cloud

    def settings(self, **changes: Any) -> Any:
        return super().settings(**{"import_poll": 0.02, **changes})

    def transfer(self, name: str) -> Transfer:
        """The only transfer of a column's cell."""
        cell = self.cell(self.image_id, name)
        (found,) = transfers.list(self.db, PROJECT, limit=5, deployment_id=cell.id)
        return found

    def assert_copied(self, cloud: MemoryCloud, name: str) -> Transfer:
        cell = self.wait_cell(self.image_id, name, "active")
        self.assertEqual([cell.remote_id], [*cloud.images])
        copy = cloud.images[cell.remote_id or ""]
        self.assertEqual(("cirros", "active"), (copy.name, copy.status))
        self.assertEqual("debian", copy.properties["os_distro"])
        self.assertEqual(DATA, cloud.data[copy.id])
        self.assertTrue(cell.stamped)
        return self.transfer(name)


class TestImports(RegionsTestCase):
    def test_no_byte_passes_through_glint(self) -> None:
        self.save(self.image_id, west=True)
        self.start()
        done = self.assert_copied(self.west, "west")
        self.assertEqual((0, 0), (self.east.reads, self.east.bytes_read))
        self.assertEqual([("east", self.source_id)], self.west.imports)
        self.assertEqual(("import", "done", len(DATA)), (done.method, done.state, done.bytes_done))
        self.assertIn("east is another region", done.reason or "")
        self.assertEqual(self.columns["east"], done.source_credential_id)

    def test_a_group_is_partly_imported_and_partly_streamed(self) -> None:
        self.save(self.image_id, west=True, far=True)
        self.start()
        self.assertEqual("import", self.assert_copied(self.west, "west").method)
        streamed = self.assert_copied(self.far, "far")
        self.assertEqual(("stream", len(DATA)), (streamed.method, self.east.bytes_read))
        self.assertIn("does not offer glance-download", streamed.reason or "")

    def assert_falls_back(self, reason: str) -> None:
        self.save(self.image_id, west=True)
        self.start(attempts=1)
        done = self.assert_copied(self.west, "west")
        self.assertEqual(("stream", "done", 1), (done.method, done.state, done.attempts))
        self.assertEqual(2, done.fence)
        self.assertIn(reason, done.reason or "")
        self.assertEqual(len(DATA), self.east.bytes_read)
        lines = events.list(self.db, PROJECT, limit=10, image_id=self.image_id)
        self.assertIn("site.import_failed", [line.error_code for line in lines])

    def test_an_import_that_fails_is_streamed(self) -> None:
        self.west.import_outcome = ImportProgress(Import.FAILED, reason="no such host")
        self.assert_falls_back("no such host")
        self.assertEqual(1, len(self.west.imports))

    def test_an_import_that_is_refused_is_streamed(self) -> None:
        self.west.faults["import"] = exception.ImportFailed(reason="port not allowed")
        self.assert_falls_back("port not allowed")

    def test_an_import_that_does_not_end_is_streamed(self) -> None:
        self.west.import_outcome = ImportProgress(Import.RUNNING)
        self.save(self.image_id, west=True)
        self.start(import_timeout=0.2)
        done = self.assert_copied(self.west, "west")
        self.assertIn("not done after", done.reason or "")

    def test_a_source_that_changed_is_not_imported(self) -> None:
        self.cloud("other")
        self.save(self.image_id, other=True)
        self.start()
        self.wait_cell(self.image_id, "other", "active")
        self.east.change(self.source_id, os_hash_value="0" * 128)
        self.save(self.image_id, west=True)
        done = self.assert_copied(self.west, "west")
        self.assertEqual(("stream", []), (done.method, self.west.imports))
        self.assertIn("east is no source now", done.reason or "")
        self.assertEqual(self.columns["other"], done.source_credential_id)

    def test_wrong_bytes_are_never_active(self) -> None:
        self.east.data[self.source_id] = altered(DATA)
        self.save(self.image_id, west=True)
        self.start()
        cell = self.wait_cell(self.image_id, "west", "failed")
        self.assertEqual("content.mismatch", cell.error_code)
        self.assertEqual({}, self.west.images)
        self.assertEqual("import", self.transfer("west").method)

    def test_cancel_removes_the_record(self) -> None:
        self.west.gate = threading.Event()
        operation = self.save(self.image_id, west=True)
        self.start()
        self.assertTrue(self.west.reached.wait(10))
        self.assertEqual(1, len(self.west.images))
        actions.on_operation(self.db, PROJECT, "cancel", operation)
        self.wait_cell(self.image_id, "west", "absent")
        self.assertEqual({}, self.west.images)
        self.assertEqual("cancelled", self.transfer("west").state)

    def test_a_site_that_cannot_be_asked_for_a_while_goes_on(self) -> None:
        self.west.faults["progress"] = exception.SiteUnreachable(url="w", reason="a moment")
        self.save(self.image_id, west=True)
        self.start()
        self.wait(lambda: self.west.imports)
        self.west.faults.clear()
        self.assertEqual(("import", 1), (
            (done := self.assert_copied(self.west, "west")).method, done.attempts))  # fmt: skip

    def test_a_site_that_cannot_be_asked_for_long_is_tried_again(self) -> None:
        self.west.faults["progress"] = exception.SiteUnreachable(url="w", reason="dead")
        self.save(self.image_id, west=True)
        self.start(idle_timeout=0.1)
        cell = self.wait_cell(self.image_id, "west", "failed")
        self.assertEqual("site.unreachable", cell.error_code)
        self.assertEqual(2, len(self.west.imports))
        self.assertEqual({}, self.west.images)

    def test_a_half_import_of_a_dead_conductor_is_replaced(self) -> None:
        self.west.gate = threading.Event()
        self.save(self.image_id, west=True)
        dead = self.manager(lease=4.0)
        worker = threading.Thread(target=dead._engine._step, daemon=True)
        worker.start()
        self.assertTrue(self.west.reached.wait(10))
        (half,) = self.west.images
        self.start()
        self.wait(lambda: half not in self.west.images)
        self.west.gate.set()
        done = self.assert_copied(self.west, "west")
        self.assertEqual("import", done.method)

    def test_a_site_that_is_set_not_to(self) -> None:
        (site,) = sites.list(self.db, PROJECT, limit=5, name="west")
        wish = {**site.connection, "server_side_import": False}
        sites.update(self.db, PROJECT, site.id, connection=wish)
        self.save(self.image_id, west=True)
        self.start()
        done = self.assert_copied(self.west, "west")
        self.assertEqual(("stream", []), (done.method, self.west.imports))
        self.assertIn("server_side_import", done.reason or "")

    def test_a_scan_learns_what_the_site_offers(self) -> None:
        self.far.methods = ["web-download"]
        self.far.room = {"bytes": Quota(1, 2, 1)}
        self.scan("far")
        facts = credentials.get(self.db, PROJECT, self.columns["far"]).facts or {}
        self.assertEqual(["web-download"], facts["import_methods"])
        self.assertEqual({"bytes": {"used": 1, "limit": 2, "free": 1}}, facts["quota"])
        self.far.faults["grants"] = exception.SiteBusy(reason="503")
        self.scan("far")
        self.assertEqual(facts, credentials.get(self.db, PROJECT, self.columns["far"]).facts)


class TestQuota(RegionsTestCase):
    def full(self, cloud: MemoryCloud, free: int = len(DATA) - 1) -> None:
        cloud.room = {"bytes": Quota(10, 10 + free, free)}

    def test_it_is_asked_right_before_the_bytes(self) -> None:
        """What was known when the Save was taken said nothing against it."""
        self.full(self.far)
        self.save(self.image_id, far=True)
        self.start()
        cell = self.wait_cell(self.image_id, "far", "failed")
        self.assertEqual("site.quota_exceeded", cell.error_code)
        self.assertEqual(("failed", 1), (self.transfer("far").state, self.transfer("far").attempts))
        self.assertEqual((0, {}), (self.east.reads, self.far.images))
        facts = credentials.get(self.db, PROJECT, self.columns["far"]).facts or {}
        self.assertEqual(len(DATA) - 1, facts["quota"]["bytes"]["free"])

    def test_the_others_of_the_group_go_on(self) -> None:
        self.full(self.far)
        self.cloud("other")
        self.save(self.image_id, far=True, west=True, other=True)
        self.start()
        self.wait_cell(self.image_id, "far", "failed")
        self.assert_copied(self.west, "west")
        self.wait_cell(self.image_id, "other", "active")
        self.assertEqual(1, self.east.reads)

    def test_what_just_fits(self) -> None:
        self.full(self.far, len(DATA))
        self.save(self.image_id, far=True)
        self.start()
        self.assert_copied(self.far, "far")

    def test_a_site_without_quotas_is_not_asked(self) -> None:
        credentials.learn(self.db, self.columns["far"], {"quota": {}})
        self.save(self.image_id, far=True)
        self.start()
        self.assert_copied(self.far, "far")
        self.assertEqual(0, self.far.asked_for_quota)

    def test_a_quota_that_is_not_told_now_is_no_refusal(self) -> None:
        self.far.faults["quota"] = exception.SiteBusy(reason="503")
        self.save(self.image_id, far=True)
        self.start()
        self.assert_copied(self.far, "far")
        self.assertEqual(1, self.far.asked_for_quota)

    def test_a_fault_of_our_own_ends_no_transfer_silently(self) -> None:
        def broken(*args: Any) -> Any:
            raise RuntimeError("planted")

        self.patch(groups, "choose_method", broken)
        self.save(self.image_id, far=True)
        self.start()
        cell = self.wait_cell(self.image_id, "far", "failed")
        self.assertEqual("glint.internal", cell.error_code)
