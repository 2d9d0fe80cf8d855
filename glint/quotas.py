"""How much of Glint one project may use. Pure: who counts, and who asks Keystone, is handed in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from glint import exception

LOG = logging.getLogger(__name__)

#: What is limited, in the words of ``[quota]`` and of Keystone's registered limits.
IMAGES, SITES, CREDENTIALS = "images", "sites", "credentials"
RUNNING, BYTES = "running_transfers", "bytes_in_flight"
RESOURCES = (IMAGES, SITES, CREDENTIALS, RUNNING, BYTES)

UNLIMITED = -1

#: Seconds for which Keystone's answer is used.
KEEP = 60.0

#: Projects whose limits are remembered.
REMEMBERED = 10_000

Fetch = Callable[[str, tuple[str, ...]], Iterable[tuple[str, int]]]
"""Project and resources -> the limits of the project."""


class Limits(Protocol):
    """Where limits come from. Threads share one."""

    @property
    def open(self) -> bool:
        """Nothing is limited for anybody, so nothing need be counted."""

    def of(self, project_id: str) -> Mapping[str, int]:
        """Resource -> limit, :data:`UNLIMITED` where there is none; never fails."""


class LocalLimits:
    """The same for every project.

    :param values: resource -> limit; what is missing is unlimited.
    """

    def __init__(self, values: Mapping[str, int] | None = None) -> None:
        self._values = {name: (values or {}).get(name, UNLIMITED) for name in RESOURCES}

    @property
    def open(self) -> bool:
        return set(self._values.values()) == {UNLIMITED}

    def of(self, project_id: str) -> Mapping[str, int]:
        return self._values


class UnifiedLimits:
    """Keystone's unified limits. While Keystone is away its last answer holds, or else ``local``.

    :param connect: gives what asks Keystone; called when it is needed first, and again until it
        succeeds.
    """

    def __init__(self, connect: Callable[[], Fetch], local: LocalLimits) -> None:
        self._connect, self._local = connect, local
        self._fetch: Fetch | None = None
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Mapping[str, int]]] = {}

    @property
    def open(self) -> bool:
        return False

    def of(self, project_id: str) -> Mapping[str, int]:
        with self._lock:
            known = self._known.get(project_id)
            if known is not None and known[0] > time.monotonic():
                return known[1]
            found = known[1] if known is not None else self._local.of(project_id)
            try:
                self._fetch = self._fetch or self._connect()
                found = {**self._local.of(project_id), **dict(self._fetch(project_id, RESOURCES))}
            except Exception as error:  # noqa: BLE001 - of Keystone, of the SDK, of the network
                LOG.warning("Keystone's limits cannot be read: %s", type(error).__name__)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            # A failure is remembered too: not each request shall wait for a Keystone that is away.
            self._known[project_id] = (time.monotonic() + KEEP, found)
            return found


def check(
    limits: Limits, project_id: str, resource: str, used: Callable[[], int], asked: int = 1
) -> None:
    """:raises QuotaExceeded: ``asked`` more would be too many.

    :param used: counts what the project has; not asked where nothing is limited.
    """
    limit = limits.of(project_id)[resource]
    if limit == UNLIMITED:
        return
    have = used()
    if have + asked > limit:
        raise exception.QuotaExceeded(
            resource=resource.replace("_", " "), used=have, limit=limit, asked=asked
        )
