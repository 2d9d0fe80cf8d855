"""How bytes would come and what stands against them, without a system."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import testtools

from glint import exception, methods, objects, plan
from glint.methods import Column, Holder, choose_method
from glint.plan import Claims, Situation, foresee
from glint.states import DeploymentStatus as S
from glint.states import PlannedAction, SiteHealth, TransferMethod
from tests.unit.test_plan import IMAGE, NOW, cell

MIB = 1024**2
EAST = {"auth_url": "https://duo.example.org:5000", "region": "east"}
WEST = {"auth_url": "https://duo.example.org:5000/v3/", "region": "west"}
FACTS = {"import_methods": ["web-download", "glance-download"]}


def column(
    name: str,
    connection: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    project: str | None = "remote",
    **values: Any,
) -> Column:
    """A column; ``values`` are the site's."""
    blank = objects.Site(
        id=f"site {name}", name=name, type="openstack", project_id="p", connection=connection or {},
        enabled=True, home=False, health=SiteHealth.OK, health_code=None, health_detail=None,
        health_at=None, max_transfers=4, bandwidth=None, hours=None, facts={"hash_algo": "sha512"},
        generation=1, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    credential = objects.Credential(
        id=f"credential {name}", site_id=blank.id, site_name=name, project_id="p", user_id=None,
        name=f"{name} (hep)", auth={}, managed=False, remote_project_id=project,
        remote_project_name="hep", verified_at=None, scanned_at=None, facts=facts,
        error_code=None, error_detail=None, generation=1, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return Column(credential, dataclasses.replace(blank, **values))


def holder(at: Column, visibility: str | None = None, status: S = S.ACTIVE) -> Holder:
    return Holder(cell(at.site.name, status, remote_id="r"), at, visibility)


SOURCE = column("EAST", EAST)
TARGET = column("WEST", WEST, FACTS)


class TestMethod(testtools.TestCase):
    def choose(self, target: Column, *holders: Holder, **image: Any) -> methods.Choice:
        return choose_method(dataclasses.replace(IMAGE, **image), target, holders)

    def assert_streamed(self, choice: methods.Choice, why: str) -> None:
        self.assertEqual((TransferMethod.STREAM, None), (choice.method, choice.source))
        self.assertIn(why, choice.reason)

    def test_import(self) -> None:
        choice = self.choose(TARGET, holder(SOURCE))
        self.assertEqual((TransferMethod.IMPORT, SOURCE), (
            choice.method, choice.source and choice.source.column))  # fmt: skip
        self.assertIn("EAST is another region", choice.reason)

    def test_targets_that_import_nothing(self) -> None:
        staging = {"staging_bytes": {"used": 5, "limit": 5, "free": 9}}
        other = dataclasses.replace(TARGET.site, facts={"hash_algo": "sha256"})
        table: list[tuple[Column, str]] = [
            (column("W", WEST, None), "does not offer"),
            (column("W", WEST, {}), "does not offer"),
            (column("W", WEST, {"import_methods": ["web-download"]}), "does not offer"),
            (column("W", {"bucket": "b"}, FACTS), "does not offer"),
            (column("W", {**WEST, "server_side_import": False}, FACTS), "server_side_import"),
            (column("W", WEST, FACTS, bandwidth=10), "bandwidth is limited"),
            (dataclasses.replace(TARGET, site=other), "hashed anyway (sha256"),
            (column("W", WEST, {**FACTS, "quota": staging}), "quota for imports"),
        ]
        for target, why in table:
            self.assert_streamed(self.choose(target, holder(SOURCE)), why)

    def test_images_that_are_not_imported(self) -> None:
        table: list[tuple[dict[str, Any], str]] = [
            ({"disk_format": ""}, "no formats"),
            ({"container_format": ""}, "no formats"),
            ({"digests": {}}, "hashed anyway"),
        ]
        for image, why in table:
            self.assert_streamed(self.choose(TARGET, holder(SOURCE), **image), why)

    def test_sources_that_the_target_cannot_fetch_from(self) -> None:
        elsewhere = {**EAST, "auth_url": "https://other.example.org:5000"}
        nowhere = {"auth_url": EAST["auth_url"]}
        table: list[tuple[Holder, str]] = [
            (holder(column("A", elsewhere)), "has the same Keystone"),
            (holder(column("A", {"bucket": "b"})), "has the same Keystone"),
            (holder(column("A", EAST, type="other")), "has the same Keystone"),
            (holder(column("A", nowhere)), "name their regions"),
            (holder(column("A", WEST)), "same region"),
            (holder(SOURCE, status=S.UNKNOWN), "cannot be read now"),
            (holder(column("A", EAST, enabled=False)), "cannot be read now"),
            (holder(column("A", EAST, bandwidth=10)), "bandwidth of A is limited"),
            (holder(column("A", EAST, project="theirs")), "belongs to another project"),
            (holder(column("A", EAST, project=None)), "belongs to another project"),
            (holder(column("A", EAST, project="theirs"), "shared"), "another project"),
        ]
        for source, why in table:
            self.assert_streamed(self.choose(TARGET, source), why)
        self.assert_streamed(self.choose(TARGET), "no site that holds it")

    def test_images_that_all_projects_can_read(self) -> None:
        for visibility in ("public", "community"):
            theirs = holder(column("A", EAST, project="theirs"), visibility)
            self.assertEqual(TransferMethod.IMPORT, self.choose(TARGET, theirs).method)

    def test_an_unknown_project_is_not_the_same_one(self) -> None:
        target = column("W", WEST, FACTS, project=None)
        source = holder(column("A", EAST, project=None))
        self.assert_streamed(self.choose(target, source), "another project")

    def test_the_best_source_that_can_be_fetched_from(self) -> None:
        far = holder(column("FAR", {**EAST, "auth_url": "https://far.example.org"}))
        choice = self.choose(TARGET, far, holder(SOURCE))
        self.assertEqual("EAST", choice.source and choice.source.column.site.name)

    def test_of_several_obstacles_the_nearest_is_told(self) -> None:
        far = holder(column("FAR", {**EAST, "auth_url": "https://far.example.org"}))
        theirs = holder(column("A", EAST, project="theirs"))
        self.assert_streamed(self.choose(TARGET, theirs, far), "belongs to another project")

    def test_a_site_whose_hash_is_not_known_yet_imports(self) -> None:
        site = dataclasses.replace(TARGET.site, facts={})
        choice = self.choose(dataclasses.replace(TARGET, site=site), holder(SOURCE))
        self.assertEqual(TransferMethod.IMPORT, choice.method)

    def test_a_disk_is_no_source_of_an_import(self) -> None:
        disk = dataclasses.replace(holder(SOURCE).cell, as_disk=True)
        self.assert_streamed(self.choose(TARGET, Holder(disk, SOURCE)), "not the file")


class TestConversion(testtools.TestCase):
    def test_what_is_told(self) -> None:
        packed = dataclasses.replace(IMAGE, disk_format="qcow2", size=320 * MIB)
        known = dataclasses.replace(packed, disk=objects.Disk(10 * 1024 * MIB, 312 * MIB, {}))
        unpacks = objects.Grants(unpacked=("qcow2",), price=0.0123)
        plain = objects.Grants(unpacked=("qcow2",))
        for image, grants, told in (
            (known, plain, "convert qcow2 -> blocks, 312 MiB of 10 GiB"),
            (packed, plain, "convert qcow2 -> blocks, about 320 MiB"),
            (known, unpacks, "convert qcow2 -> blocks, 312 MiB of 10 GiB, at most $0.0037"),
            (dataclasses.replace(packed, disk_format="raw"), unpacks, "at most $0.0038"),
            (known, objects.Grants(), ""),
            (dataclasses.replace(packed, size=None), unpacks, "convert qcow2 -> blocks"),
        ):
            self.assertEqual(told, methods.conversion(image, grants))


class TestQuota(testtools.TestCase):
    @staticmethod
    def small(name: str, free: int | None, claims: Claims | None = None) -> str | None:
        quota = {name: objects.Quota(7, None if free is None else 7 + free, free)}
        return plan.too_small(IMAGE, objects.Grants(quota=quota), claims or Claims())

    def test_bytes(self) -> None:
        size = IMAGE.size or 0
        for free, claimed, fits in (
            (size, 0, True),
            (size - 1, 0, False),
            (size, 1, False),
            (size - 1, -1, True),
            (None, 10**12, True),
        ):
            told = self.small("bytes", free, Claims(bytes=claimed))
            self.assertEqual(fits, told is None, f"{free}, {claimed}")

    def test_images(self) -> None:
        for free, claimed, fits in ((1, 0, True), (0, 0, False), (1, 1, False), (None, 9, True)):
            told = self.small("images", free, Claims(images=claimed))
            self.assertEqual(fits, told is None, f"{free}, {claimed}")

    def test_staging_is_no_reason_against_a_stream(self) -> None:
        self.assertIsNone(self.small("staging_bytes", 0))

    def test_what_is_not_known_is_no_reason(self) -> None:
        self.assertIsNone(plan.too_small(IMAGE, objects.Grants()))
        self.assertIsNone(plan.not_accepted(IMAGE, objects.Grants()))

    def test_formats(self) -> None:
        grants = objects.Grants(disk_formats=("qcow2",), container_formats=("bare",))
        self.assertIn("disk format is raw", plan.not_accepted(IMAGE, grants) or "")
        unnamed = dataclasses.replace(IMAGE, disk_format="")
        self.assertIsNone(plan.not_accepted(unnamed, grants))


class TestGrants(testtools.TestCase):
    def test_nothing(self) -> None:
        self.assertEqual(objects.Grants(), objects.Grants.read(None))
        self.assertEqual(objects.Grants(), objects.Grants.read({}))

    def test_all(self) -> None:
        found = objects.Grants.read(
            {
                "quota": {"bytes": {"used": 1, "limit": 2, "free": 1}},
                "quota_at": "2026-01-01T00:00:00.5Z",
                "disk_formats": ["raw"],
                "seen_at": "2026-01-01T00:00:00Z",
            }
        )
        self.assertEqual({"bytes": objects.Quota(1, 2, 1)}, found.quota)
        self.assertEqual(NOW + datetime.timedelta(seconds=0.5), found.quota_at)
        self.assertEqual((("raw",), None, NOW), (
            found.disk_formats, found.container_formats, found.seen_at))  # fmt: skip


class TestForecast(testtools.TestCase):
    def foresee(self, mine: objects.Deployment, **more: Any) -> plan.Forecast:
        source = holder(SOURCE)
        values: dict[str, Any] = {
            "image": IMAGE, "cell": mine, "column": TARGET, "seen": (), "others": [source.cell],
            "holders": [source], **more,
        }  # fmt: skip
        return foresee(Situation(**values), NOW)

    def test_actions(self) -> None:
        wished, held = cell("b", S.QUEUED), {"remote_id": "r", "stamped": True}
        gone = cell("b", S.QUEUED, wanted=False, **held)
        stream = column("W", WEST)
        table: list[tuple[plan.Forecast, PlannedAction, int | None]] = [
            (self.foresee(wished), PlannedAction.IMPORT, IMAGE.size),
            (self.foresee(wished, column=stream), PlannedAction.COPY, IMAGE.size),
            (self.foresee(cell("b", S.QUEUED, remote_id="r")), PlannedAction.ADOPT, 0),
            (self.foresee(gone), PlannedAction.REMOVE, 0),
            (self.foresee(cell("b", S.QUEUED, wanted=False)), PlannedAction.NOTHING, 0),
            (self.foresee(wished, others=[], holders=[]), PlannedAction.REFUSED, 0),
        ]
        for forecast, action, size in table:
            self.assertEqual((action, size), (forecast.action, forecast.bytes))
            self.assertTrue(forecast.reason)

    def test_refusals(self) -> None:
        wished = cell("b", S.QUEUED)
        away = cell("b", S.QUEUED, wanted=False, remote_id="r", stamped=True)
        full = {"bytes": {"used": 5, "limit": 5, "free": 0}}
        then = f"{NOW.isoformat()}Z"
        small = column("W", WEST, {"quota": full, "quota_at": then})
        wrong = column("W", WEST, {"disk_formats": ["iso"], "seen_at": then})
        off = column("W", WEST, enabled=False)
        table: list[tuple[plan.Forecast, type[exception.GlintError], bool]] = [
            (self.foresee(wished, column=small), exception.QuotaTooSmall, True),
            (self.foresee(wished, column=small, busy=True), exception.QuotaTooSmall, False),
            (self.foresee(wished, column=wrong), exception.FormatNotAccepted, True),
            (self.foresee(wished, column=off), exception.SiteDisabled, True),
            (self.foresee(wished, others=[]), exception.ImageHasNoSource, True),
            (self.foresee(away, others=[]), exception.LastCopy, True),
            (self.foresee(away, protected=True), exception.ProtectedImage, True),
            (self.foresee(cell("b", S.QUEUED, wanted=False, remote_id="r")),
             exception.ForeignImage, True),
        ]  # fmt: skip
        for forecast, kind, firm in table:
            self.assertEqual(PlannedAction.REFUSED, forecast.action)
            self.assertIsInstance(forecast.refusal, kind)
            self.assertEqual(firm, forecast.firm, kind.code)

    def test_old_news_only_warn(self) -> None:
        full = {"bytes": {"used": 5, "limit": 5, "free": 0}}
        for age, action in ((plan.FRESH, "refused"), (plan.FRESH * 1.01, "import")):
            then = f"{(NOW - age).isoformat()}Z"
            old = column("W", WEST, {**FACTS, "quota": full, "quota_at": then})
            forecast = self.foresee(cell("b", S.QUEUED), column=old)
            self.assertEqual(action, forecast.action)
            self.assertIn("5 of 5 are used", forecast.reason)
