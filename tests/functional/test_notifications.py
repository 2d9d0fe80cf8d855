"""Notifications over a real broker that comes and goes, and from each kind of database."""

from __future__ import annotations

import os
import threading
from typing import Any, ClassVar

from oslo_config import cfg

from glint.conductor.notifications import BATCH, Notifications
from glint.db import api, events, models, outbox, statistics
from glint.metrics.work import Work
from glint.rpc import notifier
from tests.servers import databases, mariadb, postgresql, rabbitmq, server
from tests.unit.conductor.base import ConductorTestCase
from tests.unit.conductor.test_notifications import Broker

#: Seconds for anything that needs the broker; reached only when something is broken.
PATIENCE = 60.0


class Everywhere(ConductorTestCase):
    """What must hold on every database. Not a test by itself."""

    kind: ClassVar[type[databases.DatabaseServer] | None] = None

    def database(self, url: str) -> api.Database:
        if self.kind is not None:
            shared = self.useFixture(server.Shared(self.kind)).server
            assert isinstance(shared, databases.DatabaseServer)
            url = shared.create_database()
        return super().database(url)

    def test_several_senders_send_all_once_and_in_order(self) -> None:
        for number in range(2 * BATCH + 7):
            events.record(
                self.db, project_id="p", action="site.create", outcome="done", message=str(number)
            )
        broker, senders = Broker(), []
        for _ in range(3):
            sender = Notifications(self.db, broker, self.settings(poll_interval=0.02), Work())
            sender.start()
            self.addCleanup(sender.close)
            senders.append(sender)
        self.wait(lambda: not outbox.pending(self.db, 1))
        for sender in senders:
            sender.close()
        self.assertEqual(2 * BATCH + 7, len(broker.ids))
        self.assertEqual(sorted(set(broker.ids)), broker.ids)

    def test_figures(self) -> None:
        alto = self.cloud("alto")
        self.cloud("dair")
        image_id = self.register("alto", alto.put("cirros", os.urandom(1000)))
        self.save(image_id, dair=True)
        manager = self.start()
        self.wait_cell(image_id, "dair", "active")
        found = statistics.figures(self.db)
        self.assertEqual(({"active": 2}, 0, 0), (found.deployments, found.pending, found.orphaned))
        self.assertEqual(["alto", "dair"], [one.name for one in found.sites])
        for one in found.sites:
            assert one.scan_age is not None
            self.assertTrue(0 <= one.scan_age < PATIENCE, one.scan_age)
        self.wait(lambda: statistics.figures(self.db).conductors == 1)
        manager.close()


class TestOnSQLite(Everywhere):
    pass


class TestOnMariaDB(Everywhere):
    kind = mariadb.MariaDB


class TestOnPostgreSQL(Everywhere):
    kind = postgresql.PostgreSQL


class Listener:
    """Another service."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.came = threading.Condition()

    def _take(self, _context: Any, _who: str, kind: str, payload: Any, _meta: Any) -> None:
        with self.came:
            self.got.append((kind, payload))
            self.came.notify_all()

    info = warn = error = _take

    def expect(self, count: int) -> list[str]:
        """The kinds of the first ``count`` notifications."""
        with self.came:
            self.came.wait_for(lambda: len(self.got) >= count, PATIENCE)
            return [kind for kind, _ in self.got]


class TestBroker(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.broker = self.useFixture(rabbitmq.RabbitMQ())
        self.conf = cfg.ConfigOpts()
        self.conf([], default_config_files=[])
        self.assertIsNone(notifier.make_notifier(self.conf, "here"))
        self.conf.set_override("driver", ["messagingv2"], notifier.GROUP)
        self.conf.set_override("transport_url", self.broker.url, notifier.GROUP)
        self.listener = Listener()
        self.listen()

    def listen(self) -> None:
        # Not above: glint.rpc has to choose threads before the library is imported.
        import oslo_messaging

        service = oslo_messaging.get_notification_listener(
            oslo_messaging.get_notification_transport(self.conf),
            [oslo_messaging.Target(topic="notifications")],
            [self.listener],
            executor="threading",
        )
        service.start()
        self.addCleanup(service.wait)
        self.addCleanup(service.stop)

    def sender(self) -> Notifications:
        made = notifier.make_notifier(self.conf, "here")
        sender = Notifications(self.db, made, self.settings(), Work())
        self.addCleanup(sender.close)
        return sender

    def test_nothing_is_lost_while_the_broker_is_away(self) -> None:
        alto, dair = self.cloud("alto"), self.cloud("dair")
        first = self.register("alto", alto.put("cirros", os.urandom(3000)))
        second = self.register("alto", alto.put("debian", os.urandom(3000)))
        self.start()
        self.sender().start()
        self.save(first, dair=True)
        told = ["glint.operation.create", "glint.transfer.start", "glint.transfer.end"]
        self.assertEqual(told, self.listener.expect(3))

        self.broker.kill()
        self.save(second, dair=True)
        cell = self.wait_cell(second, "dair", "active")
        dair.images.pop(cell.remote_id or "")
        self.scan("dair")
        self.wait(lambda: len(outbox.pending(self.db, 9)) == 4)
        self.assertEqual(3, len(self.listener.got))

        self.broker.start()
        # Drift has a queue of its own, so that it may come before what was sent before it.
        kinds = self.listener.expect(7)
        self.assertEqual([*told, *told], [k for k in kinds if k != "glint.deployment.drift"])
        ids = [payload["event_id"] for _, payload in self.listener.got]
        self.assertEqual(7, len(set(ids)))
        ends = [p for kind, p in self.listener.got if kind == "glint.transfer.end"]
        self.assertEqual(
            [("cirros", 3000, "dair"), ("debian", 3000, "dair")],
            [(p["image_name"], p["bytes_done"], p["site_name"]) for p in ends],
        )
        # The listener may hear of an event before the sender has written down that it was sent.
        self.wait(lambda: self.notified() == 7)

    def notified(self) -> int:
        """How many events the database holds as sent."""
        with self.db.reader() as session:
            return session.query(models.Event).filter_by(notified=True).count()


# The loader takes what it finds in the module; what is only inherited from is no test.
del Everywhere
