"""Tells other services what happened: the history, sent to the message broker in its order.

At least once: a conductor that dies between sending an event and writing that down leaves it to be
sent again, with the same ``event_id``.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from typing import Any

from glint import objects
from glint.conductor.settings import Settings
from glint.db import api, duties, models, outbox
from glint.metrics.work import Work
from glint.rpc.notifier import Notifier, Undelivered

LOG = logging.getLogger(__name__)

DUTY = "notifications"

#: Events that are read, and then sent, at once.
BATCH = 100

#: Events that one look lets go of because of their age.
EXPIRE_BATCH = 5000

#: Seconds between two such looks, and the longest pause while the broker is away.
TIDY_INTERVAL = 60.0

# What an event about a transfer is called, how urgent it is, and the state that it tells.
_TRANSFER = {
    "started": ("glint.transfer.start", "info", "running"),
    "done": ("glint.transfer.end", "info", "done"),
    "failed": ("glint.transfer.error", "error", "failed"),
    "refused": ("glint.transfer.error", "error", "failed"),
    "retried": ("glint.transfer.retried", "warn", "queued"),
    "cancelled": ("glint.transfer.cancelled", "info", "cancelled"),
}
_OVER = frozenset({"done", "failed", "cancelled"})


def _when(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()}Z"


def _moved(transfer: objects.Transfer, state: str) -> dict[str, Any]:
    """A transfer as the event tells of it.

    What changes while it runs is told only of one that is over.
    """
    told: dict[str, Any] = {
        "deployment_id": transfer.deployment_id,
        "kind": str(transfer.kind),
        "bytes_total": transfer.bytes_total,
        "bytes_done": None,
        "method": None,
        "attempts": None,
        "started_at": _when(transfer.started_at),
        "finished_at": None,
    }
    if state in _OVER:
        told |= {
            "bytes_done": transfer.bytes_done,
            "method": str(transfer.method) if transfer.method else None,
            "attempts": transfer.attempts,
            "finished_at": _when(transfer.finished_at),
        }
    return told


def describe(notice: outbox.Notice) -> tuple[str, str, dict[str, Any]]:
    """Event type, level and payload of an event.

    Ids, names, states, bytes and codes: an event's sentence stays here, because the error that it
    repeats can hold an address with whatever a user wrote into it.
    """
    event = notice.event
    payload = {
        "event_id": event.id,
        "at": _when(event.at),
        "action": event.action,
        "outcome": event.outcome,
        "project_id": event.project_id,
        "user_id": event.user_id,
        "operation_id": event.operation_id,
        "transfer_id": event.transfer_id,
        "image_id": event.image_id,
        "image_name": notice.image_name,
        "credential_id": event.credential_id,
        "site_id": notice.site_id,
        "site_name": notice.site_name,
        "error_code": event.error_code,
    }
    if event.action.startswith("deployment.") and event.outcome in _TRANSFER:
        kind, level, state = _TRANSFER[event.outcome]
        payload["state"] = state
        if notice.transfer is not None:
            payload |= _moved(notice.transfer, state)
        return kind, level, payload
    if event.action == "operation.save":
        return "glint.operation.create", "info", payload
    return f"glint.{event.action}", "warn" if event.outcome == "drifted" else "info", payload


class Notifications:
    """One thread. All conductors have it, and one at a time sends.

    :param notifier: None where notifications are off; then old events are only let go of.
    """

    def __init__(
        self, db: api.Database, notifier: Notifier | None, settings: Settings, metrics: Work
    ) -> None:
        self._db = db
        self._notifier = notifier
        self._settings = settings
        self._metrics = metrics
        self._tidy_at = 0.0
        self._misses = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the notification at hand; what was not sent is sent by whoever comes next."""
        self._ended.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                while self.step() and not self._ended.is_set():
                    pass
            except Exception:
                LOG.exception("notifications could not be sent; they are later")
            pause = self._settings.poll_interval * 2**self._misses
            self._ended.wait(min(pause, TIDY_INTERVAL))

    def step(self) -> bool:
        """Send some of what waits; True where more does, and can be sent now."""
        self._tidy()
        if self._notifier is None:
            return False
        waiting = outbox.pending(self._db, 1)
        self._metrics.notifications_lag(_age(waiting[0].event) if waiting else 0.0)
        if not waiting:
            return False
        return self._on_duty(self._notifier)

    def _on_duty(self, notifier: Notifier) -> bool:
        owner, lease = self._settings.owner, self._settings.lease
        began = time.monotonic()
        if not duties.hold(self._db, DUTY, owner, lease=lease):
            return False
        try:
            # Read again: until now another conductor may have had the duty.
            notices = outbox.pending(self._db, BATCH)
            for notice in notices:
                if self._ended.is_set() or time.monotonic() > began + lease / 2:
                    break
                self._send(notifier, notice)
            self._back()
            return len(notices) == BATCH
        except Undelivered as error:
            self._away(error)
            return False
        finally:
            duties.release(self._db, DUTY, owner)

    def _send(self, notifier: Notifier, notice: outbox.Notice) -> None:
        notifier.send(*describe(notice))
        if outbox.sent(self._db, notice.event.id):
            self._metrics.notified()

    def _away(self, error: Undelivered) -> None:
        self._metrics.notification_failed()
        if not self._misses:
            LOG.warning("the broker takes no notifications (%s); they are kept", error)
        self._misses = min(self._misses + 1, 10)

    def _back(self) -> None:
        if self._misses:
            LOG.info("the broker takes notifications again")
        self._misses = 0

    def _tidy(self) -> None:
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + TIDY_INTERVAL
        keep = datetime.timedelta(seconds=self._settings.notification_keep)
        dropped = outbox.expire(self._db, models.utcnow() - keep, EXPIRE_BATCH)
        if dropped and self._notifier is not None:
            LOG.error("%d events were too old to be notified; the history has them", dropped)


def _age(event: objects.Event) -> float:
    """Seconds."""
    return max(0.0, (models.utcnow() - event.at).total_seconds())
