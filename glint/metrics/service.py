"""What the database says about the whole service, as figures read when they are asked for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from glint.db.statistics import Figures, SiteFigures
from glint.metrics import MAX_SITES, OTHER

LOG = logging.getLogger(__name__)

#: Seconds for which figures are told again: a page that is asked for often costs the database
#: no more than that.
MAX_AGE = 5.0

#: Seconds to wait for another thread that is reading them.
PATIENCE = 10.0

#: Characters of a site's name.
NAME_LENGTH = 64


class Service(Collector):
    """The same in every process that tells it: take the maximum over them, not the sum.

    :param read: gets the figures from the database.
    :param clock: seconds that do not go back.
    """

    def __init__(
        self, read: Callable[[], Figures], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._figures: Figures | None = None
        self._read_at = -MAX_AGE

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """For prometheus_client, with every page."""
        figures = self._fresh()
        yield _one("glint_database_up", "Whether the database answers.", figures is not None)
        if figures is not None:
            yield from _describe(figures)

    def _fresh(self) -> Figures | None:
        if not self._lock.acquire(timeout=PATIENCE):
            return None
        try:
            if self._clock() - self._read_at >= MAX_AGE:
                self._figures = None
                self._figures = self._read()
                self._read_at = self._clock()
            return self._figures
        except Exception as error:  # noqa: BLE001 - the page says so, and whoever watches it
            LOG.warning("the figures of the service cannot be read: %s", type(error).__name__)
            return None
        finally:
            self._lock.release()


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _many(
    name: str, text: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, figure in rows:
        family.add_metric(list(values), float(figure))
    return family


def _describe(figures: Figures) -> Iterator[GaugeMetricFamily]:
    yield _one("glint_conductors", "Conductors that live.", figures.conductors)
    yield _one("glint_deployments_pending", "Cells whose wish waits for a plan.", figures.pending)
    yield _one(
        "glint_transfers_orphaned", "Running transfers whose lease has ended.", figures.orphaned
    )
    yield _many(
        "glint_deployments", "Cells of the matrix.", ["status"],
        (([status], count) for status, count in figures.deployments.items()),
    )  # fmt: skip
    yield from _sites(figures.sites)


def _sites(sites: Sequence[SiteFigures]) -> Iterator[GaugeMetricFamily]:
    own, rest = sites[:MAX_SITES], sites[MAX_SITES:]
    queue: list[tuple[Sequence[str], float]] = []
    for one in own:
        queue += [((one.id, "queued"), one.queued), ((one.id, "running"), one.running)]
    waited = [((one.id,), one.waited) for one in own]
    if rest:
        queue += [((OTHER, "queued"), sum(one.queued for one in rest))]
        queue += [((OTHER, "running"), sum(one.running for one in rest))]
        waited += [((OTHER,), max(one.waited for one in rest))]
    yield _many("glint_transfers", "Transfers that wait or run.", ["site", "state"], queue)
    yield _many(
        "glint_queue_wait_seconds", "Since the longest waiting transfer could have been claimed.",
        ["site"], waited,
    )  # fmt: skip
    yield _many(
        "glint_site_info", "The name of a site, and its kind.",
        ["site", "name", "type", "enabled"],
        (((s.id, printable(s.name), s.type, str(s.enabled).lower()), 1) for s in own),
    )  # fmt: skip
    yield _many(
        "glint_site_up", "Whether a site answered when it was last asked.", ["site"],
        (((s.id,), s.healthy) for s in own if s.healthy is not None),
    )  # fmt: skip
    yield _many(
        "glint_site_scan_age_seconds", "Age of the oldest inventory of a site.", ["site"],
        (((s.id,), s.scan_age) for s in own if s.scan_age is not None),
    )  # fmt: skip


def printable(name: Any) -> str:
    """A name as a label: users choose it, and may choose anything."""
    return "".join(c if c.isprintable() else "?" for c in str(name))[:NAME_LENGTH]
