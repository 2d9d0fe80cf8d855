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


CURSOR = f"1.{'0' * 16}"
COUNTS = {
    "all": 60, "mine": 50, "shared": 7, "public": 3, "differs": 2, "moving": 1, "failed": 1,
    "drifted": 0, "unknown": 0, "same_name": 1,
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
                    bytes_done=42, bytes_total=100)}, name=HOSTILE, conflicts=["same_name"],
                    ownership="public"),
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

    def show(self, columns: list[Any], rows: list[Any], more: bool = False, **how: Any) -> None:
        answer = {
            "credentials": columns, "images": rows, "links": [], "cursor": CURSOR,
            "reset": False, "deleted": [], "counts": COUNTS, **how,
        }  # fmt: skip
        if more:
            answer["links"] = [{"rel": "next", "href": f"{URL}/v1/matrix?marker=x"}]
        self.serve("matrix", matrix.LISTING.full_response(), answer)

    def asked_for(self) -> dict[str, str]:
        """The query of the last request for the matrix."""
        asked = [one for one in self.glint.request_history if one.path == "/v1/matrix"]
        return {name: values[0] for name, values in asked[-1].qs.items()}

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

    def test_filters_search_and_order_are_the_services(self) -> None:
        first = {"limit": "25", "sort": "name:asc,id:asc", "counts": "true"}
        for query, expected in (
            ("", {}),
            ("?show=failed", {"status": "failed"}),
            ("?show=moving", {"status": "in:queued,copying,verifying,removing"}),
            ("?show=differs&whose=shared", {"differs": "true", "show": "shared"}),
            ("?conflict=same_name&size=50", {"conflict": "same_name", "limit": "50"}),
            ("?q=a:b", {"name": "contains:a:b"}),
            ("?order=-size", {"sort": "size:desc,id:desc"}),
            # Nonsense in the address is no error.
            (
                "?show=x&order=y&whose=a&size=-1&hide=z&conflict=q",
                {"credential_id": "in:alto,dair"},
            ),
        ):
            self.assertEqual(200, self.client.get(MATRIX + query).status_code)
            self.assertEqual(first | expected, self.asked_for(), query)

    def test_counts_are_the_services(self) -> None:
        page = self.client.get(MATRIX).context["page"]
        counts = {one["name"]: one["count"] for one in page.filters}
        self.assertEqual(
            {name: COUNTS[name] for name in ("all", "differs", "moving", "failed", "drifted",
                                             "unknown")}, counts)  # fmt: skip
        text = self.client.get(MATRIX).content.decode()
        self.assertIn("of this project (50)", text)
        self.assertIn("60 images · 2 columns · In progress: 1 · Failed: 1", text)
        totals = {
            "": 60, "?show=failed": 1, "?whose=public": 3, "?q=x": None,
            "?show=failed&whose=mine": None, "?conflict=duplicate": None,
        }  # fmt: skip
        for query, total in totals.items():
            self.assertEqual(total, self.client.get(MATRIX + query).context["page"].total, query)

    def test_hidden_columns_are_not_asked_for(self) -> None:
        page = self.client.get(f"{MATRIX}?hide=alto").context["page"]
        self.assertEqual(["dair"], [one["id"] for one in page.columns])
        self.assertEqual("in:dair", self.asked_for()["credential_id"])
        self.assertEqual([["dair"]] * 3, [[c["credential"] for c in r["cells"]] for r in page.rows])

    def test_pages_forth_and_back(self) -> None:
        rows = [row(f"i{n}", {"alto": cell()}) for n in range(3)]
        self.show([column("alto")], rows, more=True)

        def around(query: str) -> tuple[str | None, str | None]:
            found = self.client.get(MATRIX + query).context["page"].around
            return found["previous"], found["next"]

        self.assertEqual((None, "after=i2"), around(""))
        self.assertEqual(("before=i0", "after=i2"), around("?after=x"))
        self.assertEqual("x", self.asked_for()["marker"])
        # Backwards the service gives them in the other order, nearest first.
        self.assertEqual(("before=i2", "after=i0"), around("?before=x"))
        self.assertEqual("name:desc,id:desc", self.asked_for()["sort"])
        self.show([column("alto")], rows)
        self.assertEqual((None, "after=i0"), around("?before=x"))
        self.assertEqual(("before=i0", None), around("?after=x"))

    def test_a_page_whose_marker_is_gone_is_the_first(self) -> None:
        self.refuse("matrix?marker=x", 400, "request.invalid", "There is no such image.")
        self.assertEqual(3, len(self.client.get(f"{MATRIX}?after=x").context["page"].rows))

    def test_badges_tell_whose_it_is(self) -> None:
        rows = [
            row("i1", {}, ownership="shared", state="unread"),
            row("i2", {}, conflicts=["duplicate"]),
        ]
        self.show([], rows)
        found = self.client.get(MATRIX).context["page"].rows
        self.assertEqual(
            [["shared", "not read yet"], ["twice at one site"]],
            [[str(badge["word"]) for badge in one["badges"]] for one in found],
        )

    def test_the_state_is_what_changed(self) -> None:
        changed = row("i3", {"dair": cell("copying", True, bytes_done=42, bytes_total=100)})
        self.show([column("alto"), column("dair")], [changed], deleted=["i2"])
        state = self.client.get(f"{MATRIX}state/", {"since": CURSOR}).json()
        self.assertEqual(["dair"], [*state["rows"]["i3"]["cells"]])
        self.assertEqual(42, state["rows"]["i3"]["cells"]["dair"]["percent"])
        self.assertEqual(["i2"], state["deleted"])
        self.assertEqual((1, CURSOR), (state["counts"]["moving"], state["cursor"]))
        self.assertEqual(1, state["counts"]["filters"]["failed"])

    def test_where_nothing_changed_nothing_is_counted(self) -> None:
        self.show([column("alto")], [], counts=None)
        state = self.client.get(f"{MATRIX}state/", {"since": CURSOR}).json()
        self.assertEqual(({}, None), (state["rows"], state["counts"]))
        self.assertEqual({"changes_since": CURSOR, "limit": "200"}, self.asked_for())

    def test_after_too_many_changes_the_page_is_read_again(self) -> None:
        self.show([column("alto")], [row("i1", {"alto": cell()})], reset=True)
        state = self.client.get(f"{MATRIX}state/?after=x", {"since": CURSOR}).json()
        self.assertEqual(["i1"], [*state["rows"]])
        self.assertEqual(60, state["counts"]["filters"]["all"])

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

    def test_a_plain_form_that_is_too_late_keeps_its_ticks(self) -> None:
        self.refuse("operations", 409, "image.generation_conflict", "It changed.", "POST")
        form = {
            "columns": "alto dair", "row": ["i1:2:10", "i2:2:11"],
            "want": ["i1:alto", "i1:dair", "i2:alto"],
        }  # fmt: skip
        page = self.client.post(SAVE, form)
        self.assertIn("Somebody else changed this meanwhile.", page.content.decode())
        ticks = {
            f"{one['id']}:{box['credential']}": box["ticked"]
            for one in page.context["page"].rows
            for box in one["cells"]
        }
        self.assertEqual((True, False), (ticks["i1:dair"], ticks["i2:dair"]))
        # The next Save is the difference to what is true now.
        self.assertIn("i1:3:10", page.content.decode())
        self.assertIn('value="i1:dair" checked', page.content.decode())

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
