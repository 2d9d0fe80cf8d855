"""Removals, and what scans make of what they see."""

from __future__ import annotations

import os

import fixtures

from glint import exception
from glint.db import actions, credentials, events, images, inventory, operations, scans
from glint.objects import Event, WishedChange
from tests.unit.conductor.base import PROJECT, ConductorTestCase

DATA = os.urandom(50_000)


class TestRemovals(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alto = self.cloud("alto")
        self.dair = self.cloud("dair")
        self.source_id = self.alto.put("cirros", DATA)
        self.image_id = self.register("alto", self.source_id)
        self.save(self.image_id, dair=True)
        self.start()
        self.wait_cell(self.image_id, "dair", "active")

    def wish_away(self, name: str, **flags: bool) -> None:
        change = WishedChange(self.image_id, self.columns[name], False, **flags)
        operations.save(self.db, PROJECT, [change])

    def test_removes_what_glint_made(self) -> None:
        self.wish_away("dair")
        cell = self.wait_cell(self.image_id, "dair", "absent")
        self.assertIsNone(cell.remote_id)
        self.assertEqual({}, self.dair.images)

    def test_foreign_images_stay_without_the_switch(self) -> None:
        self.assertRaises(exception.ForeignImage, self.wish_away, "alto")
        self.assertIn(self.source_id, self.alto.images)
        self.wish_away("alto", allow_foreign=True)
        self.wait_cell(self.image_id, "alto", "absent")

    def test_the_last_copy_needs_its_switch(self) -> None:
        self.wish_away("alto", allow_foreign=True)
        self.wait_cell(self.image_id, "alto", "absent")
        self.assertRaises(exception.LastCopy, self.wish_away, "dair")
        self.wish_away("dair", allow_last_copy=True)
        self.wait_cell(self.image_id, "dair", "absent")

    def test_protected_copies_stay(self) -> None:
        copy = self.cell(self.image_id, "dair").remote_id or ""
        self.dair.change(copy, protected=True)
        self.wish_away("dair")
        cell = self.wait_cell(self.image_id, "dair", "failed")
        self.assertEqual("deployment.protected", cell.error_code)
        self.assertIn(copy, self.dair.images)

    def test_a_copy_deleted_behind_our_back_is_drift_and_repaired_by_a_save(self) -> None:
        copy = self.cell(self.image_id, "dair").remote_id or ""
        self.dair.images.pop(copy)
        self.scan("dair")
        cell = self.wait_cell(self.image_id, "dair", "drifted")
        self.assertEqual("deployment.missing", cell.error_code)
        self.save(self.image_id, dair=True)
        self.wait_cell(self.image_id, "dair", "active")

    def test_other_content_is_drift_and_replaced_before_it_is_retired(self) -> None:
        copy = self.cell(self.image_id, "dair").remote_id or ""
        self.dair.change(copy, os_hash_value="0" * 128)
        self.scan("dair")
        self.assertEqual(
            "content.mismatch", self.wait_cell(self.image_id, "dair", "drifted").error_code
        )
        self.save(self.image_id, dair=True)
        cell = self.wait_cell(self.image_id, "dair", "active")
        self.wait(lambda: [*self.dair.images] == [cell.remote_id])
        self.assertNotEqual(copy, cell.remote_id)

    def test_drift_is_repaired_by_itself_where_the_image_says_so(self) -> None:
        copy = self.cell(self.image_id, "dair").remote_id or ""
        images.update(self.db, PROJECT, self.image_id, repair=True)
        for number in (1, 2):
            if number == 1:
                self.dair.images.pop(copy)
            else:
                self.dair.change(copy, os_hash_value="0" * 128)
            self.scan("dair")
            cell = self.wait_cell(self.image_id, "dair", "active")
            self.wait(lambda: len(self.dair.images) == 1)
            self.assertNotEqual(copy, cell.remote_id)
            copy = cell.remote_id or ""
            drifts = [one for one in self.history() if one.action == "deployment.drift"]
            self.assertEqual(number, len(drifts))

    def test_a_deactivated_copy_waits_for_somebody_who_asks(self) -> None:
        """Whoever deactivated it had a reason."""
        images.update(self.db, PROJECT, self.image_id, repair=True)
        copy = self.cell(self.image_id, "dair").remote_id or ""
        self.dair.change(copy, status="deactivated")
        self.scan("dair")
        cell = self.wait_cell(self.image_id, "dair", "drifted")
        self.assertEqual("deployment.not_active", cell.error_code)
        self.assertEqual([copy], [*self.dair.images])

    def test_a_copy_without_its_stamp_is_not_ours_any_more(self) -> None:
        copy = self.cell(self.image_id, "dair").remote_id or ""
        self.dair.change(copy, properties={"os_distro": "debian"})
        self.scan("dair")
        cell = self.wait_cell(self.image_id, "dair", "drifted")
        self.assertEqual("deployment.not_ours", cell.error_code)
        # Asked to mend it, Glint takes the content for what it is: there, and somebody else's.
        actions.on_deployment(self.db, PROJECT, "retry", cell.id)
        cell = self.wait_cell(self.image_id, "dair", "active")
        self.assertEqual((copy, False), (cell.remote_id, cell.stamped))
        self.assertRaises(exception.ForeignImage, self.wish_away, "dair")

    def history(self) -> list[Event]:
        return [*events.list(self.db, PROJECT, limit=200, image_id=self.image_id)]

    def test_orphans_with_our_stamp_go_foreign_ones_stay(self) -> None:
        cell = self.cell(self.image_id, "dair")
        stamp = self.dair.images[cell.remote_id or ""].properties
        orphan = self.dair.put("half", b"", status="saving", properties=dict(stamp))
        foreign = self.dair.put("theirs", b"", status="queued", properties={})
        other = {**stamp, "glint_deployment": "of-another-glint"}
        theirs = self.dair.put("theirs", b"", status="saving", properties=other)
        self.scan("dair")
        self.wait(lambda: orphan not in self.dair.images)
        self.assertIn(foreign, self.dair.images)
        self.assertIn(theirs, self.dair.images)
        self.assertIn(cell.remote_id, self.dair.images)

    def test_a_copy_that_came_while_the_site_was_listed_is_not_missed(self) -> None:
        column = credentials.get(self.db, PROJECT, self.columns["dair"])
        claim = scans.claim_scan(self.db, "me", interval=0.0, lease=60.0)
        while claim is not None and claim.id != column.id:
            claim = scans.claim_scan(self.db, "me", interval=0.0, lease=60.0)
        before = {**inventory.snapshot(self.db, column.id)}
        cell = self.cell(self.image_id, "dair")
        before[cell.id] = (None, before[cell.id][1])
        found = inventory.record(self.db, column, [], before, "me")
        self.assertEqual(0, found.drifted)
        self.assertEqual("active", self.cell(self.image_id, "dair").status)

    def test_a_scan_that_lost_its_claim_writes_nothing(self) -> None:
        column = credentials.get(self.db, PROJECT, self.columns["dair"])
        before = inventory.snapshot(self.db, column.id)
        self.assertRaises(
            exception.LeaseLost, inventory.record, self.db, column, [], before, "somebody"
        )
        self.assertEqual("active", self.cell(self.image_id, "dair").status)

    def test_an_unreachable_site_makes_its_cells_unknown_and_back(self) -> None:
        self.dair.faults["list"] = exception.SiteUnreachable(url="d", reason="dead")
        manager = self.start()
        manager.scan(self.columns["dair"])
        self.wait_cell(self.image_id, "dair", "unknown")
        self.dair.faults.clear()
        manager.scan(self.columns["dair"])
        self.wait_cell(self.image_id, "dair", "active")


class TestImagesOfOthers(ConductorTestCase):
    """What a column registers besides its own project's images."""

    def setUp(self) -> None:
        super().setUp()
        self.alto = self.cloud("alto")
        other = {"owner": "somebody"}
        self.public = self.alto.put("public", b"p" * 9, visibility="public", **other)
        self.alto.put("shared", b"s" * 9, visibility="shared", **other)
        self.alto.put("secret", b"x" * 9, visibility="private", **other)
        self.alto.put("mine", b"m" * 9)

    def names(self) -> list[str]:
        return sorted(one.name for one in images.list(self.db, PROJECT, limit=10))

    def choose(self, *register: str) -> None:
        credentials.update(self.db, PROJECT, self.columns["alto"], register=register)
        self.scan("alto")

    def test_only_what_is_chosen(self) -> None:
        self.scan("alto")
        self.assertEqual(["mine"], self.names())
        self.choose("public")
        self.assertEqual(["mine", "public"], self.names())
        self.choose("public", "shared")
        self.assertEqual(["mine", "public", "shared"], self.names())

    def test_what_is_there_stays_and_is_looked_after(self) -> None:
        self.choose("public")
        (image,) = (i for i in images.list(self.db, PROJECT, limit=10) if i.name == "public")
        self.choose()
        self.assertEqual(["mine", "public"], self.names())
        self.assertEqual("active", self.cell(image.id, "alto").status)
        self.alto.images.pop(self.public)
        self.scan("alto")
        cell = self.cell(image.id, "alto")
        self.assertEqual(("drifted", "deployment.missing"), (cell.status, cell.error_code))

    def test_one_that_was_registered_by_its_id_does_not_drift(self) -> None:
        image_id = self.register("alto", self.public)
        self.scan("alto")
        self.assertEqual("active", self.cell(image_id, "alto").status)

    def test_of_very_many_unlisted_ones_some_are_not_judged(self) -> None:
        image_id = self.register("alto", self.public)
        self.useFixture(fixtures.MonkeyPatch("glint.conductor.scanning.LOOKS", 0))
        self.alto.images.pop(self.public)
        self.scan("alto")
        self.assertEqual("active", self.cell(image_id, "alto").status)

    def test_a_forged_stamp_says_nothing(self) -> None:
        """Another project cannot have its image taken for a half-made copy of ours, or removed."""
        dair = self.cloud("dair")
        (source,) = (ident for ident, one in self.alto.images.items() if one.name == "mine")
        image_id = self.register("alto", source)
        self.save(image_id, dair=True)
        self.start()
        held = self.wait_cell(image_id, "dair", "active").remote_id or ""
        stamp = dict(dair.images[held].properties)
        forged = dair.put(
            "forged", b"f" * 9, owner="somebody", visibility="public", properties=stamp
        )
        credentials.update(self.db, PROJECT, self.columns["dair"], register=["public"])
        self.scan("dair")
        self.assertIn("forged", self.names())
        self.assertIn(forged, dair.images)
