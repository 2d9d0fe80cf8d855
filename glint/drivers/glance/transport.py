"""HTTP connections to a site: trust, limits, and lines that another thread can cut.

Answers are read at once and within a bound, so that a hostile site fills neither memory nor time.
The bytes of an image go over connections of their own, which :meth:`Sockets.cut` shuts down from
any thread, whatever blocks on them.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from glint.drivers.addresses import AddressPolicy
from glint.drivers.connections import GuardedAdapter
from glint.drivers.text import host_of
from glint.exception import SiteError, SiteTLSFailed

LOG = logging.getLogger(__name__)

#: Bytes of an answer about metadata that are accepted.
ANSWER_LIMIT = 32 * 1024 * 1024

#: Bytes of the explanation of an error that are read.
REFUSAL_LIMIT = 64 * 1024

#: A whole answer may take so many times the time limit of one wait.
PATIENCE = 5


def trust(connection: Mapping[str, Any]) -> ssl.SSLContext | None:
    """The TLS rules of a site; None where those of Glint's host hold.

    :raises SiteTLSFailed: ``ca_cert`` is no certificate.
    """
    if connection.get("insecure"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    pem = connection.get("ca_cert")
    if not pem:
        return None
    try:
        context = ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, TypeError, ValueError) as exc:
        raise SiteTLSFailed(
            "The ca_cert of the site is not a certificate in PEM text."
            " Give the text between and with the BEGIN and END lines."
        ) from exc
    # An intermediate authority or the server's own certificate may be what the user has.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


class SiteAdapter(GuardedAdapter):
    """Sends requests under the TLS rules of one site.

    :param timeout: seconds of one wait.
    :param addresses: where connections may go to.
    :param pools: classes of pools, where they are not urllib3's own.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        timeout: float,
        addresses: AddressPolicy,
        **pools: Any,
    ) -> None:
        self._context = context
        self._timeout = timeout
        super().__init__(addresses, **pools)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # requests would add the public authorities to the one that the site's owner named.
        if self._context is None:
            super().cert_verify(conn, url, verify, cert)

    def send(self, request: Any, stream: bool = False, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        if self._context is not None:
            # Wins over REQUESTS_CA_BUNDLE, which requests takes from the environment.
            kwargs["verify"] = self._context.verify_mode is ssl.CERT_REQUIRED
        return super().send(request, stream=stream, **kwargs)


class AnswerAdapter(SiteAdapter):
    """Reads every answer at once, within :data:`ANSWER_LIMIT`."""

    def send(self, request: Any, stream: bool = False, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        response = super().send(request, stream=True, **kwargs)
        if not settle(response, ANSWER_LIMIT, self._timeout * PATIENCE):
            url = host_of(response.url)
            raise SiteError(reason=f"an answer of {url} is larger or slower than Glint accepts")
        return response


def settle(response: requests.Response, limit: int, patience: float, lenient: bool = False) -> bool:
    """Read an answer's body into ``response`` and free the connection.

    :param limit: bytes of the body that are kept.
    :param patience: seconds that the body may take.
    :param lenient: a connection that breaks meanwhile is no error: the status is known.
    :returns: False where that is not all of the body; the connection is dropped then.
    """
    deadline = time.monotonic() + patience
    body = bytearray()
    whole = True
    try:
        for chunk in response.raw.stream(65536, decode_content=True):
            body += chunk
            if len(body) > limit or time.monotonic() > deadline:
                whole = False
                break
    except (HTTPError, OSError):
        whole = False
        if not lenient:
            response.close()
            raise
    # Where requests itself keeps a body that it has read: there is no public way to hand it over.
    response._content = bytes(body[:limit])
    response._content_consumed = True  # type: ignore[attr-defined]
    if whole:
        response.raw.release_conn()
    else:
        response.raw.close()
    return whole


class Sockets:
    """The connections of one transfer of bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_cut = False

    def joined(self, sock: socket.socket) -> None:
        """A connection was made for this line.

        :raises ConnectionAbortedError: the line is cut already.
        """
        with self._lock:
            if not self.is_cut:
                self._sockets.append(sock)
                return
        sock.close()
        raise ConnectionAbortedError("the line was cut")

    def latest(self) -> socket.socket | None:
        """The connection in use."""
        with self._lock:
            return self._sockets[-1] if self._sockets else None

    def cut(self) -> None:
        """Shut all connections down, so that whoever waits on one wakes up; any thread may."""
        with self._lock:
            self.is_cut = True
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            try:
                # Not SSLSocket's own: that one lets a reader see the encrypted bytes.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError as exc:
                LOG.debug("A connection was closed before it was cut: %s", exc)


class LineAdapter(SiteAdapter):
    """Makes connections that belong to one line; what succeeds is left to be read as a stream."""

    def __init__(
        self,
        context: ssl.SSLContext | None,
        timeout: float,
        addresses: AddressPolicy,
        line: Sockets,
    ) -> None:
        super().__init__(context, timeout, addresses, pools=_pools(line))

    def send(self, request: Any, stream: bool = False, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        response = super().send(request, stream=True, **kwargs)
        if response.status_code not in (200, 206):
            settle(response, REFUSAL_LIMIT, self._timeout, lenient=True)
        return response


def _pools(line: Sockets) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            line.joined(self.sock)

    class TLSConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            line.joined(self.sock)

        def request(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().request(*args, **kwargs)
            except ssl.SSLEOFError as exc:
                # The site hung up while we sent. As without TLS, its answer may be readable.
                raise BrokenPipeError("the site closed the connection") from exc

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = TLSConnection

    return {"http": Pool, "https": TLSPool}
