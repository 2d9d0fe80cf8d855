"""Sites that store disks: the file is unpacked for them, and what they hold is the disk."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import fixtures

from glint import exception
from glint.db import actions, contents, models, transfers
from glint.objects import Transfer
from tests.unit.conductor.base import PROJECT, ConductorTestCase
from tests.unit.conductor.memory import MemoryCloud
from tests.unit.transfer.fakes import altered
from tests.unit.transfer.qcow2files import Made

MADE = Made({0: b"begin" * 90, 99: b"middle" * 80}, 60 * 1024, kind="zlib")
FILE, DISK = MADE.file(), MADE.disk
#: What is learnt of it.
SHA256 = hashlib.sha256(DISK).hexdigest()


class DiskCase(ConductorTestCase):
    """alto holds a qcow2 file, blocks stores disks."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger(level=20))
        self.alto = self.cloud("alto")
        self.image_id = self.registered(FILE)
        self.blocks = self.disks("blocks")

    def registered(self, file: bytes, **values: Any) -> str:
        return self.register("alto", self.alto.put("packed", file, disk_format="qcow2", **values))

    def disks(self, name: str) -> MemoryCloud:
        """A cloud that stores disks, and tells no hash of them."""
        cloud = self.cloud(name, algorithm=None)
        cloud.unpacked = ["qcow2"]
        self.scan(name)
        return cloud

    def transfer(self, name: str) -> Transfer:
        """The last one of a cell."""
        cell = self.cell(self.image_id, name)
        found = self.wait(lambda: transfers.list(self.db, PROJECT, limit=9, deployment_id=cell.id))
        return max(found, key=lambda one: one.created_at)

    def content(self, cloud: MemoryCloud) -> bytes:
        """Of the only image of a cloud."""
        (data,) = cloud.data.values()
        return data


class TestDisks(DiskCase):
    def test_the_disk_in_the_file(self) -> None:
        self.start()
        self.save(self.image_id, blocks=True)
        cell = self.wait_cell(self.image_id, "blocks", "active")
        self.assertTrue(self.content(self.blocks) == DISK)
        (remote,) = self.blocks.images.values()
        self.assertEqual("raw", remote.disk_format)
        self.assertTrue(cell.as_disk)
        self.assertEqual(["file"], [one["item"] for one in cell.not_carried])
        image = self.image(self.image_id)
        self.assertEqual((len(DISK), 1024), (image.disk.size, image.disk.data))
        self.assertEqual(SHA256, image.disk.digests["sha256"])
        self.assertEqual(len(FILE), image.size)
        transfer = self.transfer("blocks")
        self.assertIn("convert qcow2 -> blocks, 0.1 MiB of 0.1 MiB", transfer.reason or "")
        self.assertEqual(self.columns["alto"], transfer.source_credential_id)

    def test_files_and_disks_need_one_read(self) -> None:
        dair, more = self.cloud("dair"), self.disks("more")
        self.save(self.image_id, blocks=True, dair=True, more=True)
        self.start()
        for name in ("blocks", "dair", "more"):
            self.wait_cell(self.image_id, name, "active")
        self.assertEqual(1, self.alto.reads)
        self.assertTrue(self.content(dair) == FILE)
        self.assertTrue(self.content(self.blocks) == self.content(more) == DISK)
        self.assertFalse(self.cell(self.image_id, "dair").as_disk)

    def test_a_scan_finds_what_it_should(self) -> None:
        self.start()
        self.save(self.image_id, blocks=True)
        cell = self.wait_cell(self.image_id, "blocks", "active")
        self.scan("blocks")
        self.assertEqual("active", self.cell(self.image_id, "blocks").status)
        self.blocks.change(cell.remote_id or "", size=len(FILE))
        self.scan("blocks")
        self.assertNotEqual("active", self.cell(self.image_id, "blocks").status)

    def test_a_copy_that_drifted_is_held_against_the_disk(self) -> None:
        manager = self.start()
        self.save(self.image_id, blocks=True)
        cell = self.wait_cell(self.image_id, "blocks", "active")
        remote = self.blocks.images.pop(cell.remote_id or "")
        self.scan("blocks")
        self.wait_cell(self.image_id, "blocks", "drifted")
        self.blocks.images[remote.id] = remote
        actions.on_deployment(self.db, PROJECT, "retry", cell.id)
        manager.wake()
        self.wait_cell(self.image_id, "blocks", "active")
        self.assertEqual([remote.id], [*self.blocks.images])
        self.assertTrue(self.cell(self.image_id, "blocks").as_disk)

    def test_only_the_disk_is_left(self) -> None:
        """Everybody gets it; and it is known for what it is."""
        self.start()
        self.save(self.image_id, blocks=True)
        self.wait_cell(self.image_id, "blocks", "active")
        gone = self.cell(self.image_id, "alto")
        del self.alto.images[gone.remote_id or ""]
        self.scan("alto")
        self.wait_cell(self.image_id, "alto", "drifted")
        dair = self.cloud("dair")
        self.save(self.image_id, dair=True)
        cell = self.wait_cell(self.image_id, "dair", "active")
        self.assertTrue(self.content(dair) == DISK)
        self.assertTrue(cell.as_disk)
        known = self.image(self.image_id).disk.digests
        self.assertEqual({"sha256", "sha512"}, {*known})
        self.assertEqual("raw", dair.images[cell.remote_id or ""].disk_format)
        self.scan("dair")
        self.assertEqual("active", self.cell(self.image_id, "dair").status)

    def test_an_uploaded_file_is_kept_while_sites_hold_only_the_disk(self) -> None:
        self.start()
        self.save(self.image_id, blocks=True)
        self.wait_cell(self.image_id, "blocks", "active")
        with self.db.writer() as session:
            session.get_one(models.Image, self.image_id).kept = "store/file"
            session.query(models.Deployment).filter_by(
                credential_id=self.columns["alto"]
            ).one().wanted = False
        self.assertEqual([], [*contents.settled(self.db)])


