"""Events: what happened, and what happens."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keystoneauth1 import exceptions as ksa

from glint.client import errors
from glint.client.http import Resource
from glint.client.patience import Patience
from glint.client.resources import Listing

#: How far below the newest id one may still appear: ids are given out in order, but a transaction
#: that took longer shows its own later.
_OVERLAP = 100


class Events(Listing):
    """History, newest first."""

    path, one, many = "/events", "event", "events"

    def list(
        self,
        *,
        image_id: str | None = None,
        site_id: str | None = None,
        operation_id: str | None = None,
        page_size: int | None = None,
        **query: Any,
    ) -> Iterator[Resource]:
        return self._list(
            page_size, image_id=image_id, site_id=site_id, operation_id=operation_id, **query
        )

    def follow(
        self,
        *,
        last: int = 0,
        interval: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        **filters: Any,
    ) -> Iterator[Resource]:
        """History as it happens, oldest first. It never ends by itself.

        A service that is away for a while is waited for, as in ``Client.wait_for``.

        :param last: so many events from before the call come first.
        :param interval: seconds between two looks.
        :param filters: as for :meth:`list`.
        """
        patience, told = Patience(clock), _Told()
        began = False
        while True:
            try:
                recent = self.list(page_size=max(last, _OVERLAP), **filters)
                if began:
                    fresh = told.new(recent)
                else:
                    known = told.new(itertools.islice(recent, max(last, _OVERLAP)))
                    fresh, began = known[len(known) - min(last, len(known)) :], True
                patience.well()
            except (errors.ClientError, ksa.ClientException) as e:
                patience.bear(e)
                fresh = []
            yield from fresh
            sleep(interval)


class _Told:
    """Remembers which events have been seen."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._newest: int | None = None

    def new(self, newest_first: Iterable[Resource]) -> list[Resource]:
        """Those not seen before, oldest first; older pages are not asked for."""
        fresh = []
        for event in newest_first:
            ident = int(event["id"])
            if self._newest is not None and ident <= self._newest - _OVERLAP:
                break
            if ident not in self._ids:
                fresh.append(event)
        self._ids |= {int(event["id"]) for event in fresh}
        self._newest = max(self._ids, default=self._newest)
        self._ids = {ident for ident in self._ids if ident > (self._newest or 0) - _OVERLAP}
        return fresh[::-1]
