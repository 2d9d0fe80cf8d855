from __future__ import annotations

from typing import Any

import fixtures
import testtools

from glint.osc.history import ListDeployment, ListTransfer, ShowDeployment
from glint.osc.image import DeleteImage
from glint.osc.matrix import ShowMatrix, symbol
from tests.unit.client.base import GLINT
from tests.unit.osc.base import AT_ALTO, AT_DAIR, IMAGE, OscTestCase


class TestSymbol(testtools.TestCase):
    def test_every_status_has_one(self) -> None:
        half = {"bytes_done": 50, "bytes_total": 100}
        for status, shown in {
            "absent": "",
            "queued": "50%",
            "copying": "50%",
            "verifying": "50%",
            "active": "X",
            "removing": "-",
            "failed": "!",
            "drifted": "!",
            "unknown": "?",
            "of a later server": "?",
        }.items():
            self.assertEqual(shown, symbol({"status": status, **half}))
        self.assertEqual("", symbol(None))
        self.assertEqual("0%", symbol({"status": "queued", "bytes_done": 0, "bytes_total": None}))


class TestMatrix(OscTestCase):
    def matrix(self, *names: str, columns: tuple[str, ...] = ("ALTO (hep)", "DAIR (hep)")) -> None:
        credentials = [
            {**c, "name": name} for c, name in zip((AT_ALTO, AT_DAIR), columns, strict=True)
        ]
        failed = {"status": "failed", "error_code": "site.error", "error_detail": "why"}
        cells = {AT_ALTO["id"]: {"status": "active"}, AT_DAIR["id"]: failed}
        images = [
            {**IMAGE, "id": f"i{n}", "name": name, "os_hash_value": str(n) * 128, "cells": cells}
            for n, name in enumerate(names)
        ]
        self.serve("credentials", *credentials)

        def answer(request: Any, context: Any) -> dict[str, Any]:
            (asked,) = request.qs.get("credential_id", [""])
            shown = [c for c in credentials if c["id"] in asked or not asked]
            return {"credentials": shown, "images": images, "counts": {"mine": 3, "all": 4}}

        self.http.get(f"{GLINT}/v1/matrix", json=answer)

    def test_table(self) -> None:
        self.matrix("rescue")
        lines = [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in self.command(ShowMatrix).splitlines()
            if line.startswith("|")
        ]
        self.assertEqual([["Image", "ALTO (hep)", "DAIR (hep)"], ["rescue", "X", "!"]], lines)
        self.assertEqual("! rescue at DAIR (hep): site.error: why\n", self.err.getvalue())

    def test_columns_and_problems_can_be_chosen(self) -> None:
        self.matrix("rescue")
        self.assertNotIn("DAIR", self.command(ShowMatrix, "--site", "ALTO"))
        for ref in ("DAIR", "DAIR (hep)", str(AT_DAIR["id"]), str(AT_DAIR["site_id"])):
            (row,) = self.json(ShowMatrix, "--site", ref)
            self.assertEqual(["DAIR (hep)"], [cell["credential"] for cell in row["cells"]])
        self.json(ShowMatrix, "--problems", "--site", "ALTO")
        wished = {"status": ["in:failed,drifted,unknown"]}
        wished["credential_id"] = [f"in:{AT_ALTO['id']}"]
        self.assertEqual(wished, self.sent()[-1].qs)
        said = self.fails(ShowMatrix, "--site", "NOWHERE")
        self.assertIn("there are: ALTO (hep), DAIR (hep)", said)

    def test_rows_can_be_chosen_by_their_cells(self) -> None:
        self.matrix("rescue")
        options = ("--differs", "--conflict", "same_name", "--show", "mine", "--status", "failed")
        self.json(ShowMatrix, *options, "--status", "queued", "--limit", "7", "--name", "in:x")
        wished = {"differs": ["true"], "conflict": ["same_name"], "show": ["mine"]}
        wished |= {"status": ["in:failed,queued"], "limit": ["7"], "name": ["eq:in:x"]}
        self.assertEqual(wished, self.sent()[-1].qs)

    def test_counts(self) -> None:
        self.matrix("rescue")
        rows = self.json(ShowMatrix, "--counts", "--site", "DAIR")
        self.assertEqual([("all", 4), ("mine", 3)], [(r["Choice"], r["Images"]) for r in rows])
        self.assertEqual([f"in:{AT_DAIR['id']}"], self.sent()[-1].qs["credential_id"])

    def test_colour_at_a_terminal_only(self) -> None:
        self.matrix("rescue")
        shown = self.command(ShowMatrix, tty=True)
        self.assertIn("\x1b[32mX\x1b[0m", shown)
        self.assertIn("\x1b[31m!\x1b[0m", shown)
        # The frame stands: colours have no width.
        bare = shown.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "")
        self.assertEqual(self.command(ShowMatrix), bare)
        self.assertNotIn("\x1b", bare)
        self.assertNotIn("\x1b", self.command(ShowMatrix, "-f", "value", tty=True))
        self.assertNotIn("\x1b", self.command(ShowMatrix, "-f", "json", tty=True))
        self.useFixture(fixtures.EnvironmentVariable("NO_COLOR", "1"))
        self.assertNotIn("\x1b", self.command(ShowMatrix, tty=True))

    def test_json_has_everything(self) -> None:
        self.matrix("rescue")
        (row,) = self.json(ShowMatrix)
        self.assertEqual("rescue", row["name"])
        self.assertEqual("0" * 128, row["os_hash_value"])
        self.assertEqual(
            [("ALTO (hep)", "ALTO", "X"), ("DAIR (hep)", "DAIR", "!")],
            [(c["credential"], c["site"], c["symbol"]) for c in row["cells"]],
        )
        self.assertEqual("why", row["cells"][1]["error_detail"])
        self.assertEqual("", self.err.getvalue())

    def test_one_name_twice(self) -> None:
        self.matrix("rescue", "rescue", "other", columns=("S (p)", "S (p)"))
        shown = self.command(ShowMatrix)
        for label in ("rescue [000000000000]", "rescue [111111111111]", f"S (p) [{AT_DAIR['id']}]"):
            self.assertIn(label, shown)
        self.assertNotIn("other [", shown)

    def test_columns_that_look_alike_when_cleaned(self) -> None:
        self.matrix("rescue", columns=("S\x1b", "S\\x1b"))
        self.assertIn(f"S\\x1b [{AT_ALTO['id']}]", self.command(ShowMatrix))

    def test_many_reasons_are_cut(self) -> None:
        self.matrix(*(f"image{n}" for n in range(14)))
        self.command(ShowMatrix)
        self.assertIn("and 4 more", self.err.getvalue())
        self.assertEqual(11, len(self.err.getvalue().splitlines()))


