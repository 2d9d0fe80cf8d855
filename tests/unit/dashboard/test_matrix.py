"""The page of the matrix: what it shows, what it sends, what it says when something is wrong."""

from __future__ import annotations

from typing import Any

import requests

from glint.api.schemas import credentials, events, images, matrix, operations, parts
from tests.unit.dashboard.base import TIME, URL, DashboardTestCase, cell, column, row

MATRIX = "/project/glint_deployments/"
SAVE = f"{MATRIX}save/"
SCRIPT = {"X-Requested-With": "XMLHttpRequest"}
HOSTILE = "<script>x</script>\"' onload=x {$ 7*7 $}"


def planned(image: str, credential: str, wanted: bool, action: str, **more: Any) -> dict[str, Any]:
    return {
        "image_id": image, "credential_id": credential, "wanted": wanted, "action": action,
        "method": None, "reason": "because", "bytes": None, "error_code": None,
        "error_detail": None, **more,
    }  # fmt: skip


class MatrixTestCase(DashboardTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.show(
            [column("alto", home=True), column("dair", health="failing")],
            [
                row("i1", {"alto": cell("active", True), "dair": cell()}),
                row("i2", {"alto": cell("active", True), "dair": cell("failed", True,
                    error_code="x", error_detail="The site said no.")}),
                row("i3", {"alto": cell("active", True), "dair": cell("copying", True,
                    bytes_done=42, bytes_total=100)}, name=HOSTILE, conflicts=["same_name"]),
            ],
        )  # fmt: skip
        event = {
            "id": "1", "at": TIME, "project_id": "p1", "user_id": "u1", "action": "site.create",
            "outcome": "done", "message": HOSTILE, "image_id": None, "credential_id": None,
            "site_id": None, "operation_id": None, "transfer_id": None, "error_code": None,
        }  # fmt: skip
        self.serve("events", parts.page("events", events.EVENT), {"events": [event]})
        self.serve("images", parts.page("images", images.IMAGE), {"images": []})
        self.serve(
            "credentials", parts.page("credentials", credentials.CREDENTIAL), {"credentials": []}
        )

    def show(self, columns: list[Any], rows: list[Any]) -> None:
        answer = {
            "credentials": columns, "images": rows, "links": [], "cursor": f"1.{'0' * 16}",
            "reset": False, "deleted": [], "counts": None,
        }  # fmt: skip
        self.serve("matrix", matrix.LISTING.full_response(), answer)

    def plan(self, *cells: dict[str, Any]) -> None:
        plan = {"cells": list(cells), "bytes_to_move": 10, "bytes_to_read": 10}
        operation = {
            "id": "o1", "state": "queued", "project_id": "p1", "user_id": "u1",
            "created_at": TIME, "bytes_done": 0, "bytes_total": None, "rate": 0.0, "eta": None,
            "changes": [],
        }  # fmt: skip
        self.serve("operations", operations.CREATED, {"operation": operation}, "POST")
        # The one that was registered last is asked first.
        self.serve("operations?dry_run=true", operations.CREATED, {"plan": plan}, "POST")

    def saved(self) -> list[Any]:
        return [
            one.json()["changes"]
            for one in self.glint.request_history
            if one.method == "POST" and "dry_run" not in one.query
        ]


class ShownTest(MatrixTestCase):
    def test_each_cell_has_its_word(self) -> None:
        answer = self.client.get(MATRIX)
        self.assertEqual(200, answer.status_code)
        text = answer.content.decode()
        for kind in ("present", "absent", "failed", "copying"):
            self.assertIn(f'class="glint-cell is-{kind}"', text)
        self.assertIn('title="The site said no."', text)
        self.assertIn('value="42"', text)
        self.assertIn("name is used twice", text)
        self.assertIn('aria-label="image i1 at ALTO (hep)"', text)

    def test_names_are_never_markup(self) -> None:
        text = self.client.get(MATRIX).content.decode()
        ours = text[text.index('id="glint"') : text.index('id="glint-dialog"')]
        self.assertIn("&lt;script&gt;x", ours)
        self.assertNotIn("<script", ours)
        self.assertNotIn("{$", ours)
        self.assertIn("ng-non-bindable", ours)
        self.assertEqual(3, self.client.get(MATRIX).context["page"].images)

    def test_filters_search_order_and_columns(self) -> None:
        def shown(query: str) -> list[str]:
            return [one["id"] for one in self.client.get(MATRIX + query).context["page"].rows]

        self.assertEqual(["i2"], shown("?show=failed"))
        self.assertEqual(["i3"], shown("?show=moving"))
        self.assertEqual(["i3"], shown("?show=conflicts"))
        self.assertEqual(["i1", "i2"], shown("?q=IMAGE"))
        self.assertEqual(["i2", "i1", "i3"], shown("?order=-name"))
        self.assertEqual([], shown("?show=failed&hide=dair"))
        # Nonsense in the address is no error.
        self.assertEqual(3, len(shown("?show=x&order=y&page=0&size=-1&hide=z")))

    def test_pages(self) -> None:
        rows = [row(f"i{n:03}", {"alto": cell()}) for n in range(60)]
        self.show([column("alto")], rows)
        page = self.client.get(f"{MATRIX}?page=3").context["page"]
        self.assertEqual((10, 3, 60), (len(page.rows), page.pages, page.total))
        self.assertIsNone(page.around["next"])
        self.assertEqual(3, self.client.get(f"{MATRIX}?page=99").context["page"].choice.number)

    def test_the_state_is_one_answer(self) -> None:
        state = self.client.get(f"{MATRIX}state/").json()
        self.assertEqual(1, state["moving"])
        self.assertEqual(42, state["rows"]["i3"]["cells"]["dair"]["percent"])
        self.assertEqual({"all": 3, "moving": 1, "failed": 1, "drifted": 0, "unknown": 0,
                          "conflicts": 1}, state["filters"])  # fmt: skip

    def test_a_reader_cannot_save(self) -> None:
        self.log_in("reader")
        text = self.client.get(MATRIX).content.decode()
        self.assertNotIn("glint-save", text)
        self.assertEqual(text.count('name="want"'), text.count(" disabled aria-label"))

    def test_hidden_without_the_service_or_the_right(self) -> None:
        for roles, services in ((("member",), []), (("nobody",), None)):
            self.log_in(*roles, services=services)
            self.assertIn(self.client.get(MATRIX).status_code, (302, 403))

    def test_a_service_that_is_down_is_not_an_empty_matrix(self) -> None:
        self.glint.get(f"{URL}/v1/matrix", exc=requests.ConnectionError)
        text = self.client.get(MATRIX).content.decode()
        self.assertIn("The matrix cannot be shown now.", text)
        self.assertIn("does not answer", text)
        self.assertNotIn("glint-save", text)
        self.assertEqual(503, self.client.get(f"{MATRIX}state/").status_code)


class SavedTest(MatrixTestCase):
    def test_a_plain_form_sends_the_difference(self) -> None:
        self.plan(planned("i1", "dair", True, "copy"))
        answer = self.client.post(
            SAVE, {"columns": "alto dair", "row": ["i1:3:10"], "want": ["i1:alto", "i1:dair"]}
        )
        self.assertEqual(302, answer.status_code)
        change = {"image_id": "i1", "credential_id": "dair", "wanted": True, "generation": 3}
        self.assertEqual([[change]], self.saved())

    def test_a_removal_is_asked_about(self) -> None:
        self.plan(planned("i1", "alto", False, "remove"))
        answer = self.client.post(SAVE, {"changes": "i1:alto:0:3"}, headers=SCRIPT)
        self.assertIn("Remove 1 copy and save", answer.json()["plan"])
        self.assertEqual([], self.saved())
        page = self.client.post(SAVE, {"changes": "i1:alto:0:3"}).content.decode()
        self.assertIn("1 copy is removed.", page)
        answer = self.client.post(
            SAVE, {"confirmed": "1", "accepted": "i1:alto:0:3"}, headers=SCRIPT
        )
        self.assertEqual(["i1:alto"], answer.json()["saved"])
        self.assertEqual(False, self.saved()[0][0]["wanted"])

    def test_a_refused_change_needs_its_switch(self) -> None:
        self.plan(
            planned("i1", "alto", False, "refused", error_code="deployment.last_copy",
                    error_detail="It is the last."),
        )  # fmt: skip
        plan = self.client.post(SAVE, {"changes": "i1:alto:0:3"}, headers=SCRIPT).json()["plan"]
        self.assertIn("It is the last.", plan)
        self.assertIn('value="i1:alto:allow_last_copy"', plan)
        form = {"confirmed": "1", "accepted": "", "refused": "i1:alto:0:3"}
        answer = self.client.post(SAVE, form, headers=SCRIPT)
        self.assertEqual(400, answer.status_code)
        allowed = form | {"allow": "i1:alto:allow_last_copy"}
        self.client.post(SAVE, allowed, headers=SCRIPT)
        self.assertEqual([True], [one[0]["allow_last_copy"] for one in self.saved()])

    def test_an_old_page_is_told_so(self) -> None:
        self.refuse("operations", 409, "image.generation_conflict", "It changed.", "POST")
        answer = self.client.post(SAVE, {"changes": "i1:dair:1:2"}, headers=SCRIPT)
        self.assertEqual((409, True), (answer.status_code, answer.json()["conflict"]))

    def test_forms_that_are_not_ours(self) -> None:
        forms: tuple[dict[str, Any], ...] = (
            {"changes": "nonsense"},
            {"changes": "i1:dair:2:3"},
            {"changes": "i1:dair:1:3:allow_anything"},
            {"columns": "alto", "row": ["i1:3:101"]},
            {"columns": "alto", "row": ["i1"]},
            {},
        )
        for form in forms:
            answer = self.client.post(SAVE, form, headers=SCRIPT)
            self.assertEqual(400, answer.status_code, str(form))
        self.assertEqual([], self.saved())
        self.assertEqual(405, self.client.get(SAVE).status_code)
