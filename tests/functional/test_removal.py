"""Removing and adopting: what Glint made, what it did not make, and the last copy."""

from __future__ import annotations

from glint.client import Conflict, Resource
from tests.functional.base import LONG, MIB, GlintTestCase, change, named
from tests.functional.faultcase import FILE
from tests.functional.processes import eventually
from tests.minicloud.testcase import some_bytes


class RemovalTest(GlintTestCase):
    def test_gone_from_the_site_and_only_there(self) -> None:
        home, dair = self.two_columns()
        bystander = self.dair_images.add(b"not Glint's", "bystander")
        image = self.registered(home, some_bytes(MIB), "short-lived")
        self.assert_done(self.user.save(change(image, dair)))
        self.assertEqual(2, len(self.dair_images.records()))

        self.assert_done(self.user.save(change(image, dair, False)))

        self.assertEqual([bystander], [one["id"] for one in self.dair_images.records()])
        self.assertEqual(["short-lived"], named(self.alto_images.records()))
        cell = self.user.cell(image, dair)
        self.assertEqual(
            ("absent", False, None), tuple(cell[key] for key in ("status", "wanted", "remote_id"))
        )
        again = self.user.http.post("/v1/operations", {"changes": [change(image, dair, False)]})
        self.assert_refused(again, 409, "operation.no_change")

    def test_and_back_again(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(MIB)
        image = self.registered(home, data, "back")
        for _ in range(2):
            self.assert_done(self.user.save(change(image, dair)))
            self.assert_same_bytes(data, self.dair_images.one("back"))
            self.assert_done(self.user.save(change(image, dair, False)))
            self.assertEqual([], self.dair_images.records())

    def test_a_wish_taken_back_while_it_is_copied(self) -> None:
        sink = self.proxied(self.dair)
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(LONG), "regretted")
        sink.throttle("PUT", FILE, leg="request", rate=2 * MIB)
        first = self.user.client.operations.create([change(image, dair)])
        sink.wait_until(lambda: sink.request_bytes("PUT", FILE) > MIB)
        second = self.user.save(change(image, dair, False))
        self.assertIn(second["state"], ("done", "cancelled"), str(second))
        self.assertEqual("cancelled", self.user.wait(first)["state"])
        eventually(lambda: not self.dair_images.records(), "nothing left at DAIR")
        cell = self.user.cell(image, dair)
        self.assertEqual(("absent", False), (cell["status"], cell["wanted"]))
        self.assertLess(sink.request_bytes("PUT", FILE), LONG)

    def test_the_last_copy_and_the_foreign_one_are_kept(self) -> None:
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(MIB), "precious")

        def refused(code: str, **switches: bool) -> None:
            body = {"changes": [change(image, home, False, **switches)]}
            self.assert_refused(self.user.http.post("/v1/operations", body), 409, code)
            self.assertEqual("active", self.alto_images.one("precious")["status"])

        refused("deployment.last_copy", allow_foreign=True)
        self.assert_done(self.user.save(change(image, dair)))
        refused("deployment.not_made_by_glint")
        self.assert_done(self.user.save(change(image, home, False, allow_foreign=True)))
        self.assertEqual([], self.alto_images.records())
        body = {"changes": [change(image, dair, False)]}
        answer = self.user.http.post("/v1/operations", body)
        self.assert_refused(answer, 409, "deployment.last_copy")
        self.assert_done(self.user.save(change(image, dair, False, allow_last_copy=True)))
        self.assertEqual([], self.dair_images.records())

    def test_both_copies_in_one_save(self) -> None:
        """Each removal alone would leave a copy; together they would not."""
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(MIB), "both")
        self.assert_done(self.user.save(change(image, dair)))
        body = {
            "changes": [
                change(image, home, False, allow_foreign=True),
                change(image, dair, False),
            ]
        }
        answer = self.user.http.post("/v1/operations", body)
        self.assert_refused(answer, 409, "deployment.last_copy")
        for glance in (self.alto_images, self.dair_images):
            self.assertEqual("active", glance.one("both")["status"])

    def test_a_protected_copy_is_kept(self) -> None:
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(MIB), "guarded", protected=True)
        self.assert_done(self.user.save(change(image, dair)))
        copy = self.dair_images.one("guarded")
        self.assertTrue(copy["protected"])
        refusal = self.assertRaises(Conflict, self.user.save, change(image, dair, False))
        self.assertEqual("deployment.protected", refusal.code)
        self.assertEqual("active", self.dair_images.one("guarded")["status"])
        self.dair_images.change(copy["id"], protected=False)
        self.user.scan(dair)
        operation = self.user.save(change(image, dair, False))
        self.assert_done(operation)
        self.assertEqual([], self.dair_images.records())


