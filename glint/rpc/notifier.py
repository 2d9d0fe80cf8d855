"""Notifications about what happened, for other services; see doc/source/admin/monitoring.rst."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, Protocol

import oslo_messaging
from oslo_messaging import opts
from oslo_messaging import transport as oslo_transport
from stevedore import extension

LOG = logging.getLogger(__name__)

GROUP = "oslo_messaging_notifications"
DRIVERS = "oslo.messaging.notify.drivers"

#: Urgency of a notification, which is also the end of its topic's name.
LEVELS = ("info", "warn", "error")


class Undelivered(Exception):
    """The broker did not take a notification."""


class UnknownDriver(ValueError):
    """A notification driver that is not installed: what goes there would be lost in silence."""


class Notifier(Protocol):
    """Where notifications go."""

    def send(self, event_type: str, level: str, payload: Mapping[str, Any]) -> None:
        """Returns when the broker has taken it.

        :param level: one of LEVELS.
        :raises Undelivered: the broker is away.
        """


class _Transport(oslo_transport.NotificationTransport):
    """Remembers an error that oslo.messaging's notifier would log and forget."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner._driver)
        self.error: Exception | None = None

    def _send_notification(self, *args: Any, **kwargs: Any) -> None:
        try:
            super()._send_notification(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - kombu's errors come unmapped
            self.error = error


class OsloNotifier:
    """Over the drivers that ``[oslo_messaging_notifications]`` names.

    :param transport: of oslo.messaging's ``get_notification_transport``.
    :param host: names this process to those who listen.
    """

    def __init__(self, transport: Any, host: str) -> None:
        self._transport = _Transport(transport)
        # retry=0: with the broker away an attempt ends at once; Glint itself tries again later.
        self._notifier = oslo_messaging.Notifier(self._transport, f"glint.{host}", retry=0)
        self._lock = threading.Lock()

    def send(self, event_type: str, level: str, payload: Mapping[str, Any]) -> None:
        """See :meth:`Notifier.send`."""
        assert level in LEVELS, level
        with self._lock:
            self._transport.error = None
            getattr(self._notifier, level)({}, event_type, dict(payload))
            error = self._transport.error
        if error is not None:
            # No text of the error: it can hold the broker's URL, and that a password.
            raise Undelivered(type(error).__name__) from error


def wanted_drivers(conf: Any) -> frozenset[str]:
    """What ``[oslo_messaging_notifications] driver`` names and does something.

    :raises UnknownDriver: one is not installed.
    """
    for group, options in opts.list_opts():
        if group == GROUP:
            conf.register_opts(options, group=GROUP)
    wanted = frozenset(conf[GROUP].driver) - {"noop"}
    unknown = wanted - set(extension.ExtensionManager(DRIVERS).names()) if wanted else ()
    if unknown:
        raise UnknownDriver(
            f"[{GROUP}] driver names {', '.join(sorted(unknown))}, which is not installed."
            " messagingv2 is what you want, or log."
        )
    return wanted


def make_notifier(conf: Any, host: str) -> Notifier | None:
    """For the drivers that are wanted; None where there are none. Raises as above."""
    if not wanted_drivers(conf):
        return None
    return OsloNotifier(oslo_messaging.get_notification_transport(conf), host)
