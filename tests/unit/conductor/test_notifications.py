"""What other services are told, and that nothing is lost or told twice."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Mapping
from typing import Any

from glint import exception
from glint.conductor.notifications import BATCH, DUTY, Notifications
from glint.db import actions, duties, events, models, outbox
from glint.metrics.work import Work
from glint.rpc.notifier import Undelivered
from tests.unit.conductor.base import PROJECT, ConductorTestCase
from tests.unit.conductor.memory import MemoryCloud

SECRET = "correct-horse"


class Broker:
    """Takes notifications, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.got: list[tuple[str, str, Mapping[str, Any]]] = []
        self.entered = threading.Event()
        self.gate: threading.Event | None = None

    def send(self, event_type: str, level: str, payload: Mapping[str, Any]) -> None:
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.away:
            raise Undelivered("away")
        self.got.append((event_type, level, payload))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.got]

    @property
    def ids(self) -> list[int]:
        return [payload["event_id"] for _, _, payload in self.got]


class NotificationsTest(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.broker = Broker()
        self.clouds: dict[str, MemoryCloud] = {}

    def cloud(self, name: str, **options: Any) -> MemoryCloud:
        self.clouds[name] = super().cloud(name, **options)
        return self.clouds[name]

    def sender(self, broker: Broker | None = None, **changes: Any) -> Notifications:
        settings = self.settings(**changes)
        return Notifications(self.db, broker or self.broker, settings, Work())

    def tell(self, count: int, **values: Any) -> None:
        for number in range(count):
            given = {"action": "site.create", "outcome": "done", "message": str(number), **values}
            events.record(self.db, project_id="project", **given)

    def copied(self, data: bytes = b"x" * 5000) -> str:
        """A save that ends with a copy at dair; returns the image's id."""
        alto = self.cloud("alto")
        self.cloud("dair")
        image_id = self.register("alto", alto.put("cirros", data))
        self.save(image_id, dair=True)
        return image_id

    def test_a_copy(self) -> None:
        image_id = self.copied()
        manager = self.start()
        cell = self.wait_cell(image_id, "dair", "active")
        manager.close()
        self.sender().step()
        self.assertEqual(
            ["glint.operation.create", "glint.transfer.start", "glint.transfer.end"],
            self.broker.kinds,
        )
        (_, _, save), (_, _, start), (_, level, end) = self.broker.got
        self.assertEqual("info", level)
        self.assertEqual(("running", None, None), (start["state"], start["bytes_done"], None))
        for told in (start, end):
            self.assertEqual(
                (image_id, "cirros", "dair", cell.id, "copy", 5000),
                (told["image_id"], told["image_name"], told["site_name"], told["deployment_id"],
                 told["kind"], told["bytes_total"]),
            )  # fmt: skip
            self.assertEqual(save["operation_id"], told["operation_id"])
        self.assertEqual(
            ("done", 5000, "stream", 1, None),
            (end["state"], end["bytes_done"], end["method"], end["attempts"], end["error_code"]),
        )
        self.assertFalse(self.sender().step())
        self.assertEqual(3, len(self.broker.got))

    def test_an_error_tells_its_code_and_no_secret(self) -> None:
        image_id = self.copied()
        cloud = f"https://alice:{SECRET}@dair.example.org/v3"
        self.tell(1, message=SECRET)
        self.clouds["dair"].faults["list"] = exception.SiteUnreachable(url=cloud, reason=SECRET)
        manager = self.start(attempts=2)
        self.wait_cell(image_id, "dair", "failed")
        manager.close()
        self.sender().step()
        kinds = self.broker.kinds
        self.assertEqual(["glint.transfer.retried", "glint.transfer.error"], kinds[-2:])
        _, level, payload = self.broker.got[-1]
        self.assertEqual(("error", "failed"), (level, payload["state"]))
        self.assertEqual("site.unreachable", payload["error_code"])
        self.assertIn(SECRET, str(events.list(self.db, PROJECT, limit=9)))
        self.assertNotIn(SECRET, json.dumps(self.broker.got))

    def test_drift_and_users_actions(self) -> None:
        image_id = self.copied()
        manager = self.start()
        cell = self.wait_cell(image_id, "dair", "active")
        manager.close()
        self.clouds["dair"].images.clear()
        self.scan("dair")
        actions.on_deployment(self.db, PROJECT, "retry", cell.id)
        self.tell(1, action="site.delete")
        self.sender().step()
        self.assertEqual(
            ["glint.deployment.drift", "glint.deployment.retry", "glint.site.delete"],
            self.broker.kinds[-3:],
        )
        _, level, drift = self.broker.got[-3]
        self.assertEqual("warn", level)
        self.assertEqual(
            ("deployment.missing", "dair", "cirros"),
            (drift["error_code"], drift["site_name"], drift["image_name"]),
        )

    def test_in_order_over_batches(self) -> None:
        self.tell(BATCH + 5)
        sender = self.sender()
        self.assertTrue(sender.step())
        self.assertFalse(sender.step())
        self.assertEqual(sorted(self.broker.ids), self.broker.ids)
        self.assertEqual(BATCH + 5, len(self.broker.ids))

    def test_the_broker_goes_and_comes_back(self) -> None:
        self.tell(2)
        sender = self.sender()
        self.broker.away = True
        for _ in range(3):
            self.assertFalse(sender.step())
        self.tell(1)
        self.assertEqual([], self.broker.got)
        self.broker.away = False
        # It gave the duty back: another conductor may reach a broker that this one cannot.
        self.sender().step()
        self.assertEqual(3, len(self.broker.ids))
        self.assertEqual([], outbox.pending(self.db, 9))

    def test_its_thread_sends_when_the_broker_is_back(self) -> None:
        self.broker.away = True
        self.tell(2)
        sender = self.sender(poll_interval=0.01)
        sender.start()
        self.addCleanup(sender.close)
        self.assertTrue(self.broker.entered.wait(10))
        self.broker.away = False
        self.wait(lambda: len(self.broker.got) == 2)

    def test_two_senders_send_nothing_twice(self) -> None:
        self.tell(20)
        self.broker.gate = threading.Event()
        first = threading.Thread(target=self.sender().step)
        first.start()
        self.assertTrue(self.broker.entered.wait(10))
        other = Broker()
        self.assertFalse(self.sender(other).step())
        self.broker.gate.set()
        first.join(10)
        self.sender(other).step()
        self.assertEqual((20, 20), (len(self.broker.got), len(set(self.broker.ids))))
        self.assertEqual([], other.got)

    def test_many_senders_at_once(self) -> None:
        self.tell(3 * BATCH)
        senders = [self.sender(poll_interval=0.01) for _ in range(4)]
        for sender in senders:
            sender.start()
            self.addCleanup(sender.close)
        self.wait(lambda: len(self.broker.got) >= 3 * BATCH)
        for sender in senders:
            sender.close()
        self.assertEqual([*range(1, 3 * BATCH + 1)], self.broker.ids)

    def test_a_dead_sender_is_followed(self) -> None:
        self.tell(1)
        self.assertTrue(duties.hold(self.db, DUTY, "dead", lease=0.2))
        sender = self.sender()
        self.assertFalse(sender.step())
        self.assertEqual([], self.broker.got)
        self.wait(lambda: sender.step() or self.broker.got)
        self.assertEqual([1], self.broker.ids)

    def test_old_events_are_let_go_of(self) -> None:
        old = models.utcnow() - datetime.timedelta(seconds=100)
        self.tell(2, at=old)
        self.tell(1)
        self.sender(notification_keep=50.0).step()
        self.assertEqual([3], self.broker.ids)
        self.assertEqual(3, len(events.list(self.db, PROJECT, limit=9)))

    def test_off(self) -> None:
        old = models.utcnow() - datetime.timedelta(seconds=100)
        self.tell(1, at=old)
        self.tell(1)
        off = Notifications(self.db, None, self.settings(notification_keep=50.0), Work())
        self.assertFalse(off.step())
        self.assertEqual([2], [notice.event.id for notice in outbox.pending(self.db, 9)])

    def test_names_that_are_gone(self) -> None:
        self.tell(1, action="deployment.copy", image_id="i", site_id="s", transfer_id="t")
        self.sender().step()
        ((kind, _, payload),) = self.broker.got
        self.assertEqual("glint.transfer.end", kind)
        self.assertEqual(("t", "done"), (payload["transfer_id"], payload["state"]))
        self.assertIsNone(payload["image_name"])


class DutiesTest(ConductorTestCase):
    def test_one_at_a_time(self) -> None:
        self.assertTrue(duties.hold(self.db, "x", "one", lease=60.0))
        self.assertFalse(duties.hold(self.db, "x", "two", lease=60.0))
        self.assertTrue(duties.hold(self.db, "x", "one", lease=60.0))
        self.assertTrue(duties.hold(self.db, "y", "two", lease=60.0))
        duties.release(self.db, "x", "two")
        self.assertFalse(duties.hold(self.db, "x", "two", lease=60.0))
        duties.release(self.db, "x", "one")
        self.assertTrue(duties.hold(self.db, "x", "two", lease=0.0))
        self.assertTrue(duties.hold(self.db, "x", "one", lease=60.0))
