"""Whatever a cloud, its libraries or the network may do, as one of Glint's site errors.

The only place that knows which exception or HTTP status means what.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import http.client
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator

import requests
import urllib3.exceptions as u3
from keystoneauth1 import exceptions as ksa
from urllib3.util.ssl_match_hostname import CertificateError

from glint.drivers.text import clean, host_of
from glint.exception import (
    GlintError,
    SiteAddressWrong,
    SiteBusy,
    SiteConflict,
    SiteCredentialsRejected,
    SiteError,
    SiteForbidden,
    SiteFormatRefused,
    SiteImageNotFound,
    SiteQuotaExceeded,
    SiteTLSFailed,
    SiteUnreachable,
    StreamBroken,
    StreamStalled,
)

#: Seconds; a site that asks for more patience is asked again after these.
RETRY_AFTER_LIMIT = 3600.0

#: What OpenSSL says where the other side does not speak TLS at all.
_NOT_TLS = ("WRONG_VERSION", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")

# Not urllib3's TimeoutError: every failure to connect is one of its kinds.
_TIMEOUTS = (TimeoutError, u3.ReadTimeoutError, requests.Timeout, ksa.ConnectTimeout)

_BY_STATUS: dict[int, type[SiteError]] = {
    401: SiteCredentialsRejected,
    403: SiteForbidden,
    408: SiteBusy,
    409: SiteConflict,
    413: SiteQuotaExceeded,
    415: SiteFormatRefused,
    416: SiteConflict,
    425: SiteBusy,
    429: SiteBusy,
}


class Refused(Exception):
    """The image service answered a request with something else than success."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