class TestRefusals(DiskCase):
    def assert_refused(self, code: str, image_id: str, **options: Any) -> None:
        """The disk is refused; the file goes on its way all the same."""
        dair = self.cloud("dair")
        self.save(image_id, blocks=True, dair=True)
        self.start(**options)
        cell = self.wait_cell(image_id, "blocks", "failed")
        self.assertEqual(code, cell.error_code)
        self.wait_cell(image_id, "dair", "active")
        self.assertEqual(({}, 1), (self.blocks.images, len(dair.images)))

    def test_files_whose_disk_is_not_read(self) -> None:
        made = Made({}, 512, header={"backing": 112, "backing_size": 9})
        self.assert_refused("image.disk_refused", self.registered(made.file()))

    def test_an_entry_that_makes_no_sense(self) -> None:
        file = bytearray(FILE)
        file[2 * 512 :] = b"\x55" * len(file[2 * 512 :])
        self.assert_refused("image.disk_refused", self.registered(bytes(file)))

    def test_no_folder(self) -> None:
        self.assert_refused(
            "transfer.unpack_no_room", self.image_id, unpack_dir="/nonexistent", attempts=2
        )

    def test_a_file_that_is_not_the_catalogues(self) -> None:
        (remote_id,) = self.alto.images
        self.alto.data[remote_id] = altered(FILE)
        self.save(self.image_id, blocks=True)
        self.start(attempts=1)
        cell = self.wait_cell(self.image_id, "blocks", "failed")
        self.assertEqual("content.mismatch", cell.error_code)
        self.assertEqual({}, self.blocks.images)
        self.assertIsNone(self.image(self.image_id).disk)

    def test_a_cancel_while_blocks_are_sent(self) -> None:
        self.blocks.gate = threading.Event()
        self.addCleanup(self.blocks.gate.set)
        manager = self.start()
        self.save(self.image_id, blocks=True)
        self.assertTrue(self.blocks.reached.wait(30))
        actions.on_deployment(self.db, PROJECT, "cancel", self.cell(self.image_id, "blocks").id)
        manager.wake()
        self.wait(lambda: self.transfer("blocks").state == "cancelled")
        self.wait(lambda: not self.blocks.images)

    def test_a_site_that_breaks_gets_the_disk_again(self) -> None:
        self.blocks.faults["upload"] = exception.SiteBusy(reason="too busy")
        self.save(self.image_id, blocks=True)
        self.start(attempts=100)
        self.wait(lambda: self.transfer("blocks").error_code == "site.busy")
        del self.blocks.faults["upload"]
        self.wait_cell(self.image_id, "blocks", "active")
        self.assertTrue(self.content(self.blocks) == DISK)
