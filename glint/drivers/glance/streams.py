"""The two byte streams of an image: from a site and to a site."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

from glint.drivers.base import Piece, SizedBody
from glint.drivers.glance.errors import ErrorMap
from glint.drivers.glance.session import Line
from glint.drivers.text import clean, host_of
from glint.exception import AddressDenied, SiteConflict, SiteError, StreamBroken

LOG = logging.getLogger(__name__)

_CONTENT_RANGE = re.compile(r"bytes (\d{1,20})-(\d{1,20})/(\d{1,20}|\*)$", re.ASCII)
_LENGTH = re.compile(r"\d{1,20}$", re.ASCII)

#: Bytes per second that a site is granted to digest what a proxy in front of it took at once.
DIGEST_RATE = 32 * 1024 * 1024


def answer_timeout(timeout: float, size: int) -> float:
    """Seconds to wait for the answer to an upload after its last byte.

    A proxy may take the whole body before Glance sees the first byte (seen with waitress, usual
    with nginx), and Glance hashes and stores at some 150 MB/s or more.
    """
    return timeout + size / DIGEST_RATE


class GlanceSource:
    """An open download: a :class:`glint.drivers.base.ByteSource`.

    :param response: the answer, 200 or 206, its body not read yet.
    :param wished: the offset that was asked for.
    :raises SiteError: the answer's headers are not what they should be.
    """

    def __init__(
        self, line: Line, response: requests.Response, errors: ErrorMap, wished: int
    ) -> None:
        self._line = line
        self._raw: Any = response.raw
        # urllib3's own readinto() makes an object of all bytes first, which costs as much as the
        # rest of Glint's part in reading.
        self._answer: Any = response.raw._original_response
        self._errors = errors
        self._side = f"from {host_of(response.url)}"
        self._closed = threading.Event()
        self._done = 0
        self.offset, self.size = _extent(response, wished)

    def read(self, size: int) -> bytes:
        outer = sys.exception()
        data = b""
        try:
            if not self._closed.is_set():
                data = self._raw.read(size, decode_content=False)
        except Exception as exc:
            raise self._failure(exc, outer) from exc
        self._count(len(data))
        return data

    def readinto(self, view: memoryview) -> int:
        """As :meth:`read`, into memory of the caller's; the bytes read."""
        outer = sys.exception()
        done = 0
        try:
            if not self._closed.is_set():
                done = self._answer.readinto(view)
        except Exception as exc:
            raise self._failure(exc, outer) from exc
        self._count(done)
        return done

    def _count(self, done: int) -> None:
        if self._closed.is_set():
            raise self._broken("it was closed")
        self._done += done
        if self.size is not None:
            missing = self.size - self.offset - self._done
            if missing < 0 or (not done and missing):
                raise self._broken("the site sent more or fewer bytes than it announced")

    def close(self) -> None:
        self._closed.set()
        self._line.close()

    def _broken(self, reason: str) -> StreamBroken:
        total = "unknown" if self.size is None else self.size
        done = self.offset + self._done
        return StreamBroken(side=self._side, done=done, total=total, reason=reason)

    def _failure(self, exc: Exception, outer: BaseException | None) -> SiteError:
        if self._closed.is_set():
            return self._broken("it was closed")
        return self._errors.from_stream(
            exc,
            side=self._side,
            done=self.offset + self._done,
            total=self.size,
            seconds=self._line.timeout,
            outer=outer,
        )


