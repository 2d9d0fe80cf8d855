from __future__ import annotations

import json
from typing import Any

import fixtures

from glint.osc.event import ListEvent
from tests.unit.client.base import GLINT
from tests.unit.osc.base import HOSTILE, OscTestCase


class TestFollow(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.useFixture(fixtures.MonkeyPatch("time.monotonic", lambda: self.now))
        self.useFixture(fixtures.MonkeyPatch("time.sleep", self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def happen(self, *looks: tuple[int, ...] | int) -> None:
        answers: list[dict[str, Any]] = []
        for look in looks:
            if isinstance(look, int):
                answers.append({"status_code": look, "json": {"errors": []}})
                continue
            events = [{"id": str(n), "at": f"T{n}", "outcome": "ok", "message": f"m{n}"}
                      for n in look]  # fmt: skip
            answers.append({"json": {"events": events}})
        self.http.get(f"{GLINT}/v1/events", answers)

    def follow(self, *argv: str) -> list[str]:
        return self.command(ListEvent, "--follow", "--timeout", "9", *argv).splitlines()

    def test_from_before_then_new_ones_once_and_in_order(self) -> None:
        # 4 was given out before 5, and is seen after it.
        self.happen((3, 2, 1), (5, 3, 2, 1), 503, (6, 5, 4, 3, 2, 1))
        lines = self.follow("--limit", "2")
        self.assertEqual([f"T{n} ok: m{n}" for n in (2, 3, 5, 4, 6)], lines)
        self.assertEqual("", self.err.getvalue())

    def test_lines_of_json(self) -> None:
        self.happen((1,))
        (line,) = self.follow("-f", "json")
        self.assertEqual("m1", json.loads(line)["Message"])

    def test_hostile_text(self) -> None:
        self.http.get(f"{GLINT}/v1/events", json={"events": [{"id": "1", "message": HOSTILE}]})
        (line,) = self.follow()
        self.assertNotIn("\x1b", line)

    def test_filters(self) -> None:
        self.happen((1,), (2, 1))
        lines = self.follow("--filter", "outcome=neq:done", "--operation", "o", "--limit", "1")
        self.assertEqual(["T1 ok: m1", "T2 ok: m2"], lines)
        wished = {"limit": ["100"], "operation_id": ["o"], "outcome": ["neq:done"]}
        self.assertEqual({str(wished)}, {str(dict(sorted(r.qs.items()))) for r in self.sent()})

    def test_it_has_an_order_of_its_own(self) -> None:
        for option in ("--sort", "--marker"):
            self.assertIn("leave --sort", self.fails(ListEvent, "--follow", option, "at"))

    def test_trouble_that_stays_is_said(self) -> None:
        self.happen((1,), 403)
        self.assertIn("http.403", self.fails(ListEvent, "--follow"))
