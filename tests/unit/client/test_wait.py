from __future__ import annotations

from typing import Any

import requests
from keystoneauth1 import exceptions as ksa

from glint import client
from tests.unit.client.base import GLINT, KEYSTONE, ClientTestCase


class TestWait(ClientTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def answers(self, *answers: dict[str, Any] | str) -> None:
        self.http.get(
            f"{GLINT}/v1/operations/o",
            [
                {"json": {"operation": {"id": "o", "state": a}}} if isinstance(a, str) else a
                for a in answers
            ],
        )

    def wait(self, **options: Any) -> dict[str, Any]:
        return self.client.wait_for("o", clock=lambda: self.now, sleep=self.sleep, **options)

    def test_until_finished_with_growing_pauses(self) -> None:
        self.answers(*["queued"], *["running"] * 9, "done")
        seen: list[str] = []

        operation = self.wait(callback=lambda operation: seen.append(operation["state"]))

        self.assertEqual("done", operation["state"])
        self.assertEqual(["queued", *["running"] * 9, "done"], seen)
        self.assertEqual(0.5, self.slept[0])
        self.assertEqual(sorted(self.slept), self.slept)
        self.assertEqual(2.0, self.slept[-1])

    def test_a_bad_end_is_an_end(self) -> None:
        for state in ("failed", "cancelled"):
            self.answers(state)
            self.assertEqual(state, self.wait()["state"])

    def test_time_limit(self) -> None:
        self.answers("running")

        error = self.assertRaises(client.WaitTimeout, self.wait, timeout=3)

        self.assertEqual(3.0, self.now)
        self.assertEqual({"id": "o", "state": "running"}, error.operation)

    def test_no_time_is_one_look(self) -> None:
        self.answers("running")

        self.assertRaises(client.WaitTimeout, self.wait, timeout=0)

        self.assertEqual([], self.slept)

    def test_a_restart_of_the_service_is_waited_for(self) -> None:
        self.answers(
            "running",
            {"exc": requests.exceptions.ConnectionError},
            {"exc": requests.exceptions.ConnectionError},
            {"status_code": 503, "json": {"errors": []}},
            "done",
        )

        self.assertEqual("done", self.wait()["state"])

    def test_a_service_that_stays_away_is_reported(self) -> None:
        self.answers("running", {"status_code": 500, "json": {"errors": []}})

        self.assertRaises(client.ServerError, self.wait, timeout=3600)

        self.assertLess(self.now, 400)

    def test_the_operation_itself_will_do(self) -> None:
        self.answers("done")
        operation = {"id": "o", "state": "queued"}
        ended = self.client.wait_for(operation, 5, clock=lambda: self.now, sleep=self.sleep)
        self.assertEqual("done", ended["state"])

    def test_a_token_that_ends_in_mid_wait_is_renewed(self) -> None:
        refused = {"status_code": 401, "json": {"errors": []}}
        self.answers("running", refused, "running", "done")

        self.assertEqual("done", self.wait()["state"])

        logins = [r for r in self.http.request_history if r.method == "POST"]
        self.assertEqual(2, len(logins))

    def test_keystone_may_be_away_when_a_token_ends(self) -> None:
        refused: dict[str, Any] = {"status_code": 401, "json": {"errors": []}}
        self.answers("running", refused, refused, "done")
        token = self.token
        self.http.post(
            f"{KEYSTONE}/auth/tokens",
            [
                token,
                {"status_code": 503},
                {"exc": requests.exceptions.ConnectionError},
                token,
            ],
        )

        self.assertEqual("done", self.wait()["state"])

    def test_a_login_that_is_refused_ends_the_wait(self) -> None:
        self.answers("running", {"status_code": 401, "json": {"errors": []}})
        self.http.post(f"{KEYSTONE}/auth/tokens", [self.token, {"status_code": 401}])

        self.assertRaises((client.Unauthorized, ksa.Unauthorized), self.wait)

        self.assertLess(self.now, 5)

    def test_unknown_operation_ends_the_wait(self) -> None:
        self.answers({"status_code": 404, "json": {"errors": []}})

        self.assertRaises(client.NotFound, self.wait)

        self.assertEqual([], self.slept)
