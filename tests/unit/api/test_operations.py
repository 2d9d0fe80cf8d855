"""Saves, and what they look like in matrix, deployments, transfers and history."""

from __future__ import annotations

import datetime
from typing import Any

from glint.db import models
from glint.db import sites as db_sites
from glint.objects import Scope
from tests.unit.api.base import ApiTestCase


class SaveTestCase(ApiTestCase):
    """One image at DAIR, and a second column to wish it to."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site()
        self.source = self.make_credential(self.site["id"])
        self.other_site = self.make_site("CERN")
        self.conductor.remote_project = ("remote-2", "chemistry")
        self.target = self.make_credential(self.other_site["id"])
        self.image = self.make_image(self.source["id"])
        self.conductor.asked.clear()

    def wish(self, wanted: bool = True, **more: Any) -> dict[str, Any]:
        return {
            "image_id": self.image["id"],
            "credential_id": self.target["id"],
            "wanted": wanted,
            **more,
        }

    def save(self, *changes: dict[str, Any], who: str = "alice") -> dict[str, Any]:
        body = {"changes": list(changes)}
        answer = self.call("POST", "/v1/operations", body, who=who, expect=202)
        return dict(answer.body["operation"])

    def refuse(self, code: str, status: int, *changes: dict[str, Any], **kw: Any) -> Any:
        body = {"changes": list(changes)}
        answer = self.refused(code, status, "POST", "/v1/operations", body, **kw)
        self.assertEqual(0, self.rows(models.Operation))
        self.assertNotIn("wake", [method for method, _ in self.conductor.asked])
        return answer

    def plan(self, operation: dict[str, Any], **transfer: Any) -> str:
        """Do what a conductor does with a Save: one transfer, in the given state."""
        change = operation["changes"][0]
        values: dict[str, Any] = {
            "deployment_id": change["deployment_id"],
            "image_id": change["image_id"],
            "credential_id": change["credential_id"],
            "site_id": self.other_site["id"],
            "project_id": "red",
            "kind": "copy",
            "state": "queued",
            **transfer,
        }
        with self.db.writer() as session:
            row = models.Transfer(id=models.new_id(), **values)
            session.add(row)
            session.flush()
            session.query(models.Change).filter_by(operation_id=operation["id"]).update(
                {"transfer_id": row.id, "settled": True}
            )
            return row.id


class SaveTest(SaveTestCase):
    def test_save(self) -> None:
        body = {"changes": [self.wish()]}
        answer = self.call("POST", "/v1/operations", body, expect=202)
        operation = answer.body["operation"]
        place = f"http://localhost/v1/operations/{operation['id']}"
        self.assertEqual(place, answer.headers["Location"])
        self.assertEqual(("queued", "red", "alice-id"), (
            operation["state"], operation["project_id"], operation["user_id"]))  # fmt: skip
        (change,) = operation["changes"]
        self.assertEqual(("queued", None), (change["state"], change["transfer_id"]))
        self.assertEqual([("wake", operation["id"])], self.conductor.asked)
        self.assertEqual(operation, self.call("GET", place).body["operation"])
        self.assertEqual([operation], self.call("GET", "/v1/operations").body["operations"])
        events = self.call("GET", f"/v1/events?operation_id={operation['id']}").body["events"]
        self.assertEqual(["operation.save"], [event["action"] for event in events])

    def test_nothing_to_do(self) -> None:
        wish = self.wish()
        self.save(wish)
        answer = self.refused(
            "operation.no_change", 409, "POST", "/v1/operations", {"changes": [wish]}
        )
        self.assertNotIn("fresh", answer.error)
        self.assertEqual(1, self.rows(models.Operation))

    def test_generation(self) -> None:
        answer = self.refuse("image.generation_conflict", 409, self.wish(generation=99))
        fresh = answer.error["fresh"]
        self.assertEqual(self.image["id"], fresh["id"])
        self.save(self.wish(generation=fresh["generation"]))

    def test_all_or_nothing(self) -> None:
        self.refuse("image.not_found", 404, self.wish(), self.wish(image_id="nothing"))
        self.refuse("credential.not_found", 404, self.wish(), self.wish(credential_id="nothing"))
        cells = self.call("GET", "/v1/deployments").body["deployments"]
        self.assertEqual([self.source["id"]], [cell["credential_id"] for cell in cells])

    def test_same_cell_twice(self) -> None:
        answer = self.refuse("request.invalid", 400, self.wish(), self.wish(False))
        self.assertIn("changes[1]", answer.error["detail"])

    def test_another_projects_image(self) -> None:
        answer = self.refuse("image.not_found", 404, self.wish(), who="carol")
        theirs = self.refuse("image.not_found", 404, self.wish(image_id="x" * 36), who="carol")
        self.assertEqual(
            answer.error["detail"].replace(self.image["id"], "x" * 36), theirs.error["detail"]
        )

    def test_another_users_credential(self) -> None:
        self.refuse("credential.not_found", 404, self.wish(), who="bob")

    def test_disabled_site(self) -> None:
        self.call("PATCH", f"/v1/sites/{self.other_site['id']}", {"enabled": False}, expect=200)
        self.refuse("site.disabled", 409, self.wish())

    def test_last_copy_and_foreign(self) -> None:
        away = self.wish(False, credential_id=self.source["id"])
        self.refuse("deployment.not_made_by_glint", 409, away)
        self.refuse("deployment.last_copy", 409, {**away, "allow_foreign": True})
        self.save({**away, "allow_last_copy": True, "allow_foreign": True})

    def test_bad_bodies(self) -> None:
        wish = self.wish()
        bodies: list[Any] = [
            {},
            {"changes": []},
            {"changes": {}},
            {"changes": [1]},
            {"changes": [{}]},
            {"changes": [{k: v for k, v in wish.items() if k != "wanted"}]},
            {"changes": [{**wish, "wanted": "true"}]},
            {"changes": [{**wish, "wanted": 1}]},
            {"changes": [{**wish, "generation": 0}]},
            {"changes": [{**wish, "generation": 2**31}]},
            {"changes": [{**wish, "image_id": ""}]},
            {"changes": [{**wish, "image_id": "x" * 65}]},
            {"changes": [{**wish, "image_id": None}]},
            {"changes": [{**wish, "force": True}]},
            {"changes": [wish], "dry_run": True},
            {"changes": [{**wish, "image_id": str(i)} for i in range(1001)]},
        ]
        for body in bodies:
            self.refused("request.invalid", 400, "POST", "/v1/operations", body)
        self.assertEqual(0, self.rows(models.Operation))

    def test_the_largest_save_fits(self) -> None:
        """1,000 changes with all switches are no larger than the limit of bodies."""
        switches: dict[str, Any] = {
            "generation": 2**31 - 1,
            "allow_foreign": False,
            "allow_last_copy": False,
        }
        changes = [self.wish(**switches) for _ in range(1000)]
        self.refuse("request.invalid", 400, *changes)


class ProgressTest(SaveTestCase):
    def test_running(self) -> None:
        operation = self.save(self.wish())
        ident = self.plan(
            operation,
            state="running",
            phase="copying",
            bytes_done=250,
            bytes_total=1000,
            rate=100.0,
            live=operation["changes"][0]["deployment_id"],
        )
        shown = self.call("GET", f"/v1/operations/{operation['id']}").body["operation"]
        self.assertEqual(
            ("running", 250, 1000, 100.0, 8),
            tuple(shown[k] for k in ("state", "bytes_done", "bytes_total", "rate", "eta")),
        )
        transfer = self.call("GET", f"/v1/transfers/{ident}", expect=200).body["transfer"]
        self.assertEqual(("running", "copying", 8), (
            transfer["state"], transfer["phase"], transfer["eta"]))  # fmt: skip
        cell = self.matrix_cell(self.target)
        self.assertEqual((True, 250, 8, "copying"), (
            cell["wanted"], cell["bytes_done"], cell["eta"], cell["phase"]))  # fmt: skip

    def test_failed(self) -> None:
        operation = self.save(self.wish())
        self.plan(
            operation,
            state="failed",
            rate=5.0,
            bytes_done=10,
            bytes_total=1000,
            error_code="site.busy",
            error_detail="The site is busy.",
            finished_at=datetime.datetime(2026, 11, 20, 23, 18, 45),  # noqa: DTZ001
        )
        shown = self.call("GET", f"/v1/operations/{operation['id']}").body["operation"]
        self.assertEqual(("failed", 0, None), (shown["state"], shown["rate"], shown["eta"]))
        self.assertEqual("site.busy", shown["changes"][0]["error_code"])
        (transfer,) = self.call("GET", "/v1/transfers?state=failed").body["transfers"]
        self.assertEqual("2026-11-20T23:18:45Z", transfer["finished_at"])
        self.assertEqual([], self.call("GET", "/v1/transfers?state=running").body["transfers"])
        self.refused("request.invalid", 400, "GET", "/v1/transfers?state=lost")

    def matrix_cell(self, column: dict[str, Any]) -> dict[str, Any]:
        (row,) = self.call("GET", "/v1/matrix", expect=200).body["images"]
        return dict(row["cells"][column["id"]])


class MatrixTest(SaveTestCase):
    def test_matrix(self) -> None:
        """A cell for every image and column, also where nothing ever was."""
        body = self.call("GET", "/v1/matrix", expect=200).body
        self.assertEqual(
            ["CERN (chemistry)", "DAIR (physics)"], [c["name"] for c in body["credentials"]]
        )
        (row,) = body["images"]
        self.assertEqual({self.source["id"], self.target["id"]}, set(row["cells"]))
        there, absent = row["cells"][self.source["id"]], row["cells"][self.target["id"]]
        self.assertEqual((True, "active", "r1"), (
            there["wanted"], there["status"], there["remote_id"]))  # fmt: skip
        self.assertEqual((None, False, "absent"), (
            absent["deployment_id"], absent["wanted"], absent["status"]))  # fmt: skip
        self.assertEqual(set(there), set(absent))

    def test_conflicts_and_pages(self) -> None:
        self.make_image(self.source["id"], "r2", os_hash_value="cd" * 64)
        self.make_image(self.source["id"], "r3", name="debian", os_hash_value="ef" * 64)
        rows = self.pages("/v1/matrix", "images", limit=1)
        self.assertEqual(
            [("debian", []), ("fedora", ["same_name"]), ("fedora", ["same_name"])],
            [(row["name"], row["conflicts"]) for row in rows],
        )
        only = self.call("GET", "/v1/matrix?name=debian").body["images"]
        self.assertEqual(["debian"], [row["name"] for row in only])

    def test_hostile_names(self) -> None:
        """Foreign clouds name images as they like; the answer stays JSON and whole."""
        name = "<script>alert(1)</script>\x00\x1b[2J\u202e\ud7ff😀"
        self.make_image(self.source["id"], "r4", name=name, os_hash_value="11" * 64)
        rows = self.call("GET", "/v1/matrix", expect=200).body["images"]
        self.assertIn(name, [row["name"] for row in rows])
        answer = self.call("GET", "/v1/images", expect=200)
        self.assertEqual("application/json", answer.headers["Content-Type"])

    def test_home_first(self) -> None:
        scope = Scope("red", "alice-id")
        with self.db.writer() as session:
            session.get_one(models.Site, self.site["id"]).home = True
        self.assertTrue(db_sites.get(self.db, scope, self.site["id"]).home)
        columns = self.call("GET", "/v1/matrix").body["credentials"]
        self.assertEqual(["DAIR (physics)", "CERN (chemistry)"], [c["name"] for c in columns])

    def test_deployments(self) -> None:
        self.save(self.wish())
        cells = self.call("GET", "/v1/deployments", expect=200).body["deployments"]
        self.assertEqual(2, len(cells))
        for query, number in (
            (f"image_id={self.image['id']}", 2),
            (f"credential_id={self.target['id']}", 1),
            ("status=active", 1),
            ("wanted=true", 2),
            ("wanted=false", 0),
        ):
            found = self.call("GET", f"/v1/deployments?{query}", expect=200).body["deployments"]
            self.assertEqual(number, len(found), query)
        one = self.call("GET", f"/v1/deployments/{cells[0]['id']}", expect=200).body["deployment"]
        self.assertEqual(cells[0], one)
        self.refused("request.invalid", 400, "GET", "/v1/deployments?status=lost")

    def test_walls(self) -> None:
        operation = self.save(self.wish())
        transfer = self.plan(operation)
        cell = operation["changes"][0]["deployment_id"]
        for path, code in (
            (f"operations/{operation['id']}", "operation"),
            (f"transfers/{transfer}", "transfer"),
            (f"deployments/{cell}", "deployment"),
        ):
            self.call("GET", f"/v1/{path}", expect=200)
            self.refused(f"{code}.not_found", 404, "GET", f"/v1/{path}", who="carol")
        for name in ("operations", "transfers", "deployments", "events"):
            self.assertEqual([], self.call("GET", f"/v1/{name}", who="carol").body[name])
        matrix = self.call("GET", "/v1/matrix", who="carol").body
        self.assertEqual(([], []), (matrix["credentials"], matrix["images"]))
        # Cells of a user's own credential are that user's.
        self.assertEqual([], self.call("GET", "/v1/deployments", who="bob").body["deployments"])
        self.assertEqual([], self.call("GET", "/v1/matrix", who="bob").body["credentials"])


class EventsTest(SaveTestCase):
    def test_newest_first(self) -> None:
        events = self.pages("/v1/events", "events", limit=2)
        self.assertEqual(
            ["image.create", *["credential.create", "site.create"] * 2],
            [event["action"] for event in events],
        )
        self.assertEqual({"alice-id"}, {event["user_id"] for event in events})
        found = self.call("GET", f"/v1/events?site_id={self.other_site['id']}").body["events"]
        self.assertEqual(2, len(found))
        found = self.call("GET", f"/v1/events?image_id={self.image['id']}").body["events"]
        self.assertEqual(["image.create"], [event["action"] for event in found])

    def test_marker(self) -> None:
        self.refused("request.invalid", 400, "GET", "/v1/events?marker=x")
        self.refused("request.invalid", 400, "GET", "/v1/events?marker=999999")

    def test_users_see_nothing_of_others_credentials(self) -> None:
        actions = {e["action"] for e in self.call("GET", "/v1/events", who="bob").body["events"]}
        self.assertEqual({"site.create"}, actions)
