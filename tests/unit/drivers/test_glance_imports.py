"""Imports by the site itself, and what a site tells of quotas and formats."""

from __future__ import annotations

from typing import Any

import testtools

from glint import exception
from glint.drivers.base import Import, ImportProgress
from glint.objects import Grants, Quota
from tests.unit.drivers import fakes
from tests.unit.drivers.base import IMAGES, RID, DriverTestCase

SOURCE = "99999999-8888-7777-6666-555555555555"
INFO = f"{fakes.IMAGE_URL}/v2/info"
SCHEMA = f"{fakes.IMAGE_URL}/v2/schemas/image"
MIB = 1024**2


class TestStart(DriverTestCase):
    def start(self, status: int, **answer: Any) -> None:
        self.mock.post(f"{IMAGES}/{RID}/import", status_code=status, **answer)
        self.driver().import_from(RID, "east", SOURCE)

    def test_the_request(self) -> None:
        self.start(202)
        method = {"name": "glance-download", "glance_region": "east", "glance_image_id": SOURCE}
        self.assertEqual({"method": method}, self.sent("POST")[-1].json())

    def test_a_site_that_will_not(self) -> None:
        for status in (400, 403, 404, 405, 409):
            caught = self.assertRaises(exception.ImportFailed, self.start, status, text="It is so.")
            self.assertIn("It is so", str(caught))
            self.assertIn(f"HTTP {status}", str(caught))

    def test_a_site_in_trouble(self) -> None:
        for status, kind in (
            (413, exception.SiteQuotaExceeded),
            (429, exception.SiteBusy),
            (503, exception.SiteBusy),
        ):
            self.assertRaises(kind, self.start, status)

    def test_a_token_that_would_die_on_the_way_is_renewed(self) -> None:
        login = self.login(self.token(1, lifetime=200), self.token(2))
        self.start(202)
        self.assertEqual(2, login.call_count)
        self.assertEqual("token-2", self.sent("POST")[-1].headers["X-Auth-Token"])

    def test_no_id(self) -> None:
        used = self.driver()
        self.assertRaises(exception.SiteImageNotFound, used.import_from, "../x", "east", SOURCE)


