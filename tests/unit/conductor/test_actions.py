"""Retry and cancel by the user."""

from __future__ import annotations

import os
import threading

from glint import exception
from glint.db import actions, operations, transfers
from glint.objects import Scope
from tests.unit.conductor.base import PROJECT, ConductorTestCase

DATA = os.urandom(20_000)


class TestActions(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alto = self.cloud("alto")
        self.dair = self.cloud("dair")
        self.image_id = self.register("alto", self.alto.put("cirros", DATA))

    def states(self, operation_id: str) -> list[str | None]:
        view = operations.get(self.db, PROJECT, operation_id)
        return [c.transfer.state if c.transfer else None for c in view.changes]

    def test_cancel_of_a_running_operation_leaves_nothing(self) -> None:
        self.dair.gate = threading.Event()
        operation = self.save(self.image_id, dair=True)
        self.start()
        self.assertTrue(self.dair.reached.wait(10))
        actions.on_operation(self.db, PROJECT, "cancel", operation)
        # The gate stays closed: the abort has to free the upload.
        self.wait(lambda: self.states(operation) == ["cancelled"])
        cell = self.wait_cell(self.image_id, "dair", "absent")
        self.assertFalse(cell.wanted)
        self.dair.gate.set()
        self.wait(lambda: not self.dair.images)

    def test_cancel_of_a_waiting_transfer(self) -> None:
        operation = self.save(self.image_id, dair=True)
        cell = self.cell(self.image_id, "dair")
        actions.on_deployment(self.db, PROJECT, "cancel", cell.id)
        self.start()
        self.wait_cell(self.image_id, "dair", "absent")
        self.assertEqual([None], self.states(operation))
        self.assertEqual(0, self.alto.reads)

    def test_retry_touches_only_failed_cells(self) -> None:
        other = self.cloud("other")
        self.dair.faults["upload"] = exception.SiteForbidden(reason="no")
        operation = self.save(self.image_id, dair=True, other=True)
        self.start()
        self.wait_cell(self.image_id, "dair", "failed")
        kept = self.wait_cell(self.image_id, "other", "active")
        self.dair.faults.clear()
        actions.on_operation(self.db, PROJECT, "retry", operation)
        self.wait_cell(self.image_id, "dair", "active")
        self.assertEqual(["done", "done"], self.states(operation))
        self.assertEqual([kept.remote_id], [*other.images])
        history = transfers.list(self.db, PROJECT, limit=10, deployment_id=kept.id)
        self.assertEqual(1, len(history))

    def test_retry_of_a_failed_transfer(self) -> None:
        self.dair.faults["upload"] = exception.SiteForbidden(reason="no")
        self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "failed")
        (failed,) = transfers.list(self.db, PROJECT, limit=5, deployment_id=cell.id)
        self.dair.faults.clear()
        actions.on_transfer(self.db, PROJECT, "retry", failed.id)
        self.wait_cell(self.image_id, "dair", "active")

    def test_nothing_to_act(self) -> None:
        operation = self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "active")
        for verb in ("cancel", "retry"):
            error = self.assertRaises(
                exception.NothingToAct, actions.on_operation, self.db, PROJECT, verb, operation
            )
            self.assertEqual("operation.nothing_to_act", error.code)
            self.assertRaises(
                exception.NothingToAct, actions.on_deployment, self.db, PROJECT, verb, cell.id
            )

    def test_others_see_nothing_to_act_on(self) -> None:
        operation = self.save(self.image_id, dair=True)
        stranger = Scope("other project", "user")
        self.assertRaises(
            exception.NotFound, actions.on_operation, self.db, stranger, "cancel", operation
        )
