"""Cancel and retry of deployments, transfers and operations."""

from __future__ import annotations

from glint.db import models
from tests.unit.api.test_operations import SaveTestCase


class TestActions(SaveTestCase):
    def transfer(self, state: str) -> tuple[list[str], str]:
        """A Save with one transfer; the paths of what stands for it, and the transfer's id."""
        saved = self.save(self.wish())
        ident = self.plan(saved, state=state)
        cell_id = saved["changes"][0]["deployment_id"]
        failed = state == "failed"
        with self.db.writer() as session:
            cell = session.get_one(models.Deployment, cell_id)
            cell.pending, cell.status = False, "failed" if failed else "copying"
            session.get_one(models.Transfer, ident).live = None if failed else cell_id
        things = (("operations", saved["id"]), ("deployments", cell_id), ("transfers", ident))
        return [f"/v1/{name}/{thing}" for name, thing in things], ident

    def test_cancel_of_each_withdraws_the_wish_and_wakes(self) -> None:
        for place in range(3):
            paths, ident = self.transfer("running")
            self.conductor.asked.clear()
            self.call("POST", f"{paths[place]}/cancel", expect=202)
            self.assertEqual(["wake"], [method for method, _ in self.conductor.asked])
            with self.db.writer() as session:
                row = session.get_one(models.Transfer, ident)
                cell = session.get_one(models.Deployment, row.deployment_id)
                self.assertEqual((True, False, True), (row.cancel, cell.wanted, cell.pending))
                # What a conductor makes of it.
                row.state, row.live, cell.pending, cell.status = "cancelled", None, False, "absent"

    def test_retry_of_each_is_pending_again(self) -> None:
        paths, ident = self.transfer("failed")
        for path in paths:
            self.call("POST", f"{path}/retry", expect=202)
            with self.db.writer() as session:
                change = session.query(models.Change).one()
                cell = session.get_one(models.Deployment, change.deployment_id)
                self.assertEqual((True, "queued"), (cell.pending, cell.status))
                self.assertEqual((None, False), (change.transfer_id, change.settled))
                cell.pending, cell.status = False, "failed"
                change.transfer_id, change.settled = ident, True

    def test_nothing_to_do(self) -> None:
        for path in self.transfer("failed")[0]:
            self.refused("operation.nothing_to_act", 409, "POST", f"{path}/cancel")

    def test_a_stranger_finds_nothing(self) -> None:
        for path in self.transfer("running")[0]:
            for verb in ("cancel", "retry"):
                answer = self.call("POST", f"{path}/{verb}", who="carol", expect=404)
                self.assertIn("not_found", answer.error["code"])

    def test_a_reader_may_not(self) -> None:
        for path in self.transfer("running")[0]:
            self.refused("request.forbidden", 403, "POST", f"{path}/cancel", who="rita")
