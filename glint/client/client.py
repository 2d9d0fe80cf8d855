"""The client: collections, the matrix, and the wait for an operation."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keystoneauth1 import adapter, session
from keystoneauth1 import exceptions as ksa

from glint.client import errors, files, history, resources
from glint.client.http import TIMEOUT, Http, Resource
from glint.client.patience import Patience, Trouble

#: States in which an operation does not change any more.
FINISHED = frozenset({"done", "failed", "cancelled"})

_FIRST_INTERVAL = 0.5
_LAST_INTERVAL = 2.0
_GROWTH = 1.25


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Columns at once, rows as an iterator over all pages.

    A row's ``cells`` maps credential id to cell.
    """

    credentials: list[Resource]
    images: Iterator[Resource]


class Client:
    """All of Glint's API for one session. Safe for several threads as far as the session is.

    :param session: any keystoneauth1 session.
    :param endpoint_override: the service's address when it is not in the catalogue.
    :param microversion: version of the API to be asked for, ``1.N`` or ``latest``.
    :param timeout: (connect, read) in seconds, for each request.
    """

    def __init__(
        self,
        session: session.Session,
        *,
        region_name: str | None = None,
        interface: str | list[str] | None = "public",
        endpoint_override: str | None = None,
        service_type: str = "image-distribution",
        microversion: str = "1.0",
        timeout: tuple[float, float] = TIMEOUT,
        user_agent: str = "glintclient",
    ) -> None:
        self.http = Http(
            adapter.Adapter(
                session,
                service_type=service_type,
                region_name=region_name,
                interface=interface,
                endpoint_override=endpoint_override,
                default_microversion=microversion,
                user_agent=user_agent,
            ),
            timeout,
        )
        self.site_types = resources.SiteTypes(self.http)
        self.sites = resources.Sites(self.http)
        self.credentials = resources.Credentials(self.http)
        self.images = resources.Images(self.http)
        self.image_files = files.ImageFiles(self.http)
        self.operations = resources.Operations(self.http)
        self.deployments = resources.Deployments(self.http)
        self.transfers = resources.Transfers(self.http)
        self.conductors = resources.Conductors(self.http)
        self.events = history.Events(self.http)

    def matrix(
        self, *, name: str | None = None, page_size: int | None = None, **query: Any
    ) -> Matrix:
        """:param name: only images of this name.

        :param query: as for lists, and what the matrix has of its own: ``site_id`` and
            ``credential_id`` choose columns; ``show``, ``differs``, ``present``, ``status`` and
            ``conflict`` choose rows by their cells in these columns.
        """
        first = self.http.get("/matrix", {"name": name, "limit": page_size, **query})
        return Matrix(
            list(first.get("credentials") or ()),
            self.http.pages_from(first, "/matrix", "images"),
        )

    def matrix_counts(self, **query: Any) -> dict[str, int]:
        """How many images each filter of the matrix shows by itself, by its name.

        :param query: ``site_id`` and ``credential_id``, as for :meth:`matrix`.
        """
        counts = self.http.get("/matrix", {"limit": 1, "counts": True, **query}).get("counts")
        if not isinstance(counts, dict):
            raise errors.UnexpectedAnswer(
                "The answer holds no counts: this is not Glint's API.",
                code="client.unexpected_answer",
            )
        return counts

    def quotas(self) -> dict[str, Resource]:
        """``limit`` and ``used`` of the caller's project, by resource; a limit of -1 is none."""
        found = self.http.get("/quotas").get("quotas")
        if not isinstance(found, dict):
            raise errors.UnexpectedAnswer(
                "The answer holds no quotas: this is not Glint's API.",
                code="client.unexpected_answer",
            )
        return found

    def versions(self) -> tuple[str, str]:
        """Lowest and highest version of the API that the service has; no token is needed.

        :raises UnexpectedAnswer: it is no Glint, or none of version 1.
        """
        for found in self.http.get_root().get("versions") or ():
            if isinstance(found, dict) and str(found.get("id", "")).startswith("v1"):
                return str(found["min_version"]), str(found["version"])
        raise errors.UnexpectedAnswer(
            "What answers names no version 1 of an API: it is no Glint.",
            code="client.unexpected_answer",
        )

    def wait_for(
        self,
        operation: str | Mapping[str, Any],
        timeout: float = 3600.0,
        callback: Callable[[Resource], None] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Resource:
        """Ask again and again until the operation is finished, well or badly: look at ``state``.

        A service that is away for a while (restart, network) is waited for too, at most five
        minutes at a time, and a token that ends meanwhile is renewed where the session can.

        :param operation: its id, or the operation itself.
        :param timeout: seconds in all.
        :param callback: called with the operation after every answer.
        :raises WaitTimeout: the time is over; its ``operation`` is what was seen last.
        """
        ident = operation if isinstance(operation, str) else str(operation["id"])
        deadline = clock() + timeout
        interval = _FIRST_INTERVAL
        last: Resource | None = None
        patience = Patience(clock)
        while True:
            trouble: Trouble | None = None
            try:
                last = self.operations.get(ident)
                patience.well()
            except (errors.ClientError, ksa.ClientException) as e:
                patience.bear(e)
                trouble = e
            if trouble is None and last is not None:
                if callback is not None:
                    callback(last)
                if last.get("state") in FINISHED:
                    return last
            left = deadline - clock()
            if left <= 0:
                raise _too_late(ident, timeout, last, trouble)
            sleep(min(interval, left))
            interval = min(interval * _GROWTH, _LAST_INTERVAL)


def _too_late(
    operation_id: str, timeout: float, last: Resource | None, trouble: Trouble | None
) -> errors.WaitTimeout:
    seen = f"it is {last.get('state')}" if last else "it was never seen"
    reason = f" (last trouble: {trouble})" if trouble else ""
    error = errors.WaitTimeout(
        f"Operation {operation_id} is not finished after {timeout:g} s: {seen}{reason}."
        " It goes on without you.",
        code="client.wait_timeout",
    )
    error.operation = last
    return error
