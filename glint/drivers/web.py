"""A file on a web server: opened at any byte, and noticed when it changes meanwhile.

Where it leads is the operator's matter, see :mod:`glint.drivers.addresses`; that holds for each
redirect as well.
"""

from __future__ import annotations

import logging
import re
import threading
import urllib.parse
from typing import Any

import requests
import urllib3.exceptions

from glint import exception
from glint.drivers.addresses import AddressPolicy
from glint.drivers.connections import GuardedAdapter, new_session

LOG = logging.getLogger(__name__)

MAX_REDIRECTS = 5

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)

#: Answers after which a later attempt can help.
_PASSING = frozenset({408, 425, 429})


class WebStream:
    """An open answer: a :class:`glint.drivers.base.ByteSource`."""

    def __init__(self, answer: requests.Response, offset: int, size: int | None) -> None:
        self.offset = offset
        self.size = size
        self._answer = answer
        self._done = offset
        self._closed = threading.Event()

    def read(self, size: int) -> bytes:
        """:raises StreamBroken: it ended early, or the connection did."""
        try:
            if self._closed.is_set():
                raise OSError("it was closed")
            raw: Any = self._answer.raw
            data: bytes = raw.read(size, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError) as error:
            raise self._broken(type(error).__name__) from error
        self._done += len(data)
        if self._closed.is_set() or (not data and self.size not in (None, self._done)):
            raise self._broken("it ended early")
        return data

    def close(self) -> None:
        """From any thread, and twice."""
        self._closed.set()
        try:
            self._answer.raw.shutdown()  # else a read in another thread goes on waiting
        except (AttributeError, OSError, ValueError, RuntimeError) as error:
            LOG.debug("a web connection had ended before: %r", error)
        self._answer.close()

    def _broken(self, reason: str) -> exception.StreamBroken:
        return exception.StreamBroken(
            side="from the source URL", done=self._done, total=self.size or "?", reason=reason
        )


class WebFile:
    """:param timeout: seconds for a connection, and for the next byte.

    :ivar host: for logs; the URL may hold secrets in its query.
    :ivar size: bytes, once it was opened and where the server told.
    """

    def __init__(self, url: str, policy: AddressPolicy, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._session = new_session(GuardedAdapter(policy))
        self._session.max_redirects = MAX_REDIRECTS
        self._session.trust_env = False
        self.host = urllib.parse.urlsplit(url).hostname or "?"
        self.size: int | None = None
        self._mark: tuple[str | None, str | None] | None = None

    def open(self, offset: int = 0) -> WebStream:
        """Begin to read at byte ``offset``; at 0 where the server knows no ranges.

        :raises SourceChanged: it is not the file that was opened first.
        :raises SourceRefused: the server has no such file for us.
        :raises SiteError: it cannot be reached now, or must not be.
        """
        answer = self._get(offset)
        try:
            return self._judged(answer, offset)
        except BaseException:
            answer.close()
            raise

    def close(self) -> None:
        """Drop idle connections."""
        self._session.close()

    def _get(self, offset: int) -> requests.Response:
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            return self._session.get(self._url, headers=headers, stream=True, timeout=self._timeout)
        except requests.TooManyRedirects as error:
            raise exception.SourceRefused(reason="it redirects without end") from error
        except requests.exceptions.SSLError as error:
            raise exception.SourceRefused(
                reason=f"the certificate of {self.host} is not trusted"
            ) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise exception.SourceFailed(
                reason=f"{self.host} is not reached ({type(error).__name__})"
            ) from error
        except (requests.RequestException, ValueError) as error:
            raise exception.SourceRefused(
                reason=f"{self.host} answers what cannot be understood"
            ) from error

    def _judged(self, answer: requests.Response, offset: int) -> WebStream:
        was_safe = [urllib.parse.urlsplit(one.url).scheme == "https" for one in answer.history]
        if any(was_safe) and urllib.parse.urlsplit(answer.url).scheme != "https":
            raise exception.SourceRefused(reason="it redirects from https to http")
        status = answer.status_code
        if status == 416:
            raise exception.SourceChanged
        if status in _PASSING or status >= 500:
            raise exception.SourceFailed(reason=f"{self.host} answers {status}")
        if status not in (200, 206) or (status == 206 and not offset):
            raise exception.SourceRefused(reason=f"{self.host} answers {status}")
        begin, size = self._extent(answer, offset)
        mark = (answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        if self._mark is not None and (self._mark != mark or self.size != size):
            raise exception.SourceChanged
        self._mark, self.size = mark, size
        return WebStream(answer, begin, size)

    def _extent(self, answer: requests.Response, offset: int) -> tuple[int, int | None]:
        """First byte and size of what comes."""
        if answer.status_code == 200:
            length = answer.headers.get("Content-Length", "")
            return 0, int(length) if length.isdecimal() and len(length) < 20 else None
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if found is None or int(found[1]) != offset or int(found[2]) + 1 != int(found[3]):
            raise exception.SourceRefused(reason=f"{self.host} sends another range than asked for")
        return offset, int(found[3])