class TestProgress(DriverTestCase):
    def progress(self, *tasks: dict[str, Any], **record: Any) -> ImportProgress:
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record(**record))
        if tasks:
            self.mock.get(f"{IMAGES}/{RID}/tasks", json={"tasks": list(tasks)})
        return self.driver().import_progress(RID)

    def test_states(self) -> None:
        lock = {"os_glance_import_task": "t"}
        table: list[tuple[dict[str, Any], Import]] = [
            ({"status": "queued", **lock}, Import.RUNNING),
            ({"status": "importing", **lock}, Import.RUNNING),
            ({"status": "importing", "os_glance_importing_to_stores": "fast"}, Import.RUNNING),
            ({"status": "active"}, Import.DONE),
            ({"status": "active", **lock}, Import.DONE),
            ({"status": "queued", "os_glance_failed_import": "fast", **lock}, Import.FAILED),
            # Seen where the region or the image does not exist: only the lock is gone.
            ({"status": "queued", "os_glance_importing_to_stores": "fast"}, Import.FAILED),
            ({"status": "killed"}, Import.FAILED),
        ]
        self.mock.get(f"{IMAGES}/{RID}/tasks", status_code=404)
        for record, state in table:
            self.assertEqual(state, self.progress(**record).state, str(record))

    def test_bytes_where_they_are_visible(self) -> None:
        lock = {"os_glance_import_task": "t"}
        table: list[tuple[Any, int]] = [(None, 0), (17, 17), (-1, 0), (True, 0), ("17", 0)]
        for size, done in table:
            seen = self.progress(status="importing", size=size, **lock)
            self.assertEqual(done, seen.bytes_done, str(size))

    def test_the_reason_is_that_of_the_newest_failed_task(self) -> None:
        seen = self.progress(
            {"status": "failure", "message": "old", "updated_at": "2026-01-01T00:00:00Z"},
            {
                "status": "failure",
                "message": "Task\x1b failed.",
                "updated_at": "2026-01-02T00:00:00Z",
            },
            {"status": "success", "message": "fine", "updated_at": "2026-01-03T00:00:00Z"},
            status="queued",
        )
        self.assertEqual("Task failed", seen.reason)

    def test_a_reason_holds_no_secret(self) -> None:
        seen = self.progress(
            {"status": "failure", "message": f"with {fakes.SECRET}"}, status="queued"
        )
        self.assertEqual("with ***", seen.reason)

    def test_without_a_task_that_tells(self) -> None:
        answers: list[dict[str, Any]] = [
            {"status_code": 404},
            {"json": {"tasks": []}},
            {"json": {"tasks": [7]}},
            {"json": {}},
            {"json": []},
            {"json": {"tasks": [{"status": "failure", "message": None}]}},
        ]
        for answer in answers:
            self.mock.get(f"{IMAGES}/{RID}/tasks", **answer)
            self.assertEqual("the image went back to queued", self.progress(status="queued").reason)

    def test_gone(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", status_code=404)
        self.assertRaises(exception.SiteImageNotFound, self.driver().import_progress, RID)

    def test_nonsense(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", json=[])
        self.assertRaises(exception.SiteError, self.driver().import_progress, RID)


class TestGrants(DriverTestCase):
    def usage(self, **limits: Any) -> dict[str, Quota]:
        self.mock.get(f"{INFO}/usage", json={"usage": limits})
        return dict(self.driver().quota())

    def test_quota(self) -> None:
        found = self.usage(
            image_size_total={"usage": 3, "limit": 5},
            image_stage_total={"usage": 0, "limit": -1},
            image_count_total={"usage": 3, "limit": 5},
            image_count_uploading={"usage": 0, "limit": 1},
        )
        # Glance takes 2 MiB and a bit: it compares whole MiB, rounded down.
        room = Quota(3 * MIB, 5 * MIB, 3 * MIB - 1)
        self.assertEqual(
            {"bytes": room, "staging_bytes": Quota(0, None, None), "images": Quota(3, 5, 2)}, found
        )

    def test_over_the_limit(self) -> None:
        found = self.usage(
            image_size_total={"usage": 6, "limit": 5}, image_count_total={"usage": 6, "limit": 5}
        )
        self.assertEqual([0, 0], [found[name].free for name in ("bytes", "images")])

    def test_odd_usage(self) -> None:
        odd: list[Any] = [
            {},
            [],
            None,
            {"usage": 1},
            {"usage": "1", "limit": 2},
            {"usage": True, "limit": 2},
            {"usage": 1, "limit": 2.5},
            {"usage": 1, "limit": 10**30},
        ]
        for entry in odd:
            self.assertEqual({}, self.usage(image_size_total=entry), str(entry))

    def test_sites_without_quotas(self) -> None:
        answers: list[dict[str, Any]] = [
            {"json": {"usage": {}}},
            {"json": []},
            {"status_code": 404},
            {"status_code": 403},
            {"status_code": 300, "json": {"versions": []}},
        ]
        for answer in answers:
            self.mock.get(f"{INFO}/usage", **answer)
            self.assertEqual({}, self.driver().quota(), str(answer))

    def test_a_site_in_trouble_is_none_without_quotas(self) -> None:
        self.mock.get(f"{INFO}/usage", status_code=503)
        with testtools.ExpectedException(exception.SiteBusy):
            self.driver().quota()

    def test_all_of_it(self) -> None:
        limits = {"image_size_total": {"usage": 0, "limit": 1}}
        self.mock.get(f"{INFO}/usage", json={"usage": limits})
        self.mock.get(f"{INFO}/import", json={"import-methods": {"value": ["glance-download"]}})
        properties = {
            "disk_format": {"type": ["null", "string"], "enum": [None, "raw", "qcow2", 5]},
            "container_format": {"enum": [None, "bare"]},
        }
        self.mock.get(SCHEMA, json={"properties": properties})
        found = Grants.read(self.driver().grants())
        self.assertEqual({"bytes": Quota(0, MIB, 2 * MIB - 1)}, found.quota)
        self.assertEqual(("raw", "qcow2"), found.disk_formats)
        self.assertEqual(("bare",), found.container_formats)
        self.assertEqual(("glance-download",), found.import_methods)

    def test_an_old_site_tells_nothing(self) -> None:
        for path in (f"{INFO}/usage", f"{INFO}/import", SCHEMA):
            self.mock.get(path, status_code=404)
        self.assertEqual({"quota": {}}, self.driver().grants())

    def test_odd_schemas(self) -> None:
        for path in (f"{INFO}/usage", f"{INFO}/import"):
            self.mock.get(path, status_code=404)
        odd: list[Any] = [[], {}, {"properties": []}, {"properties": {"disk_format": {"enum": 7}}}]
        for body in odd:
            self.mock.get(SCHEMA, json=body)
            self.assertEqual({"quota": {}}, self.driver().grants(), str(body))
