"""What is derived when objects are shown."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import testtools

from glint import objects, states
from glint.api import views

NOW = datetime.datetime(2026, 11, 20, 23, 18, 45)  # noqa: DTZ001
T = states.TransferState


def transfer(state: states.TransferState, **changes: Any) -> objects.Transfer:
    """A transfer of which only what a test names matters."""
    values: dict[str, Any] = {f.name: None for f in dataclasses.fields(objects.Transfer)}
    values.update(
        kind=states.TransferKind.COPY, state=state, bytes_done=0, rate=0.0, attempts=1,
        created_at=NOW, next_run_at=NOW,
    )  # fmt: skip
    return objects.Transfer(**{**values, **changes})


def change(carried: objects.Transfer | None, *, settled: bool = True) -> objects.ChangeView:
    return objects.ChangeView(
        objects.Change("d", "i", "c", True, "t" if carried else None, settled), carried
    )


def operation(*changes: objects.ChangeView) -> views.View:
    row = objects.Operation("o", "red", "alice", None, NOW)
    return views.operation(objects.OperationView(row, changes))


class TimeTest(testtools.TestCase):
    def test_times(self) -> None:
        self.assertEqual("2026-11-20T23:18:45Z", views.when(NOW))
        self.assertEqual("2026-11-20T23:18:45.000001Z", views.when(NOW.replace(microsecond=1)))
        self.assertIsNone(views.when(None))

    def test_eta(self) -> None:
        self.assertEqual(8, views.eta(250, 1000, 100.0))
        self.assertEqual(1, views.eta(999, 1000, 100.0))
        self.assertEqual(0, views.eta(1000, 1000, 100.0))
        self.assertIsNone(views.eta(0, 1000, 0.0))
        self.assertIsNone(views.eta(0, None, 100.0))
        self.assertIsNone(views.eta(1001, 1000, 100.0))


class OperationTest(testtools.TestCase):
    def test_states(self) -> None:
        waits, settled = change(None, settled=False), change(None)
        for changes, state in (
            ([settled], "done"),
            ([waits], "queued"),
            ([waits, settled], "running"),
            ([change(transfer(T.QUEUED))], "queued"),
            ([change(transfer(T.QUEUED)), waits], "queued"),
            ([change(transfer(T.RUNNING)), waits], "running"),
            ([change(transfer(T.DONE)), waits], "running"),
            ([change(transfer(T.DONE)), settled], "done"),
            ([change(transfer(T.DONE)), change(transfer(T.FAILED))], "failed"),
            ([change(transfer(T.FAILED)), waits], "running"),
            ([change(transfer(T.CANCELLED)), settled], "cancelled"),
        ):
            self.assertEqual(state, operation(*changes)["state"], str(changes))

    def test_sums(self) -> None:
        shown = operation(
            change(transfer(T.RUNNING, bytes_done=10, bytes_total=100, rate=5.0)),
            change(transfer(T.DONE, bytes_done=50, bytes_total=50, rate=99.0)),
            change(None),
        )
        self.assertEqual(
            (60, 150, 5.0, 18),
            tuple(shown[k] for k in ("bytes_done", "bytes_total", "rate", "eta")),
        )

    def test_unknown_total(self) -> None:
        known = change(transfer(T.RUNNING, bytes_done=10, bytes_total=100, rate=5.0))
        for other in (change(transfer(T.QUEUED)), change(None, settled=False)):
            shown = operation(known, other)
            self.assertEqual((None, None), (shown["bytes_total"], shown["eta"]))


class TransferTest(testtools.TestCase):
    def test_only_what_runs_has_a_rate(self) -> None:
        for state, rate, phase in (
            (T.RUNNING, 7.0, "copying"),
            (T.QUEUED, 0.0, "copying"),
            (T.DONE, 0.0, None),
            (T.FAILED, 0.0, None),
        ):
            shown = views.transfer(transfer(state, rate=7.0, phase="copying"))
            self.assertEqual((rate, phase), (shown["rate"], shown["phase"]))
