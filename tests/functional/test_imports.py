"""A region of a cloud fetches an image from another one by itself, and Glint touches no byte."""

from __future__ import annotations

from typing import Any

from tests.functional.base import LONG, MIB, change
from tests.functional.plancase import PUT_FILE, RegionsCase
from tests.functional.service import eventually
from tests.minicloud.testcase import some_bytes

LABELS: dict[str, Any] = {
    "min_disk": 3,
    "min_ram": 256,
    "protected": True,
    "os_hidden": True,
    "tags": ["grid", "nightly build"],
    "os_distro": "debian",
    "hw_disk_bus": "virtio",
    "build.id": "4711",
    "note": 'Müller\'s "best" image',
}


class ImportTest(RegionsCase):
    def test_no_byte_passes_through_glint(self) -> None:
        data = some_bytes(4 * MIB + 17)
        image = self.in_the_east(data, "imported", **LABELS)
        cell = self.planned(image, self.west)
        self.assertEqual(("import", "import", len(data)), (
            cell["action"], cell["method"], cell["bytes"]))  # fmt: skip
        plan = self.plan(change(image, self.west))
        self.assertEqual((len(data), 0), (plan["bytes_to_move"], plan["bytes_to_read"]))

        operation = self.assert_done(self.user.save(change(image, self.west)))

        # One read, which is the west's own: Glint sent nothing.
        self.assertEqual(1, self.source.requests("GET", PUT_FILE))
        self.assertEqual(len(data), self.source.response_bytes("GET", PUT_FILE))
        self.assertEqual(0, self.sink.requests("PUT", PUT_FILE))
        self.assertEqual(1, self.sink.requests("POST", "/import$"))
        (copy,) = self.west_images.records()
        self.assert_same_bytes(data, copy)
        self.assertEqual(data, self.west_images.download(copy["id"]))
        (original,) = self.east_images.records()
        self.assertEqual(original["os_hash_value"], copy["os_hash_value"])
        for label in ("name", "disk_format", "container_format", "visibility", *LABELS):
            want = sorted(LABELS["tags"]) if label == "tags" else original[label]
            found = sorted(copy["tags"]) if label == "tags" else copy[label]
            if label != "visibility":
                self.assertEqual(want, found, label)
        self.assertEqual("private", copy["visibility"])
        self.assert_stamped(copy, image)
        self.assertEqual([], [name for name in copy if name.startswith("os_glance_import_task")])
        self.assertEqual(len(data), operation["bytes_done"])
        done = self.transfer_to(image, self.west)
        self.assertEqual(("import", "done", 1), (done["method"], done["state"], done["attempts"]))
        self.assertIn("EAST is another region of the same Keystone", done["reason"])
        self.assertEqual(self.east["id"], done["source_credential_id"])
        seen = self.user.cell(image, self.west)
        self.assertEqual(("active", copy["os_hash_value"]), (
            seen["status"], seen["seen_hash_value"]))  # fmt: skip
        self.assertEqual([], seen["not_carried"])

    def test_a_group_is_partly_imported_and_partly_streamed(self) -> None:
        data = some_bytes(4 * MIB)
        dair = self.user.column("DAIR", self.dair)
        image = self.in_the_east(data, "both")
        both = [change(image, self.west), change(image, dair)]
        plan = self.plan(*both)
        self.assertEqual(["import", "copy"], [cell["action"] for cell in plan["cells"]])
        self.assertEqual((2 * len(data), len(data)), (
            plan["bytes_to_move"], plan["bytes_to_read"]))  # fmt: skip
        self.assert_done(self.user.save(*both))
        self.assertEqual(2, self.source.requests("GET", PUT_FILE))
        self.assertEqual(0, self.sink.requests("PUT", PUT_FILE))
        for glance in (self.west_images, self.dair_images):
            self.assert_same_bytes(data, glance.one("both"))
        self.assertEqual("stream", self.transfer_to(image, dair)["method"])

    def test_a_source_that_breaks_is_streamed(self) -> None:
        data = some_bytes(4 * MIB)
        image = self.in_the_east(data, "broken")
        self.source.cut("GET", PUT_FILE, after=MIB)
        self.assert_done(self.user.save(change(image, self.west)))
        (copy,) = self.west_images.records()
        self.assert_same_bytes(data, copy)
        self.assert_stamped(copy, image)
        done = self.transfer_to(image, self.west)
        self.assertEqual(("stream", 1), (done["method"], done["attempts"]))
        self.assertIn("own import failed", done["reason"])
        events = list(self.user.client.events.list(image_id=image["id"]))
        self.assertIn("site.import_failed", [one["error_code"] for one in events])

    def test_cancel_in_mid_import(self) -> None:
        image = self.in_the_east(some_bytes(LONG), "long")
        self.source.throttle("GET", PUT_FILE, rate=MIB)
        operation = self.user.client.operations.create([change(image, self.west)])
        self.source.wait_until(lambda: self.source.response_bytes("GET", PUT_FILE) > 0)
        (half,) = self.west_images.records()
        self.assertEqual("importing", half["status"])
        self.user.http.post(f"/v1/operations/{operation['id']}/cancel").raise_for_status()
        eventually(lambda: not self.west_images.records(), "the half import is gone", 10)
        self.assertEqual("cancelled", self.user.wait(operation)["state"])
        self.assertEqual("absent", self.user.cell(image, self.west)["status"])

    def test_a_flipped_bit_is_never_active(self) -> None:
        """Glance compares sizes only."""
        image = self.in_the_east(some_bytes(2 * MIB), "flipped")
        self.source.flip("GET", PUT_FILE, at=MIB + 5)
        self.assert_failed(self.user.save(change(image, self.west)), "content.mismatch")
        self.assertEqual([], self.west_images.records())
        self.assertEqual("failed", self.user.cell(image, self.west)["status"])

    def test_a_site_that_is_set_not_to(self) -> None:
        data = some_bytes(MIB)
        image = self.in_the_east(data, "streamed")
        site = self.user.client.sites.get(self.west["site_id"])
        wish = {**site["connection"], "server_side_import": False}
        self.user.client.sites.update(site["id"], connection=wish)
        self.assert_done(self.user.save(change(image, self.west)))
        self.assertEqual(1, self.sink.requests("PUT", PUT_FILE))
        self.assertIn("server_side_import", self.transfer_to(image, self.west)["reason"])


class ForbiddenImportTest(RegionsCase):
    """The west may not fetch from where the east is."""

    source_port = None

    def test_an_import_that_the_site_cannot_do_is_streamed(self) -> None:
        data = some_bytes(2 * MIB)
        image = self.in_the_east(data, "refused", **LABELS)
        self.assert_done(self.user.save(change(image, self.west)))
        self.assertEqual(1, self.sink.requests("POST", "/import$"))
        self.assertEqual(1, self.source.requests("GET", PUT_FILE))
        (copy,) = self.west_images.records()
        self.assert_same_bytes(data, copy)
        self.assertEqual("4711", copy["build.id"])
        done = self.transfer_to(image, self.west)
        self.assertEqual(("stream", "done", 1), (done["method"], done["state"], done["attempts"]))
