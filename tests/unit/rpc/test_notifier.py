"""Notifications through oslo.messaging's own drivers."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import fixtures
import oslo_messaging
import testtools
from oslo_config import cfg
from oslo_messaging import opts

from glint.cmd import wiring
from glint.rpc import notifier

PASSWORD = "correct-horse"


class Listener:
    def __init__(self) -> None:
        self.got: list[tuple[str, str, str, Any]] = []
        self.came = threading.Event()

    def warn(self, _context: Any, publisher: str, kind: str, payload: Any, _meta: Any) -> None:
        self.got.append(("warn", publisher, kind, payload))
        self.came.set()


class NotifierTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))

    def conf(self, url: str, *drivers: str) -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        for group, options in opts.list_opts():
            conf.register_opts(options, group=group)
        conf([], default_config_files=[])
        conf.set_override("transport_url", url)
        conf.set_override("driver", list(drivers), notifier.GROUP)
        return conf

    def test_off(self) -> None:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        self.assertIsNone(notifier.make_notifier(conf, "h"))
        self.assertIsNone(notifier.make_notifier(self.conf("fake://", "noop"), "h"))

    def test_a_driver_that_is_not_there(self) -> None:
        conf = self.conf("fake://", "messagingv3", "log")
        error = self.assertRaises(notifier.UnknownDriver, notifier.make_notifier, conf, "h")
        self.assertIn("driver names messagingv3, which", str(error))
        refused = self.assertRaises(wiring.Refused, wiring.check_notifications, conf)
        self.assertEqual(str(error), str(refused))

    def test_arrives(self) -> None:
        conf = self.conf("fake://", "messagingv2")
        listener = Listener()
        server = oslo_messaging.get_notification_listener(
            oslo_messaging.get_notification_transport(conf),
            [oslo_messaging.Target(topic="notifications")],
            [listener],
            executor="threading",
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        made = notifier.make_notifier(conf, "h1")
        assert made is not None
        made.send("glint.x", "warn", {"a": 1})
        self.assertTrue(listener.came.wait(10))
        self.assertEqual([("warn", "glint.h1", "glint.x", {"a": 1})], listener.got)

    def test_broker_away(self) -> None:
        """oslo.messaging would log the loss, password and all, and say nothing."""
        with socket.socket() as taken:
            # Bound and not listening: nobody answers here.
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            conf = self.conf(f"rabbit://glint:{PASSWORD}@127.0.0.1:{port}/", "messagingv2")
            made = notifier.make_notifier(conf, "h1")
            assert made is not None
            for _ in range(2):
                error = self.assertRaises(notifier.Undelivered, made.send, "glint.x", "info", {})
                self.assertNotIn(PASSWORD, str(error))
        self.assertNotIn(PASSWORD, self.log.output)
        self.assertNotIn("Traceback", self.log.output)

    def test_log_driver(self) -> None:
        made = notifier.make_notifier(self.conf("rabbit://", "log"), "h1")
        assert made is not None
        made.send("glint.x", "error", {"a": 1})
        self.assertIn('"event_type": "glint.x"', self.log.output)