def retry_after(response: requests.Response) -> float | None:
    """Seconds that a site asks to wait before the next request, bounded; None: it does not say."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return min(float(value[:9]), RETRY_AFTER_LIMIT)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    seconds = (at - datetime.datetime.now(datetime.UTC)).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def _message(response: requests.Response) -> str:
    """What an OpenStack service says about an error: JSON of Keystone, HTML or text of Glance."""
    try:
        body = response.json()
    except ValueError:
        return response.content[:65536].decode("utf-8", "replace")
    if isinstance(body, dict):
        for value in body.values():
            if isinstance(value, dict) and isinstance(value.get("message"), str):
                return str(value["message"])
        if isinstance(body.get("message"), str):
            return str(body["message"])
    return ""


def _is_redirect(response: requests.Response) -> bool:
    return 301 <= response.status_code < 400 and "Location" in response.headers


def _speaks_keystone(response: requests.Response) -> bool:
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("error"), dict)


def causes(error: BaseException, outer: BaseException | None = None) -> Iterator[BaseException]:
    """``error`` and what led to it, nearest first.

    :param outer: an exception that was being handled before, and has nothing to do with it.
    """
    waiting: list[object] = [error]
    seen: list[object] = [outer]
    while waiting and len(seen) < 32:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or any(found is other for other in seen):
            continue
        seen.append(found)
        yield found
        waiting += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]


def _tls(exc: BaseException) -> tuple[type[SiteError], str]:
    said = str(getattr(exc, "reason", None) or "")
    if any(word in said for word in _NOT_TLS):
        return SiteAddressWrong, "it does not speak TLS, so the address may begin with http://"
    return SiteTLSFailed, f"the TLS handshake failed ({said or 'no reason given'})"


def _name(exc: BaseException) -> tuple[type[SiteError], str]:
    if isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN:
        return SiteUnreachable, "the name server does not answer"
    return SiteAddressWrong, "its name is not known"


def _certificate(exc: BaseException) -> tuple[type[SiteError], str]:
    said = getattr(exc, "verify_message", None)
    return SiteTLSFailed, str(said or "it is not made out to this address")


_Reading = Callable[[BaseException], tuple[type[SiteError], str]]


def _always(kind: type[SiteError], reason: str) -> _Reading:
    return lambda exc: (kind, reason)


_LATE = "it does not answer in time"
_CLOSED = _always(SiteUnreachable, "the connection was closed")

# What a failure means; the first line with a kind that occurs anywhere among the causes counts.
_FAILURES: tuple[tuple[tuple[type[BaseException], ...], _Reading], ...] = (
    ((ssl.SSLCertVerificationError, CertificateError), _certificate),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), _CLOSED),
    ((ssl.SSLError,), _tls),
    ((socket.gaierror,), _name),
    ((ConnectionRefusedError,), _always(SiteUnreachable, "the connection was refused")),
    (_TIMEOUTS, _always(SiteUnreachable, _LATE)),
    ((ConnectionError, http.client.RemoteDisconnected, u3.IncompleteRead), _CLOSED),
    (
        (
            http.client.HTTPException,
            requests.exceptions.InvalidSchema,
            requests.exceptions.InvalidURL,
            u3.LocationValueError,
            u3.InvalidHeader,
        ),
        _always(SiteAddressWrong, "what is there does not speak HTTP"),
    ),
    # One of requests' exceptions, and so an OSError like all of them.
    ((requests.exceptions.InvalidJSONError,), _always(SiteError, "its answer is not JSON")),
    (
        (ksa.InvalidResponse, ksa.DiscoveryFailure),
        _always(SiteAddressWrong, "what answers is not Keystone v3"),
    ),
)


def diagnose(
    error: BaseException, outer: BaseException | None = None
) -> tuple[type[SiteError], str] | None:
    """Which error a failed connection is, and why; None: it is no failure of a connection."""
    chain = list(causes(error, outer))
    for kinds, reading in _FAILURES:
        for cause in chain:
            if isinstance(cause, kinds):
                return reading(cause)
    for cause in chain:
        if isinstance(cause, OSError) and cause.strerror:
            return SiteUnreachable, cause.strerror
    if any(isinstance(cause, (OSError, u3.HTTPError, ksa.ConnectionError)) for cause in chain):
        return SiteUnreachable, "the connection failed"
    return None


class ErrorMap:
    """Makes site errors whose details are fit to be shown.

    :param secrets: gives what must not appear in a detail: passwords, the current token.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        self._secrets = secrets

    def reason(self, response: requests.Response) -> str:
        """What the site said, and the HTTP status."""
        text = clean(_message(response), self._secrets()).rstrip(".")
        # Glance's pages repeat the status line before the explanation.
        title = f"{response.status_code} {response.reason or ''}".strip()
        while text.startswith(title) and text != title:
            text = text[len(title) :].strip()
        status = f"HTTP {response.status_code}"
        return f"{text} ({status})" if text else status

    def _redirected(self, response: requests.Response, url: str) -> SiteError:
        where = host_of(response.headers.get("Location", ""))
        return SiteAddressWrong(
            url=host_of(url), reason=f"it points elsewhere ({where}), which Glint does not follow"
        )

    def from_login(self, response: requests.Response, url: str) -> SiteError:
        """Keystone, or what is in its place, refused a login."""
        status = response.status_code
        if _is_redirect(response):
            return self._redirected(response, url)
        if status in (400, 401, 404) and _speaks_keystone(response):
            return SiteCredentialsRejected(reason=self.reason(response))
        if status < 400 or status in (400, 401, 404, 405):
            return SiteAddressWrong(
                url=host_of(url),
                reason=f"what answers is not Keystone v3 ({self.reason(response)})",
            )
        return self.from_answer(response, url)

    def from_answer(
        self, response: requests.Response, url: str, ident: str | None = None
    ) -> SiteError:
        """The image service refused a request.

        :param ident: remote id of the image that the request was about.
        """
        status, wait = response.status_code, retry_after(response)
        if _is_redirect(response):
            return self._redirected(response, url)
        if status in (404, 410) and ident is not None:
            return SiteImageNotFound(ident=clean(ident))
        reason = self.reason(response)
        if status < 400 or status in (404, 405):
            return SiteAddressWrong(
                url=host_of(url), reason=f"no image service v2 is there ({reason})"
            )
        if status == 400 and re.search(r"\b(disk|container)[ _]format", reason, re.IGNORECASE):
            return SiteFormatRefused(reason=reason)
        kind = _BY_STATUS.get(status, SiteError)
        if status == 403 and "quota" in reason.lower():
            kind = SiteQuotaExceeded
        if status >= 500 and status not in (501, 505):
            kind = SiteBusy
        return kind(reason=reason, retry_after=wait)

    def from_exception(
        self, exc: Exception, url: str, outer: BaseException | None = None, ident: str | None = None
    ) -> SiteError:
        """Whatever a library raised while it spoke with ``url``."""
        if isinstance(exc, Refused):
            return self.from_answer(exc.response, url, ident)
        if isinstance(exc, ksa.HttpError) and exc.response is not None:
            return self.from_login(exc.response, url)
        if isinstance(exc, ksa.InvalidResponse) and exc.response is not None:
            return self.from_login(exc.response, url)
        found = diagnose(exc, outer)
        if found is not None:
            kind, reason = found
            return kind(url=host_of(url), reason=clean(reason, self._secrets()))
        if isinstance(exc, ksa.ClientException):
            return SiteCredentialsRejected(reason=clean(str(exc), self._secrets()).rstrip("."))
        # Libraries stumble in many ways over an answer that is not what they expect.
        return SiteError(
            reason=f"the answer of {host_of(url)} is not understood ({type(exc).__name__})"
        )

    def from_stream(
        self,
        exc: Exception,
        *,
        side: str,
        done: int,
        total: int | None,
        seconds: float,
        outer: BaseException | None = None,
    ) -> SiteError:
        """Bytes stopped after the stream had begun. ``seconds`` is the time limit of one wait."""
        found = diagnose(exc, outer)
        whole = "unknown" if total is None else total
        if found is not None and found[1] == _LATE:
            return StreamStalled(side=side, seconds=f"{seconds:g}", done=done, total=whole)
        reason = found[1] if found else f"it is not understood ({type(exc).__name__})"
        return StreamBroken(side=side, done=done, total=whole, reason=reason)

    @contextlib.contextmanager
    def guard(self, url: str, ident: str | None = None) -> Iterator[None]:
        """Let nothing but Glint's errors out of what speaks with the site at ``url``."""
        outer = sys.exception()
        try:
            yield
        except GlintError:
            raise
        except Exception as exc:
            raise self.from_exception(exc, url, outer, ident) from exc