def _extent(response: requests.Response, wished: int) -> tuple[int, int | None]:
    """Where the stream begins, and the bytes of the whole image where the site tells."""
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise SiteError(reason=f"it sends the bytes of the image encoded ({clean(coding)})")
    if response.status_code == 200:
        length = _LENGTH.match(response.headers.get("Content-Length", "").strip())
        return 0, int(length[0]) if length else None
    found = _CONTENT_RANGE.match(response.headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != wished:
        raise SiteError(reason="the site sent another part of the image than the one asked for")
    last, total = int(found[2]), found[3]
    if total == "*":
        return wished, None
    if int(total) != last + 1:
        raise SiteConflict(reason="the site sent only a part of the rest of the image")
    return wished, int(total)


class SendingEnded(Exception):
    """An upload ends in mid body: see :attr:`Sending.failure` and :attr:`Sending.answer`."""


class Sending:
    """A body on its way: counts its bytes, can be sent only once, and keeps what it raises.

    :param listen: gives the answer of the site, should it come before the body has ended.
    :ivar done: bytes handed to the connection.
    :ivar started: whether anybody asked for the first byte.
    :ivar failure: what the body raised.
    :ivar answer: the answer that came too early.
    """

    def __init__(self, body: SizedBody, listen: Callable[[], requests.Response | None]) -> None:
        self._body = body
        self._listen = listen
        self.size = len(body)
        self.done = 0
        self.started = False
        self._used = False
        self.failure: BaseException | None = None
        self.answer: requests.Response | None = None

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Piece]:
        if self._used:
            # A second reading would send nothing, and be taken for a whole image.
            raise SendingEnded from self._fail(
                SiteError(reason="an upload was about to be repeated")
            )
        self._used = True
        return self._chunks()

    def _fail(self, failure: BaseException) -> BaseException:
        self.failure = failure
        return failure

    def _chunks(self) -> Iterator[Piece]:
        # http.client takes an OSError of the body for one of the connection, and a broken pipe
        # even for an early answer: whatever the body raises goes round all that.
        self.started = True
        try:
            for chunk in self._body:
                if self.done + len(chunk) > self.size:
                    raise self._wrong("more")
                self.answer = self._listen()
                if self.answer is not None:
                    raise SendingEnded
                yield chunk
                self.done += len(chunk)
            if self.done != self.size:
                raise self._wrong("fewer")
        except (GeneratorExit, SendingEnded):
            raise
        except BaseException as exc:  # noqa: BLE001 - send() raises it again
            raise SendingEnded from self._fail(exc)

    def _wrong(self, what: str) -> StreamBroken:
        return StreamBroken(
            side="to the site",
            done=self.done,
            total=self.size,
            reason=f"its source gave {what} bytes than announced",
        )


def send(
    line: Line, url: str, token: Mapping[str, str], body: SizedBody, errors: ErrorMap
) -> requests.Response:
    """PUT ``body`` to ``url`` and return the answer, whatever its status.

    :raises SiteError: the connection failed; or whatever the body raised.
    """
    outer = sys.exception()
    sending = Sending(body, lambda: line.early_answer(url))
    headers = {
        **token,
        "Content-Type": "application/octet-stream",
        # Glance >= 31 refuses a body of another size; Content-Length does so everywhere.
        "x-openstack-image-size": str(sending.size),
    }
    response = None
    try:
        # requests would send an empty iterable in chunks, without a length.
        data: Any = sending if sending.size else b"".join(sending)
        response = line.request(
            "PUT", url, headers, data, answer_timeout(line.timeout, sending.size)
        )
    except SendingEnded:
        response = sending.answer
        LOG.debug("An upload to %s ended after %d bytes", host_of(url), sending.done)
    except AddressDenied:
        raise
    except Exception as exc:
        raise _upload_failure(exc, outer, line, url, sending, errors) from exc
    if response is None:
        raise sending.failure or SiteError(reason="the source of an upload failed")
    if response.status_code < 300 and sending.done != sending.size:
        raise StreamBroken(
            side=f"to {host_of(url)}",
            done=sending.done,
            total=sending.size,
            reason="the site answered before it had all of it",
        )
    return response


def _upload_failure(
    exc: Exception,
    outer: BaseException | None,
    line: Line,
    url: str,
    sending: Sending,
    errors: ErrorMap,
) -> SiteError:
    side = f"to {host_of(url)}"
    if line.is_cut:
        return StreamBroken(
            side=side, done=sending.done, total=sending.size, reason="it was stopped by Glint"
        )
    if not sending.started:
        return errors.from_exception(exc, url, outer)
    return errors.from_stream(
        exc, side=side, done=sending.done, total=sending.size, seconds=line.timeout, outer=outer
    )
