"""Keeps a conductor's leases: one thread, one statement a beat for all running transfers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from glint import exception, objects
from glint.conductor.settings import Settings
from glint.db import api, conductors, queue
from glint.metrics.work import Work

LOG = logging.getLogger(__name__)

#: Seconds between two signs of life in the table of conductors.
SIGN_INTERVAL = 15.0

#: Weight of the newest sample in the rate shown to people.
_SMOOTHING = 0.4


class HandBack(exception.SiteError):
    """The conductor is told to stop; the transfer goes back to the queue."""

    code = "transfer.handed_back"
    template = "The conductor stops; another one goes on with the transfer."
    remedy = "Nothing: the transfer goes on by itself."


class Ticket:
    """A running transfer as its keeper sees it.

    :ivar reason: why it must stop, or None. What is set first stays.
    :ivar renewed_at: monotonic seconds right before the lease was last renewed.
    :ivar began: when it was claimed, on the monotonic clock.
    """

    def __init__(self, transfer: objects.Transfer, claimed_at: float, valid_for: float) -> None:
        self.transfer = transfer
        self.renewed_at = claimed_at
        self._valid_for = valid_for
        self.reason: exception.SiteError | None = None
        self.began = time.monotonic()
        self._lock = threading.Lock()
        self._done: Callable[[], int] = lambda: 0
        self._stop: Callable[[exception.SiteError], None] | None = None
        self._sample = (time.monotonic(), 0)
        self._rate = 0.0

    def watch(self, done: Callable[[], int], stop: Callable[[exception.SiteError], None]) -> None:
        """Say where bytes are counted, and what stops them; stops at once where it must."""
        with self._lock:
            self._done, self._stop = done, stop
            reason = self.reason
        if reason is not None:
            stop(reason)

    def stop(self, reason: exception.SiteError) -> None:
        """End the transfer because of ``reason``."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            stop = self._stop
        if stop is not None:
            stop(reason)

    def check(self) -> None:
        """:raises SiteError: the reason for which the transfer must stop."""
        if self.reason is not None:
            raise self.reason

    def check_lease(self) -> None:
        """:raises LeaseLost: the lease is lost, or so old that it may be."""
        lost = isinstance(self.reason, exception.LeaseLost)
        if lost or time.monotonic() > self.renewed_at + self._valid_for:
            error = exception.LeaseLost(ident=self.transfer.id)
            self.stop(error)
            raise error

    def beat(self) -> queue.Beat:
        """Bytes and rate (bytes per second) by now."""
        now, done = time.monotonic(), self._done()
        then, before = self._sample
        if now - then >= 0.1:
            fresh = max(0, done - before) / (now - then)
            self._rate += _SMOOTHING * (fresh - self._rate) if before else fresh - self._rate
            self._sample = (now, done)
        return queue.Beat(self.transfer.fence, done, self._rate)


class Keeper:
    """The beating thread. A conductor that cannot renew stops its copies before the lease ends.

    :param each_beat: what else has to be looked at that often.
    """

    def __init__(
        self,
        db: api.Database,
        settings: Settings,
        metrics: Work,
        each_beat: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._db = db
        self._metrics = metrics
        self._each_beat = each_beat
        self._settings = settings
        # What the API is told with each sign of life: see glint.db.conductors.beat.
        self.offers: dict[str, str | None] = {}
        self._tickets: dict[str, Ticket] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._last_ok = time.monotonic()
        self._signed = -SIGN_INTERVAL
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Stop beating; all tickets must be given back before."""
        self._ended.set()
        self._thread.join(self._settings.beat + 5)
        conductors.leave(self._db, self._settings.owner)

    @property
    def _valid_for(self) -> float:
        """Seconds after a renewal for which nobody else can have claimed a transfer."""
        settings = self._settings
        return settings.lease - max(2 * settings.beat, settings.lease / 4)

    def add(self, transfer: objects.Transfer, claimed_at: float) -> Ticket:
        """Keep a transfer that was claimed after ``claimed_at`` (monotonic seconds)."""
        ticket = Ticket(transfer, claimed_at, self._valid_for)
        with self._lock:
            self._tickets[transfer.id] = ticket
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """The transfer is written down; its lease is not renewed any more."""
        with self._lock:
            if self._tickets.get(ticket.transfer.id) is ticket:
                del self._tickets[ticket.transfer.id]

    def tickets(self) -> list[Ticket]:
        """All that run now."""
        with self._lock:
            return list(self._tickets.values())

    def _run(self) -> None:
        while not self._ended.wait(self._settings.beat):
            try:
                self._beat()
            except Exception as error:  # noqa: BLE001 - whatever it was, leases go on ageing
                LOG.warning("a beat failed, leases are not renewed: %s", error)
                self._metrics.beat_failed()
                self._fence()

    def _beat(self) -> None:
        began = time.monotonic()
        tickets = {t.transfer.id: t for t in self.tickets()}
        beats = {ident: t.beat() for ident, t in tickets.items()}
        self._sign(began)
        owned = queue.beat(self._db, self._settings.owner, beats, lease=self._settings.lease)
        self._last_ok = began
        for also in self._each_beat:
            also()
        for ident, ticket in tickets.items():
            fence, cancel = owned.get(ident, (None, False))
            if fence != ticket.transfer.fence:
                if ticket in self.tickets():
                    LOG.warning("transfer %s has another owner now", ident)
                    ticket.stop(exception.LeaseLost(ident=ident))
                continue
            ticket.renewed_at = began
            if cancel:
                ticket.stop(exception.Cancelled())

    def _sign(self, now: float) -> None:
        """Tell the operator that this conductor lives."""
        if now - self._signed >= SIGN_INTERVAL:
            conductors.beat(self._db, self._settings.owner, self._settings.host, **self.offers)
            self._signed = now

    def _fence(self) -> None:
        """Without a renewal for most of a lease others may take over soon: stop before."""
        if time.monotonic() > self._last_ok + self._valid_for:
            for ticket in self.tickets():
                ticket.stop(exception.LeaseLost(ident=ticket.transfer.id))
