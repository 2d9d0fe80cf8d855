"""Image data from a conductor to the API, over HTTP: messages are no place for gigabytes."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import requests

from glint import exception
from glint.rpc.api import revive

LOG = logging.getLogger(__name__)

#: Seconds for which a request may be under way before a conductor refuses it.
VALID = 60
SCHEME = "Glint"
PATH = "/image"

_CHUNK = 1024 * 1024


class _Stream:
    """An answer being read: a :class:`glint.rpc.api.ImageStream`."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer
        self.size = int(answer.headers["Glint-Image-Size"])

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.iter_content(_CHUNK)
        except requests.RequestException as error:
            raise exception.StreamBroken(
                side="from a conductor", done="some", total=self.size, reason=type(error).__name__
            ) from error

    def close(self) -> None:
        self._answer.close()


class DataClient:
    """:param find: where living conductors serve image data.

    :param seal: makes a token of a request that only conductors can read.
    :param timeout: seconds for a connection, and for the next byte.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[str]],
        seal: Callable[[Mapping[str, Any]], bytes],
        timeout: float,
    ) -> None:
        self._find = find
        self._seal = seal
        self._timeout = timeout

    def open_image(self, image_id: str, offset: int) -> _Stream:
        """See :meth:`glint.rpc.api.ConductorClient.open_image`."""
        urls = [*self._find()]
        if not urls:
            raise exception.DownloadsNotPossible(reason="[conductor] data_port is set at none")
        random.shuffle(urls)
        for url in urls:
            try:
                answer = self._ask(url, image_id, offset)
            except requests.RequestException as error:
                LOG.warning("no image data from %s: %s", url, type(error).__name__)
                continue
            return self._judged(answer)
        raise exception.ConductorUnavailable(timeout=self._timeout)

    def _ask(self, url: str, image_id: str, offset: int) -> requests.Response:
        token = self._seal({"image": image_id, "offset": offset, "until": time.time() + VALID})
        return requests.get(
            url.rstrip("/") + PATH,
            headers={"Authorization": f"{SCHEME} {token.decode('ascii')}"},
            timeout=self._timeout,
            stream=True,
            allow_redirects=False,
        )

    def _judged(self, answer: requests.Response) -> _Stream:
        if answer.status_code == 200 and answer.headers.get("Glint-Image-Size", "").isdecimal():
            return _Stream(answer)
        with answer:
            try:
                told = answer.json()["error"]
                error = revive({key: told[key] for key in ("code", "status", "title", "detail")})
            except (requests.RequestException, ValueError, LookupError, TypeError):
                LOG.error("%s answered %d for image data", answer.url, answer.status_code)
                error = exception.ConductorUnavailable(timeout=self._timeout)
        raise error
