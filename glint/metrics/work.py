"""What one conductor does, counted in its process since its start."""

from __future__ import annotations

import threading
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram, ProcessCollector

from glint.metrics import MAX_SITES, OTHER, Registry

#: Seconds: from an adoption, which takes a call or two, to a big image over a thin line.
DURATIONS = (1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 10800.0, 36000.0)


class Work:
    """The counters of a conductor. What each means is in doc/source/admin/monitoring.rst.

    :param registry: the process's; without one nobody will read the figures.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        registry = Registry() if registry is None else registry
        self._sites: set[str] = set()
        self._lock = threading.Lock()
        ProcessCollector(registry=registry)
        self._bytes = Counter(
            "glint_bytes_moved", "Bytes into a site, and out of it.",
            ("site", "direction"), registry=registry,
        )  # fmt: skip
        self._attempts = Counter(
            "glint_attempts", "Attempts of transfers, by how they ended.",
            ("site", "kind", "outcome"), registry=registry,
        )  # fmt: skip
        self._errors = Counter(
            "glint_attempt_errors", "Attempts that ended with an error.",
            ("site", "code", "outcome"), registry=registry,
        )  # fmt: skip
        self._durations = Histogram(
            "glint_attempt_duration_seconds", "From the claim of a transfer until it was done.",
            ("site", "kind"), registry=registry, buckets=DURATIONS,
        )  # fmt: skip
        self._lease_losses = Counter(
            "glint_lease_losses", "Transfers whose lease another conductor took or could have.",
            registry=registry,
        )  # fmt: skip
        self._beat_failures = Counter(
            "glint_beat_failures", "Beats with which no lease could be renewed.", registry=registry
        )
        self._transfers = Gauge(
            "glint_transfers_held", "Transfers that this conductor works on.", registry=registry
        )
        self._jobs = Gauge("glint_jobs", "Jobs at work in this conductor.", registry=registry)
        self._jobs_limit = Gauge(
            "glint_jobs_limit", "Jobs that this conductor does at once.", registry=registry
        )
        self._scans = Counter(
            "glint_scans", "Inventory scans, by how they ended.",
            ("site", "outcome"), registry=registry,
        )  # fmt: skip
        self._orphans = Counter(
            "glint_orphans_removed", "Half images of Glint's that a scan found and removed.",
            ("site",), registry=registry,
        )  # fmt: skip
        self._notified = Counter(
            "glint_notifications_sent", "Notifications that the broker took.", registry=registry
        )
        self._notify_failures = Counter(
            "glint_notification_failures", "Times that the broker took none.", registry=registry
        )
        self._notify_lag = Gauge(
            "glint_notifications_lag_seconds", "Age of the oldest notification that waits.",
            registry=registry,
        )  # fmt: skip

    def _site(self, ident: str) -> str:
        """The label of a site: its id, as long as there are not too many."""
        with self._lock:
            if len(self._sites) < MAX_SITES:
                self._sites.add(ident)
            return ident if ident in self._sites else OTHER

    def meter(self, site_id: str, direction: str) -> Callable[[int], None]:
        """What counts the bytes ``into`` a site or ``out_of`` it."""
        return self._bytes.labels(self._site(site_id), direction).inc

    def ended(
        self, site_id: str, kind: str, outcome: str, seconds: float, code: str | None = None
    ) -> None:
        """An attempt is over.

        :param outcome: done, failed, cancelled, retried, returned.
        :param code: of the error that ended it.
        """
        site = self._site(site_id)
        self._attempts.labels(site, kind, outcome).inc()
        if code is not None:
            self._errors.labels(site, code, outcome).inc()
        if outcome == "done":
            self._durations.labels(site, kind).observe(seconds)

    def lease_lost(self) -> None:
        """A transfer is not ours any more."""
        self._lease_losses.inc()

    def beat_failed(self) -> None:
        """Leases were not renewed."""
        self._beat_failures.inc()

    def watch(
        self, *, transfers: Callable[[], int], jobs: Callable[[], int], jobs_limit: int
    ) -> None:
        """Where the figures of this moment are read."""
        self._transfers.set_function(transfers)
        self._jobs.set_function(jobs)
        self._jobs_limit.set(jobs_limit)

    def scanned(self, site_id: str, outcome: str) -> None:
        """A scan is over. ``outcome``: done or failed."""
        self._scans.labels(self._site(site_id), outcome).inc()

    def orphan_removed(self, site_id: str) -> None:
        """A half image of ours was found and is gone."""
        self._orphans.labels(self._site(site_id)).inc()

    def notified(self) -> None:
        """The broker took a notification."""
        self._notified.inc()

    def notification_failed(self) -> None:
        """The broker took none."""
        self._notify_failures.inc()

    def notifications_lag(self, seconds: float) -> None:
        """How old the oldest notification is that waits; 0: none does."""
        self._notify_lag.set(seconds)
