"""The matrix: filters, columns, counts, and polling for what changed."""

from __future__ import annotations

import datetime
from typing import Any

import fixtures

from glint import objects
from glint.db import changes, deployments, inventory, models, scans
from glint.db import credentials as db_credentials
from glint.db import matrix as db_matrix
from glint.states import DeploymentStatus
from tests.unit.api.base import ApiTestCase
from tests.unit.api.fakes import remote_image


class MatrixTestCase(ApiTestCase):
    """Two columns, and images a, b, c that the first one holds."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site("CERN")
        self.other = self.make_site("DAIR")
        self.left = self.make_credential(self.site["id"])["id"]
        self.conductor.remote_project = ("remote-2", "chemistry")
        self.right = self.make_credential(self.other["id"])["id"]
        self.images = {
            name: self.make_image(
                self.left, f"r{place}", name=name, os_hash_value=f"{place}" * 128, **how
            )["id"]
            for place, (name, how) in enumerate(
                {
                    "a": {},
                    "b": {"owner": "somebody", "visibility": "shared"},
                    "c_%": {"owner": "somebody", "visibility": "public"},
                    "d": {"visibility": "public"},
                }.items()
            )
        }

    def ask(self, query: str = "") -> Any:
        return self.call("GET", f"/v1/matrix{query}", expect=200).body

    def names(self, query: str) -> list[str]:
        return [row["name"] for row in self.ask(query)["images"]]

    def save(self, name: str, column: str | None = None, wanted: bool = True) -> Any:
        wish = {
            "image_id": self.images[name], "credential_id": column or self.right, "wanted": wanted,
        }  # fmt: skip
        body = {"changes": [wish]}
        return self.call("POST", "/v1/operations", body, expect=202).body["operation"]

    def set_cell(self, name: str, column: str, **values: Any) -> None:
        with self.db.writer() as session:
            cell = session.query(models.Deployment).filter_by(
                image_id=self.images[name], credential_id=column
            )
            for field, value in values.items():
                setattr(cell.one(), field, value)

    def scan(self, *remotes: objects.RemoteImage) -> None:
        """What a conductor writes after it listed the left column."""
        credential, _ = db_credentials.load(self.db, self.left)
        with self.db.writer() as session:
            session.get_one(models.Credential, self.left).scan_wanted_at = models.utcnow()
        for _ in range(2):
            claimed = scans.claim_scan(self.db, "me", interval=3600, lease=60)
            if claimed is not None and claimed.id == self.left:
                break
        before = inventory.snapshot(self.db, self.left)
        inventory.record(self.db, credential, remotes, before, "me")


class FiltersTest(MatrixTestCase):
    def test_shows(self) -> None:
        for query, expected in (
            ("?show=all", ["a", "b", "c_%", "d"]),
            ("?show=mine", ["a", "d"]),
            ("?show=shared", ["b"]),
            ("?show=public", ["c_%", "d"]),
        ):
            self.assertEqual(expected, self.names(query), query)
        counts = self.ask("?counts=true")["counts"]
        self.assertEqual(
            {"all": 4, "mine": 2, "shared": 1, "public": 2},
            {name: counts[name] for name in ("all", "mine", "shared", "public")},
        )
        self.assertIsNone(self.ask()["counts"])

    def test_names(self) -> None:
        for query, expected in (
            ("?name=prefix:C_", ["c_%"]),
            ("?name=contains:%25", ["c_%"]),
            ("?name=contains:_", ["c_%"]),
            ("?name=in:a,d&sort=name:desc", ["d", "a"]),
        ):
            self.assertEqual(expected, self.names(query), query)

    def test_by_cells(self) -> None:
        self.save("a")
        self.save("b")
        self.set_cell("b", self.right, status="failed", error_code="site.busy")
        # Where a wish was withdrawn there is a row and nothing at the site.
        self.save("c_%")
        self.set_cell("c_%", self.right, status="absent", wanted=False)
        right, left = f"credential_id={self.right}", f"site_id={self.site['id']}"
        for query, expected in (
            ("?differs=true", ["a", "b"]),
            ("?differs=false", ["c_%", "d"]),
            (f"?differs=true&{left}", []),
            ("?status=failed", ["b"]),
            ("?status=in:failed,queued", ["a", "b"]),
            (f"?status=absent&{right}", ["c_%", "d"]),
            (f"?status=absent&{left}", []),
            ("?status=active", ["a", "b", "c_%", "d"]),
            (f"?present=true&{right}", ["a", "b"]),
            (f"?present=false&{right}", ["c_%", "d"]),
            (f"?present=false&{left}", []),
        ):
            self.assertEqual(expected, self.names(query), query)
            # When more images match than are named one by one, the same rows come.
            with fixtures.MonkeyPatch("glint.db.selection.FEW", 0):
                self.assertEqual(expected, self.names(query), query)
        counts = self.ask("?counts=true")["counts"]
        shown = [counts[name] for name in ("differs", "failed", "queued", "moving", "same_name")]
        self.assertEqual([2, 1, 1, 1, 0], shown)

    def test_columns(self) -> None:
        body = self.ask(f"?site_id={self.other['id']}")
        self.assertEqual([self.right], [column["id"] for column in body["credentials"]])
        self.assertEqual({self.right}, {i for row in body["images"] for i in row["cells"]})
        body = self.ask(f"?credential_id=neq:{self.right}")
        self.assertEqual([self.left], [column["id"] for column in body["credentials"]])
        self.assertEqual([], self.ask("?site_id=nothing")["credentials"])

    def test_pages_fields_and_wrong_questions(self) -> None:
        found = self.pages("/v1/matrix", "images", limit=1, sort="name:desc", show="mine")
        self.assertEqual(["d", "a"], [row["name"] for row in found])
        rows = self.ask("?fields=name,conflicts")["images"]
        self.assertEqual({"id", "name", "conflicts"}, set(rows[0]))
        for query in ("show=yours", "conflict=war", "status=happy", "differs=perhaps",
                      "status=neq:failed", "counts=many", "changes_since=yesterday"):  # fmt: skip
            self.refused("request.invalid", 400, "GET", f"/v1/matrix?{query}")

    def test_cells_tell_what_a_person_asks(self) -> None:
        self.save("a")
        (row,) = self.ask("?name=a")["images"]
        held, coming = row["cells"][self.left], row["cells"][self.right]
        self.assertEqual(("proven", "active", 1), (
            held["hash_state"], held["status"], held["generation"]))  # fmt: skip
        self.assertEqual(("none", "queued", True), (
            coming["hash_state"], coming["status"], coming["pending"]))  # fmt: skip
        self.set_cell("a", self.left, status="drifted", error_code="content.mismatch")
        (row,) = self.ask("?name=a")["images"]
        self.assertEqual("mismatch", row["cells"][self.left]["hash_state"])
        self.set_cell("a", self.left, status="drifted", error_code="deployment.not_active")
        (row,) = self.ask("?name=a")["images"]
        self.assertEqual("unproven", row["cells"][self.left]["hash_state"])

    def test_conflicts(self) -> None:
        """Each kind is reported once (feature row G-23)."""
        twin = self.make_image(self.left, "r8", name="a", os_hash_value="8" * 128)
        self.scan(
            remote_image("r0", name="a", os_hash_value="0" * 128),
            remote_image("x1", name="other", os_hash_value="1" * 128),
            remote_image("x2", name="d", os_hash_value="3" * 128),
            remote_image("x3", name="d", os_hash_value="3" * 128),
        )
        shown = {row["id"]: row["conflicts"] for row in self.ask()["images"]}
        self.assertEqual(
            [["same_name"], ["same_name"], ["same_content"], [], ["duplicate"]],
            [shown[i] for i in (self.images["a"], twin["id"], self.images["b"],
                                self.images["c_%"], self.images["d"])],
        )  # fmt: skip
        for kind, expected in (
            ("same_name", ["a", "a"]), ("same_content", ["b"]), ("duplicate", ["d"]),
        ):  # fmt: skip
            self.assertEqual(expected, self.names(f"?conflict={kind}"), kind)


class ChangesTest(MatrixTestCase):
    """What a client that polls is told."""

    def setUp(self) -> None:
        super().setUp()
        # Everything so far is old.
        old = models.utcnow() - datetime.timedelta(hours=1)
        with self.db.writer() as session:
            for model in (models.Image, models.Deployment):
                session.query(model).update({"updated_at": old})
        self.cursor = self.ask()["cursor"]

    def changed(self, query: str = "") -> Any:
        return self.ask(f"?changes_since={self.cursor}{query}")

    def told(self, query: str = "") -> dict[str, list[str]]:
        body = self.changed(query)
        self.assertFalse(body["reset"])
        return {row["name"]: sorted(row["cells"]) for row in body["images"]}

    def test_nothing(self) -> None:
        body = self.changed()
        self.assertEqual(([], [], False), (body["images"], body["deleted"], body["reset"]))
        self.assertEqual(2, len(body["credentials"]))

    def test_cells_and_rows(self) -> None:
        self.save("a")
        # The save wrote the image's generation too.
        self.assertEqual({"a": [self.right]}, self.told())
        self.call("PATCH", f"/v1/images/{self.images['d']}", {"min_disk": 3}, expect=200)
        self.assertEqual({"a": [self.right], "d": []}, self.told())
        only = f"credential_id={self.left}"
        self.cursor = self.ask(f"?{only}")["cursor"]
        self.assertEqual({"a": [], "d": []}, self.told(f"&{only}"))

    def test_a_transaction_that_ends_late(self) -> None:
        """Written before the cursor, to be seen only after it."""
        ident = self.cell_id("a")
        with self.db.writer() as session:
            deployments.move(session, ident, DeploymentStatus.DRIFTED)
            written = session.get_one(models.Deployment, ident).updated_at
        # A cursor that was given between the writing and the commit.
        late = written + datetime.timedelta(seconds=changes.LONGEST)
        since = int(late.replace(tzinfo=datetime.UTC).timestamp() * 10**6)
        self.cursor = f"{since}.{self.cursor[-16:]}"
        self.assertEqual({"a": [self.left]}, self.told())

    def test_a_transaction_that_lasts_too_long(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("glint.db.changes.LONGEST", -1.0))
        self.set_cell("a", self.left, error_code="x")
        self.useFixture(fixtures.MonkeyPatch("glint.db.changes.LONGEST", 60.0))
        self.assertTrue(self.changed()["reset"])

    def test_progress(self) -> None:
        self.save("a")
        with self.db.writer() as session:
            session.add(
                models.Transfer(
                    id="t", deployment_id=self.cell_id("a", self.right), kind="copy",
                    live=self.cell_id("a", self.right), image_id=self.images["a"],
                    credential_id=self.right, site_id=self.other["id"], project_id="red",
                    state="running", bytes_done=5, bytes_total=10,
                )
            )  # fmt: skip
            old = models.utcnow() - datetime.timedelta(hours=1)
            session.query(models.Deployment).update({"updated_at": old, "status": "copying"})
        (row,) = [r for r in self.changed()["images"] if r["cells"]]
        self.assertEqual(5, row["cells"][self.right]["bytes_done"])

    def test_deleted(self) -> None:
        self.set_cell("b", self.left, wanted=False)
        self.call("DELETE", f"/v1/images/{self.images['b']}", expect=204)
        body = self.changed()
        self.assertEqual([self.images["b"]], body["deleted"])
        self.assertEqual([], [row["name"] for row in body["images"]])
        db_matrix.forget_deletions(self.db)
        self.assertEqual([self.images["b"]], self.changed()["deleted"])

    def test_conflicts_that_others_made(self) -> None:
        self.call("PATCH", f"/v1/images/{self.images['a']}", {"name": "d"}, expect=200)
        self.assertEqual({"d"}, set(self.told()))
        self.assertEqual(2, len(self.changed()["images"]))
        old = models.utcnow() - datetime.timedelta(hours=1)
        with self.db.writer() as session:
            session.query(models.Image).update({"updated_at": old})
        self.call("PATCH", f"/v1/images/{self.images['a']}", {"name": "z"}, expect=200)
        rows = {row["name"]: row["conflicts"] for row in self.changed()["images"]}
        self.assertEqual({"z": [], "d": []}, rows)

    def test_conflicts_that_a_scan_found(self) -> None:
        self.scan(
            remote_image("r0", name="a", os_hash_value="0" * 128),
            remote_image("x1", name="other", os_hash_value="1" * 128),
        )
        rows = {row["name"]: row["conflicts"] for row in self.changed()["images"]}
        self.assertEqual(["same_content"], rows["b"])

    def test_read_everything_again(self) -> None:
        old = f"{int(self.cursor.split('.')[0]) - 25 * 3600 * 10**6}.{self.cursor[-16:]}"
        for cursor in (old, f"0.{self.cursor[-16:]}", f"{'9' * 20}.{self.cursor[-16:]}"):
            self.assertTrue(self.ask(f"?changes_since={cursor}")["reset"], cursor)
        self.save("a")
        self.save("b")
        self.assertTrue(self.changed("&limit=1")["reset"])
        # A column comes: its cells may be older than the cursor.
        self.conductor.remote_project = ("remote-3", "biology")
        self.make_credential(self.other["id"])
        self.assertTrue(self.changed()["reset"])
        self.refused("request.invalid", 400, "GET",
                     f"/v1/matrix?changes_since={self.cursor}&status=failed")  # fmt: skip

    def cell_id(self, name: str, column: str | None = None) -> str:
        with self.db.reader() as session:
            cell = session.query(models.Deployment).filter_by(
                image_id=self.images[name], credential_id=column or self.left
            )
            return str(cell.one().id)
