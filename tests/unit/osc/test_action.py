"""Cancel and retry from the command line."""

from __future__ import annotations

from osc_lib import exceptions

from glint.osc import action
from tests.unit.client.base import GLINT
from tests.unit.osc.base import OscTestCase

ONE = "deb10000-0000-4000-8000-000000000001"
COMMANDS = [
    (action.CancelOperation, "operation", "cancel"),
    (action.RetryOperation, "operation", "retry"),
    (action.CancelDeployment, "deployment", "cancel"),
    (action.RetryDeployment, "deployment", "retry"),
    (action.CancelTransfer, "transfer", "cancel"),
    (action.RetryTransfer, "transfer", "retry"),
]


class TestActions(OscTestCase):
    def test_each_posts_to_its_place(self) -> None:
        for command, thing, verb in COMMANDS:
            path = f"{GLINT}/v1/{thing}s/{ONE}/{verb}"
            self.http.post(path, json={thing: {"id": ONE}}, status_code=202)
            self.http.get(f"{GLINT}/v1/{thing}s/{ONE}", json={thing: {"id": ONE}})
            self.command(command, ONE)
            assert self.http.last_request is not None
            self.assertEqual(path, self.http.last_request.url)

    def test_one_that_does_not_go_is_said_and_the_others_are_done(self) -> None:
        error = {"status": 409, "title": "Conflict", "code": "operation.nothing_to_act"}
        refused = {"errors": [{**error, "detail": "Nothing to retry.", "request_id": "r"}]}
        self.http.post(f"{GLINT}/v1/operations/a/retry", json=refused, status_code=409)
        self.http.post(f"{GLINT}/v1/operations/b/retry", json={"operation": {"id": "b"}})
        failure = self.assertRaises(
            exceptions.CommandError, self.command, action.RetryOperation, "a", "b"
        )
        self.assertIn("Nothing to retry", str(failure))
        assert self.http.last_request is not None
        self.assertTrue(self.http.last_request.url.endswith("/b/retry"))