class TestCatalogue(OscTestCase):
    def test_delete(self) -> None:
        self.serve("images", IMAGE)
        self.refuse("DELETE", f"/images/{IMAGE['id']}", 409, "image.in_use", "Wanted at DAIR.")
        self.assertIn("rescue: Wanted at DAIR.", self.fails(DeleteImage, "rescue"))


class TestHistory(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("credentials", AT_ALTO, AT_DAIR)
        self.serve("images", *({**IMAGE, "id": f"i{n}", "name": f"image{n}"} for n in range(9)))
        self.rows = [
            {
                "id": f"deb10000-0000-4000-8000-00000000000{n}",
                "image_id": f"i{n}",
                "credential_id": AT_DAIR["id"],
                "status": "active",
                "wanted": True,
                "state": "done",
                "kind": "copy",
            }
            for n in range(9)
        ]

    def test_deployments(self) -> None:
        self.serve("deployments", *self.rows)
        rows = self.json(ListDeployment, "--site", "DAIR", "--status", "active", "--wanted")
        asked = next(r for r in self.sent() if r.path == "/v1/deployments").qs
        self.assertEqual(
            {"credential_id": [AT_DAIR["id"]], "status": ["active"], "wanted": ["true"]}, asked
        )
        self.assertEqual(("image3", "DAIR (hep)"), (rows[3]["Image"], rows[3]["Credential"]))
        self.assertEqual(self.rows[0], self.json(ShowDeployment, str(self.rows[0]["id"])))

    def test_many_names_cost_one_request(self) -> None:
        self.serve("transfers", *self.rows)
        rows = self.json(ListTransfer, "--state", "done")
        self.assertEqual([f"image{n}" for n in range(9)], [row["Image"] for row in rows])
        self.assertEqual([100] * 9, [row["Percent"] for row in rows])
        self.assertEqual(3, len(self.sent()))

    def test_states_are_known(self) -> None:
        self.refused(ListDeployment, "--status", "gone")
        self.refused(ListTransfer, "--state", "gone")
