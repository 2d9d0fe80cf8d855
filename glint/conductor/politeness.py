"""Bandwidth: a cap per site over all conductors of the service, and one of this conductor.

A site's cap holds for the bytes into it and, apart from that, for the bytes out of it. Each
conductor takes the share that its running copies have among all that the database knows, and asks
again with every beat: after a change the sum can be over the cap for one beat.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from glint.conductor.settings import Settings
from glint.db import api, shares
from glint.metrics.work import Work
from glint.transfer import Throttle
from glint.transfer.throttle import Check


class _Meter(Throttle):
    """Holds nothing back, and counts what goes."""

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()
        self._count = count

    def take(self, count: int, check: Check) -> None:
        self._count(count)


class Politeness:
    """Hands out the throttles of this conductor, and keeps their rates."""

    def __init__(self, db: api.Database, settings: Settings, metrics: Work) -> None:
        self._db = db
        self._metrics = metrics
        self._settings = settings
        self._total = Throttle(settings.bandwidth)
        self._into: dict[str, Throttle] = {}
        self._out_of: dict[str, Throttle] = {}
        self._lock = threading.Lock()

    def into(self, site_id: str) -> Sequence[Throttle]:
        """What holds back bytes to a site."""
        with self._lock:
            meter = _Meter(self._metrics.meter(site_id, "into"))
            return (self._into.setdefault(site_id, Throttle()), self._total, meter)

    def out_of(self, site_id: str) -> Sequence[Throttle]:
        """What holds back bytes from a site."""
        with self._lock:
            meter = _Meter(self._metrics.meter(site_id, "out_of"))
            return (self._out_of.setdefault(site_id, Throttle()), meter)

    def refresh(self) -> None:
        """Take the share that is due now; sites without a cap are let go."""
        self._total.set_rate(self._settings.bandwidth)
        with self._lock:
            if not self._into and not self._out_of:
                return
        due = shares.due(self._db, self._settings.owner)
        with self._lock:
            for site_id, throttle in self._into.items():
                throttle.set_rate(due.into.get(site_id))
            for site_id, throttle in self._out_of.items():
                throttle.set_rate(due.out_of.get(site_id))
