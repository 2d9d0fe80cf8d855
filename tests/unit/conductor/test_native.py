"""Copies that a cloud makes by itself between two of its sites."""

from __future__ import annotations

import os
import threading
from unittest import mock

from glint import exception
from glint.db import actions, transfers
from glint.drivers.base import Import, ImportProgress
from glint.objects import Transfer
from tests.unit.conductor.base import PROJECT, ConductorTestCase
from tests.unit.conductor.memory import MemoryCloud, MemoryDriver
from tests.unit.transfer.fakes import altered
from tests.unit.transfer.qcow2files import Made

MADE = Made({0: b"begin" * 90, 5: b"middle" * 80}, 6 * 1024)
DATA = os.urandom(30_000)


class TestNative(ConductorTestCase):
    """east holds an image; west is another region of the same account."""

    def setUp(self) -> None:
        super().setUp()
        self.east, self.west = self.region("east"), self.region("west")
        self.west.regions["east"] = self.east
        self.image_id = self.register("east", self.east.put("cirros", DATA))

    def region(self, name: str, account: str = "one account") -> MemoryCloud:
        cloud = self.cloud(name, algorithm=None, connection={"region": name})
        cloud.unpacked, cloud.copies_among = ["qcow2"], account
        self.scan(name)
        return cloud

    def known(self) -> None:
        """Its digests are: a copy went through Glint before."""
        self.cloud("dair")
        self.save(self.image_id, dair=True)
        self.wait_cell(self.image_id, "dair", "active")
        self.east.reads = 0

    def transfer(self, name: str) -> Transfer:
        cell = self.cell(self.image_id, name)
        found = self.wait(lambda: transfers.list(self.db, PROJECT, limit=9, deployment_id=cell.id))
        return max(found, key=lambda one: one.created_at)

    def assert_streamed(self, reason: str) -> None:
        self.wait_cell(self.image_id, "west", "active")
        transfer = self.transfer("west")
        self.assertEqual("stream", transfer.method)
        self.assertIn(reason, transfer.reason or "")
        self.assertEqual([DATA], [*self.west.data.values()])

    def test_the_cloud_copies(self) -> None:
        """Glint only reads the copy back, to prove it."""
        self.start(import_poll=0.02)
        self.known()
        self.save(self.image_id, west=True)
        cell = self.wait_cell(self.image_id, "west", "active")
        transfer = self.transfer("west")
        self.assertEqual("native", transfer.method)
        self.assertIn("east is another region of the same account", transfer.reason or "")
        self.assertEqual(self.columns["east"], transfer.source_credential_id)
        self.assertEqual((0, 1), (self.east.reads, self.west.reads))
        self.assertEqual(DATA, self.west.data[cell.remote_id or ""])
        self.assertEqual("cirros", self.west.images[cell.remote_id or ""].name)

    def test_a_disk(self) -> None:
        alto = self.cloud("alto")
        self.image_id = self.register("alto", alto.put("q", MADE.file(), disk_format="qcow2"))
        self.start(import_poll=0.02)
        self.save(self.image_id, east=True)
        self.wait_cell(self.image_id, "east", "active")
        self.save(self.image_id, west=True)
        cell = self.wait_cell(self.image_id, "west", "active")
        self.assertEqual(("native", True), (self.transfer("west").method, cell.as_disk))
        self.assertEqual(MADE.disk, self.west.data[cell.remote_id or ""])

    def test_what_is_not_hashed_yet_is_streamed(self) -> None:
        self.start()
        self.save(self.image_id, west=True)
        self.assert_streamed("hashed anyway")

    def test_another_account(self) -> None:
        self.east.copies_among = "another"
        self.scan("east")
        self.start()
        self.known()
        self.save(self.image_id, west=True)
        self.assert_streamed("another cloud or account")

    def test_what_the_cloud_refuses_is_streamed(self) -> None:
        self.start(import_poll=0.02)
        self.known()
        refused = exception.ImportFailed(reason="it is forbidden")
        with mock.patch.object(MemoryDriver, "copy_from", side_effect=refused):
            self.save(self.image_id, west=True)
            self.assert_streamed("it is forbidden")

    def test_what_fails_later_is_streamed(self) -> None:
        self.west.import_outcome = ImportProgress(Import.FAILED, reason="it broke")
        self.start(import_poll=0.02)
        self.known()
        self.save(self.image_id, west=True)
        self.assert_streamed("it broke")

    def test_other_bytes_are_never_active(self) -> None:
        self.start(import_poll=0.02, attempts=1)
        self.known()
        (source,) = self.east.data
        self.east.data[source] = altered(DATA)
        self.save(self.image_id, west=True)
        self.wait_cell(self.image_id, "west", "failed")
        self.assertEqual({}, self.west.images)

    def test_cancel(self) -> None:
        self.west.gate = threading.Event()
        self.addCleanup(self.west.gate.set)
        manager = self.start(import_poll=0.02)
        self.known()
        self.save(self.image_id, west=True)
        self.assertTrue(self.west.reached.wait(30))
        actions.on_deployment(self.db, PROJECT, "cancel", self.cell(self.image_id, "west").id)
        manager.wake()
        self.wait(lambda: self.transfer("west").state == "cancelled")
        self.wait(lambda: not self.west.images)
