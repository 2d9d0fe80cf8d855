"""Dry runs: what a Save would do, told without doing it; and Saves that what is known refuses."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from glint import plan
from glint.db import convert, credentials, inventory, models, processes
from tests.unit.api import fakes
from tests.unit.api.test_operations import SaveTestCase

MIB = 1024**2
SIZE = 1000
OLD = plan.FRESH + datetime.timedelta(minutes=1)


class DryRunTestCase(SaveTestCase):
    def everything(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        with self.db.reader() as session:
            return {
                name: sorted(map(repr, session.execute(sa.select(table)).all()))
                for name, table in processes.METADATA.tables.items()
            }

    def dry(self, *changes: dict[str, Any], who: str = "alice") -> dict[str, Any]:
        """A dry run, which must write nothing and wake nobody."""
        before = self.everything()
        body = {"changes": list(changes)}
        answer = self.call("POST", "/v1/operations?dry_run=true", body, who=who, expect=200)
        self.assertEqual(before, self.everything())
        self.assertEqual([], self.conductor.asked)
        self.assertEqual(["plan"], [*answer.body])
        plan = dict(answer.body["plan"])
        for change, cell in zip(changes, plan["cells"], strict=True):
            for key in ("image_id", "credential_id", "wanted"):
                self.assertEqual(change[key], cell[key])
        return plan

    def one(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """The only cell of a dry run."""
        (cell,) = self.dry(*changes)["cells"]
        return dict(cell)

    def learn(
        self, column: dict[str, Any], *, age: datetime.timedelta | None = None, **facts: Any
    ) -> None:
        """What a scan would have found."""
        credentials.learn(self.db, column["id"], facts)
        if age is not None:
            at = f"{(models.utcnow() - age).isoformat()}Z"
            with self.db.writer() as session:
                row = session.get_one(models.Credential, column["id"])
                row.facts = {**(row.facts or {}), "quota_at": at, "seen_at": at}

    def discover(self, column: dict[str, Any], **changes: Any) -> None:
        """A scan finds an image of somebody else in a column."""
        with self.db.writer() as session:
            row = session.get_one(models.Credential, column["id"])
            inventory.discover(
                session, convert.credential(row), fakes.remote_image("theirs", **changes)
            )

    @staticmethod
    def quota(used: int, limit: int) -> dict[str, Any]:
        return {"bytes": {"used": used, "limit": limit, "free": max(0, limit - used)}}

    def assert_refused(self, cell: dict[str, Any], code: str) -> None:
        self.assertEqual(("refused", code), (cell["action"], cell["error_code"]), str(cell))
        self.assertTrue(cell["error_detail"])
        self.assertEqual((None, 0), (cell["method"], cell["bytes"]))


class DryRunTest(DryRunTestCase):
    def test_a_copy(self) -> None:
        plan = self.dry(self.wish())
        (cell,) = plan["cells"]
        self.assertEqual(
            ("copy", "stream", SIZE, None),
            tuple(cell[k] for k in ("action", "method", "bytes", "error_code")),
        )
        self.assertIn("glance-download", cell["reason"])
        self.assertEqual((SIZE, SIZE), (plan["bytes_to_move"], plan["bytes_to_read"]))

    def test_two_sites_are_one_read(self) -> None:
        self.conductor.remote_project = ("remote-3", "biology")
        third = self.make_credential(self.other_site["id"])
        self.conductor.asked.clear()
        plan = self.dry(self.wish(), self.wish(credential_id=third["id"]))
        self.assertEqual((2 * SIZE, SIZE), (plan["bytes_to_move"], plan["bytes_to_read"]))

    def test_nothing(self) -> None:
        there = self.one(self.wish(credential_id=self.source["id"]))
        self.assertEqual(("nothing", 0), (there["action"], there["bytes"]))
        self.assertEqual("nothing", self.one(self.wish(False))["action"])
        self.save(self.wish())
        self.conductor.asked.clear()
        self.assertIn("so already", self.one(self.wish())["reason"])

    def test_a_transfer_at_work(self) -> None:
        operation = self.save(self.wish())
        ident = self.plan(operation, state="running", live=operation["changes"][0]["deployment_id"])
        with self.db.writer() as session:
            row = session.get_one(models.Deployment, operation["changes"][0]["deployment_id"])
            row.pending, row.status = False, "copying"
        self.conductor.asked.clear()
        self.assertIn(ident, self.one(self.wish())["reason"])
        stopped = self.one(self.wish(False))
        self.assertEqual("nothing", stopped["action"])
        self.assertIn("stopped", stopped["reason"])

    def test_content_that_is_there(self) -> None:
        seen = fakes.remote_image("theirs", name="other")
        with self.db.writer() as session:
            session.add(inventory._row(self.target["id"], seen))
        plan = self.dry(self.wish())
        self.assertEqual(("adopt", None), (plan["cells"][0]["action"], plan["cells"][0]["method"]))
        self.assertEqual((0, 0), (plan["bytes_to_move"], plan["bytes_to_read"]))

    def test_removals(self) -> None:
        away = self.wish(False, credential_id=self.source["id"])
        self.assert_refused(self.one(away), "deployment.not_made_by_glint")
        away["allow_foreign"] = True
        self.assert_refused(self.one(away), "deployment.last_copy")
        away["allow_last_copy"] = True
        self.assertEqual("remove", self.one(away)["action"])

    def test_both_copies_at_once(self) -> None:
        """Each alone would leave a copy."""
        self.discover(self.target)
        flags = {"wanted": False, "allow_foreign": True}
        both = [self.wish(credential_id=c["id"], **flags) for c in (self.source, self.target)]
        self.assertEqual(["remove"], [c["action"] for c in self.dry(both[0])["cells"]])
        for cell in self.dry(*both)["cells"]:
            self.assert_refused(cell, "deployment.last_copy")

    def test_a_protected_copy_as_last_seen(self) -> None:
        """The Save says the same as its dry run, until a scan sees that it was lifted."""
        seen = fakes.remote_image("r1", protected=True)
        with self.db.writer() as session:
            session.add(inventory._row(self.source["id"], seen))
        away = self.wish(
            False, credential_id=self.source["id"], allow_foreign=True, allow_last_copy=True
        )
        self.assert_refused(self.one(away), "deployment.protected")
        body = {"changes": [away]}
        self.refused("deployment.protected", 409, "POST", "/v1/operations", body)
        with self.db.writer() as session:
            session.execute(sa.update(models.Seen).values(protected=False))
        self.save(away)

    def test_a_disabled_site(self) -> None:
        self.call("PATCH", f"/v1/sites/{self.other_site['id']}", {"enabled": False}, expect=200)
        self.conductor.asked.clear()
        self.assert_refused(self.one(self.wish()), "site.disabled")

    def test_no_source(self) -> None:
        with self.db.writer() as session:
            session.execute(sa.update(models.Deployment).values(status="failed"))
        self.assert_refused(self.one(self.wish()), "image.no_source")

    def test_what_is_an_error_of_the_request_stays_one(self) -> None:
        path = "/v1/operations?dry_run=true"
        for code, status, change in (
            ("image.not_found", 404, self.wish(image_id="nothing")),
            ("credential.not_found", 404, self.wish(credential_id="nothing")),
            ("image.generation_conflict", 409, self.wish(generation=99)),
            ("request.invalid", 400, {}),
        ):
            self.refused(code, status, "POST", path, {"changes": [change]})
        twice = {"changes": [self.wish(), self.wish(False)]}
        self.refused("request.invalid", 400, "POST", path, twice)
        self.refused("request.forbidden", 403, "POST", path, {"changes": [self.wish()]}, who="rita")
        wrong = {"changes": [self.wish()]}
        self.refused("request.invalid", 400, "POST", "/v1/operations?dry_run=1", wrong)

    def test_walls(self) -> None:
        path = "/v1/operations?dry_run=true"
        body = {"changes": [self.wish()]}
        self.refused("image.not_found", 404, "POST", path, body, who="carol")
        self.refused("credential.not_found", 404, "POST", path, body, who="bob")

    def test_not_dry(self) -> None:
        body = {"changes": [self.wish()]}
        answer = self.call("POST", "/v1/operations?dry_run=false", body, expect=202)
        self.assertEqual(["operation"], [*answer.body])


class KnownLimitsTest(DryRunTestCase):
    """What sites told lately refuses a Save too; older news do not."""

    def test_quota(self) -> None:
        self.learn(self.target, quota=self.quota(100, 100 + SIZE - 1))
        self.assert_refused(self.one(self.wish()), "deployment.quota")
        answer = self.refuse("deployment.quota", 409, self.wish())
        self.assertIn("CERN (chemistry)", answer.error["detail"])
        self.assertIn("100 of 1099 are used", answer.error["detail"])
        self.learn(self.target, quota=self.quota(100, 100 + SIZE))
        self.assertEqual("copy", self.one(self.wish())["action"])
        self.save(self.wish())

    def test_old_news_about_a_quota(self) -> None:
        self.learn(self.target, age=OLD, quota=self.quota(100, 100))
        cell = self.one(self.wish())
        self.assertEqual("copy", cell["action"])
        self.assertIn("100 of 100 are used", cell["reason"])
        self.save(self.wish())

    def test_number_of_images(self) -> None:
        self.learn(self.target, quota={"images": {"used": 3, "limit": 3, "free": 0}})
        self.assert_refused(self.one(self.wish()), "deployment.quota")

    def test_formats(self) -> None:
        self.learn(self.target, disk_formats=["raw"], container_formats=["bare"])
        cell = self.one(self.wish())
        self.assert_refused(cell, "deployment.format")
        self.assertIn("qcow2", cell["error_detail"])
        self.refuse("deployment.format", 409, self.wish())
        self.learn(self.target, age=OLD, disk_formats=["raw"])
        self.assertEqual("copy", self.one(self.wish())["action"])
        self.save(self.wish())

    def test_images_of_one_save_share_the_quota(self) -> None:
        second = self.make_image(self.source["id"], "r2", os_hash_value="cd" * 64)
        self.conductor.asked.clear()
        self.learn(self.target, quota=self.quota(0, 2 * SIZE - 1))
        both = [self.wish(), self.wish(image_id=second["id"])]
        for change in both:
            self.assertEqual("copy", self.one(change)["action"])
        plan = self.dry(*both)
        self.assertEqual(["copy", "refused"], [cell["action"] for cell in plan["cells"]])
        self.assertEqual(SIZE, plan["bytes_to_move"])
        self.refuse("deployment.quota", 409, *both)

    def test_what_waits_or_came_later_counts(self) -> None:
        second = self.make_image(self.source["id"], "r2", os_hash_value="cd" * 64)
        self.learn(self.target, quota=self.quota(0, 2 * SIZE - 1))
        operation = self.save(self.wish())
        self.conductor.asked.clear()
        other = self.wish(image_id=second["id"])
        # Saved and not planned yet; planned; done since the quota was told.
        self.assert_refused(self.one(other), "deployment.quota")
        cell = operation["changes"][0]["deployment_id"]
        self.plan(operation, live=cell)
        with self.db.writer() as session:
            session.get_one(models.Deployment, cell).pending = False
        self.assert_refused(self.one(other), "deployment.quota")
        with self.db.writer() as session:
            session.execute(
                sa.update(models.Transfer).values(
                    state="done", live=None, finished_at=models.utcnow()
                )
            )
        self.assert_refused(self.one(other), "deployment.quota")
        self.learn(self.target, quota=self.quota(SIZE, 3 * SIZE - 1))
        self.assertEqual("copy", self.one(other)["action"])

    def test_a_removal_may_make_the_room(self) -> None:
        self.discover(self.target, os_hash_value="cd" * 64)
        with self.db.reader() as session:
            query = sa.select(models.Image.id).where(models.Image.os_hash_value == "cd" * 64)
            there = session.scalar(query)
        self.learn(self.target, quota=self.quota(SIZE, SIZE))
        self.assert_refused(self.one(self.wish()), "deployment.quota")
        flags = {"allow_foreign": True, "allow_last_copy": True}
        away = self.wish(False, image_id=there, **flags)
        plan = self.dry(away, self.wish())
        self.assertEqual(["remove", "copy"], [cell["action"] for cell in plan["cells"]])

    def test_a_user_sees_what_the_site_grants(self) -> None:
        self.assertIsNone(self.target["facts"])
        self.learn(self.target, quota=self.quota(1, 2), disk_formats=["raw"])
        path = f"/v1/credentials/{self.target['id']}"
        facts = self.call("GET", path, expect=200).body["credential"]["facts"]
        self.assertEqual(self.quota(1, 2), facts["quota"])
        self.assertEqual({"quota", "quota_at", "disk_formats", "seen_at"}, set(facts))