class AdoptTest(GlintTestCase):
    def test_what_is_there_already_is_not_copied(self) -> None:
        """It came after the last scan, so that only the site itself knows."""
        sink = self.proxied(self.dair)
        data = some_bytes(2 * MIB)
        home, dair = self.two_columns()
        image = self.registered(home, data, "common")
        self.user.scan(dair)
        theirs = self.dair_images.add(data, "common")
        self.assertEqual("absent", self.user.cell(image, dair)["status"])

        self.assert_done(self.user.save(change(image, dair)))

        self.assertEqual(0, sink.requests("PUT", FILE))
        self._assert_theirs(theirs, image, dair)
        (transfer,) = self.user.transfers(image_id=image["id"])
        self.assertEqual(("adopt", 0), (transfer["kind"], transfer["bytes_done"]))
        body = {"changes": [change(image, dair, False)]}
        answer = self.user.http.post("/v1/operations", body)
        self.assert_refused(answer, 409, "deployment.not_made_by_glint")
        self.assert_done(self.user.save(change(image, dair, False, allow_foreign=True)))
        self.assertEqual([], self.dair_images.records())

    def test_what_a_scan_has_found_is_there_already(self) -> None:
        data = some_bytes(MIB)
        theirs = self.dair_images.add(data, "found")
        home, dair = self.two_columns()
        self.user.scan(dair)
        image = self.registered(home, data, "found")
        self._assert_theirs(theirs, image, dair)
        self.assertEqual(1, len(list(self.user.client.images.list())))
        body = {"changes": [change(image, dair)]}
        answer = self.user.http.post("/v1/operations", body)
        self.assert_refused(answer, 409, "operation.no_change")

    def _assert_theirs(self, remote_id: str, image: Resource, credential: Resource) -> None:
        copy = self.dair_images.one(image["name"])
        self.assertEqual(remote_id, copy["id"])
        self.assertNotIn("glint_image", copy)
        cell = self.user.cell(image, credential)
        seen = (cell["status"], cell["remote_id"], cell["stamped"], cell["wanted"])
        self.assertEqual(("active", remote_id, False, True), seen)

    def test_a_name_alone_makes_nothing_the_same(self) -> None:
        other = self.dair_images.add(b"something else", "common")
        home, dair = self.two_columns()
        self.user.scan(dair)
        data = some_bytes(MIB)
        image = self.registered(home, data, "common")
        self.assert_done(self.user.save(change(image, dair)))
        records = {one["id"]: one for one in self.dair_images.records()}
        self.assertEqual(2, len(records))
        self.assertEqual(b"something else", self.dair_images.download(other))
        del records[other]
        (copy,) = records.values()
        self.assert_same_bytes(data, copy)

    def test_two_contents_of_one_name_are_two_rows(self) -> None:
        home = self.user.home(self.alto)
        rows = [self.registered(home, some_bytes(1000, seed), "twins") for seed in (1, 2)]
        self.assertNotEqual(rows[0]["id"], rows[1]["id"])
        shown = list(self.user.client.matrix().images)
        self.assertEqual([["same_name"], ["same_name"]], [row["conflicts"] for row in shown])
