"""What a Save would do, told before any byte moves; and quotas that are really too small."""

from __future__ import annotations

from glint.client import Conflict, Resource
from tests.functional.base import MIB, GlintTestCase, change
from tests.functional.plancase import PUT_FILE, PlanCase
from tests.functional.service import eventually
from tests.minicloud.testcase import some_bytes

RECORDS = r"/v2/images$"


class DryRunTest(PlanCase):
    def test_each_kind(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(MIB)
        image = self.registered(home, data, "one")
        copy = self.planned(image, dair)
        self.assertEqual(("copy", "stream", len(data)), (
            copy["action"], copy["method"], copy["bytes"]))  # fmt: skip
        self.assertTrue(copy["reason"])
        self.assertEqual("nothing", self.planned(image, home)["action"])
        self.assertEqual("nothing", self.planned(image, dair, False)["action"])
        self.assert_would_refuse(self.planned(image, home, False), "deployment.not_made_by_glint")
        away = self.planned(image, home, False, allow_foreign=True)
        self.assert_would_refuse(away, "deployment.last_copy")

        self.assert_done(self.user.save(change(image, dair)))

        self.assertEqual("remove", self.planned(image, dair, False)["action"])
        gone = self.planned(image, home, False, allow_foreign=True)
        self.assertEqual("remove", gone["action"])
        both = [change(image, home, False, allow_foreign=True), change(image, dair, False)]
        for cell in self.plan(*both)["cells"]:
            self.assert_would_refuse(cell, "deployment.last_copy")
        self.user.client.sites.update(dair["site_id"], enabled=False)
        self.assert_would_refuse(self.planned(image, dair, False), "site.disabled")

    def test_content_that_a_scan_has_found(self) -> None:
        """The cell was wished away, so that the inventory alone knows what is there."""
        home, dair = self.two_columns()
        data = some_bytes(MIB)
        image = self.registered(home, data, "common")
        self.assert_done(self.user.save(change(image, dair)))
        self.assert_done(self.user.save(change(image, dair, False)))
        theirs = self.dair_images.add(data, "theirs")
        self.user.scan(dair)
        cell = self.planned(image, dair)
        self.assertEqual(("adopt", None, 0), (cell["action"], cell["method"], cell["bytes"]))
        self.assert_done(self.user.save(change(image, dair)))
        self.assertEqual(theirs, self.user.cell(image, dair)["remote_id"])

    def test_a_protected_copy(self) -> None:
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(MIB), "guarded", protected=True)
        self.assert_done(self.user.save(change(image, dair)))
        self.assert_would_refuse(self.planned(image, dair, False), "deployment.protected")
        self.dair_images.change(self.dair_images.one("guarded")["id"], protected=False)
        self.user.scan(dair)
        self.assertEqual("remove", self.planned(image, dair, False)["action"])

    def test_a_format_that_the_site_does_not_take(self) -> None:
        home, dair = self.two_columns()
        facts = self.user.client.credentials.get(dair["id"])["facts"]
        self.assertEqual(["raw", "qcow2"], facts["disk_formats"])
        # A format whose bytes Glance does not look into.
        formats = {"disk_format": "ami", "container_format": "ami"}
        image = self.registered(home, some_bytes(MIB), "machine", **formats)
        self.assert_would_refuse(self.planned(image, dair), "deployment.format")
        answer = self.user.http.post("/v1/operations", {"changes": [change(image, dair)]})
        self.assert_refused(answer, 409, "deployment.format")


class LimitsTest(PlanCase):
    """Keystone's unified limits."""

    def scanned(self, column: Resource) -> None:
        """Wait for the scan with which each column begins: it would see what comes now."""
        get = self.user.client.credentials.get
        eventually(lambda: get(column["id"])["scanned_at"], "the first scan")

    def test_a_limit_that_is_known(self) -> None:
        self.dair.set_limit("image_size_total", 2)
        sink = self.proxied(self.dair)
        home, dair = self.two_columns()
        quota = self.user.client.credentials.get(dair["id"])["facts"]["quota"]
        self.assertEqual((0, 2 * MIB), (quota["bytes"]["used"], quota["bytes"]["limit"]))
        fits = self.registered(home, some_bytes(3 * MIB - 1, 1), "just fits")
        large = self.registered(home, some_bytes(3 * MIB, 2), "too large")
        self.assertEqual("copy", self.planned(fits, dair)["action"])
        self.assert_would_refuse(self.planned(large, dair), "deployment.quota")
        refusal = self.assertRaises(Conflict, self.user.save, change(large, dair))
        self.assertEqual("deployment.quota", refusal.code)
        self.assertEqual(0, sink.requests("POST", RECORDS))
        # Glance agrees about the byte that decides.
        self.assert_done(self.user.save(change(fits, dair)))
        self.assertEqual(["just fits"], [one["name"] for one in self.dair_images.records()])

    def test_a_limit_that_came_later(self) -> None:
        """What was known allows the Save; the conductor asks again, before any byte."""
        source, sink = self.proxied(self.alto), self.proxied(self.dair)
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(4 * MIB), "large")
        self.scanned(dair)
        self.dair.set_limit("image_size_total", 3)
        source.forget()
        failure = self.assert_failed(self.user.save(change(image, dair)), "site.quota_exceeded")
        self.assertIn(str(4 * MIB), failure["error_detail"])
        self.assertEqual(0, source.requests("GET", PUT_FILE))
        self.assertEqual(0, sink.requests("POST", RECORDS))
        self.assertEqual(0, sink.requests("PUT", PUT_FILE))
        self.assertEqual(1, self.transfer_to(image, dair)["attempts"])
        # What the conductor was told is known to the next Save.
        self.assert_would_refuse(self.planned(image, dair), "deployment.quota")
        self.dair.set_limit("image_size_total", 1000)
        self.user.scan(dair)
        self.assert_done(self.user.save(change(image, dair)))

    def test_a_number_of_images(self) -> None:
        self.dair_images.add(b"there", "there")
        self.dair.set_limit("image_count_total", 1)
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(MIB), "one more")
        self.assert_would_refuse(self.planned(image, dair), "deployment.quota")


class PlainQuotaTest(GlintTestCase):
    """A quota that Glance enforces and tells nobody."""

    overrides = {"dair-glance": {"DEFAULT": {"user_storage_quota": "2MB"}}}

    def test_it_fails_at_once(self) -> None:
        home, dair = self.two_columns()
        self.assertEqual({}, self.user.client.credentials.get(dair["id"])["facts"]["quota"])
        image = self.registered(home, some_bytes(4 * MIB), "large")
        plan = self.user.client.operations.plan([change(image, dair)])
        self.assertEqual(["copy"], [cell["action"] for cell in plan["cells"]])
        self.assert_failed(self.user.save(change(image, dair)), "site.quota_exceeded")
        (transfer,) = self.user.transfers(image_id=image["id"])
        self.assertEqual(1, transfer["attempts"])
        self.assertEqual([], self.dair_images.records())
