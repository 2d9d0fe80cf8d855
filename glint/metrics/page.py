"""The page that Prometheus reads, and a small server for it where there is no other."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import prometheus_client
from cheroot import wsgi

from glint.metrics import Registry

LOG = logging.getLogger(__name__)

PATH = "/metrics"

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

#: Seconds: for a request to arrive, and for one at work to end.
TIMEOUT = 10
SHUTDOWN = 1


class Page:
    """``/metrics``, and nothing else.

    :param token: what a reader has to send as ``Authorization: Bearer``; None: nothing.
    """

    def __init__(self, registry: Registry, token: str | None = None) -> None:
        self._app: WSGIApp = prometheus_client.make_wsgi_app(registry)
        self._expected = None if token is None else f"Bearer {token}".encode()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            return _refuse(start_response, "404 Not Found")
        if not self._may_read(environ):
            return _refuse(
                start_response, "401 Unauthorized", ("WWW-Authenticate", 'Bearer realm="metrics"')
            )
        # The whole page: the library would answer a choice of names with what it counts only.
        return self._app({**environ, "QUERY_STRING": ""}, start_response)

    def _may_read(self, environ: Environ) -> bool:
        if self._expected is None:
            return True
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        return hmac.compare_digest(given, self._expected)


def _refuse(
    start_response: Callable[..., Any], status: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    body = f"{status}\n".encode()
    length = ("Content-Length", str(len(body)))
    start_response(status, [("Content-Type", "text/plain"), length, *headers])
    return [body]


class Server:
    """Serves a page in threads of its own.

    :param port: 0 takes a free one.
    """

    def __init__(self, host: str, port: int, page: Page) -> None:
        self._server = wsgi.Server(
            (host, port), page, numthreads=2, timeout=TIMEOUT, shutdown_timeout=SHUTDOWN,
            server_name="glint",
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve, name="metrics", daemon=True)

    def start(self) -> tuple[str, int]:
        """Listen; returns the address.

        :raises OSError: it is taken, or is not this machine's.
        """
        self._server.prepare()
        host, port = self._server.bind_addr[:2]
        self._thread.start()
        LOG.info("metrics at http://%s:%s%s", host, port, PATH)
        return host, port

    def close(self) -> None:
        """Stop listening."""
        self._server.stop()
        self._thread.join(SHUTDOWN + 5)
