"""Serves image data to the API servers of this Glint, and to nobody else.

A request is a token that whoever holds the credential keys can make: an image, an offset, a time.
Nothing else of it is believed.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from cheroot import wsgi

from glint import exception
from glint.conductor.access import Decrypts
from glint.rpc.api import ImageStream
from glint.rpc.data import PATH, SCHEME

LOG = logging.getLogger(__name__)

#: Downloads at once; more wait.
THREADS = 32

#: Seconds: without a byte taken by the API, and for downloads at work to end at a stop.
TIMEOUT = 60
SHUTDOWN = 1


class Opens(Protocol):
    """The part of a manager that is needed."""

    def open_image(self, image_id: str, offset: int) -> ImageStream: ...


class DataApp:
    """A WSGI application.

    :param keyring: the one with which the API makes its tokens.
    """

    def __init__(self, manager: Opens, keyring: Decrypts) -> None:
        self._manager = manager
        self._keyring = keyring

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        asked = self._asked(environ)
        if asked is None:
            return _tell(start_response, "401 Unauthorized", {"error": {}})
        try:
            stream = self._manager.open_image(*asked)
        except exception.GlintError as error:
            return _tell(start_response, "409 Conflict", {"error": error.as_dict()})
        except Exception:
            LOG.exception("image %s could not be opened", asked[0])
            told = exception.GlintError().as_dict()
            return _tell(start_response, "500 Internal Server Error", {"error": told})
        length = ("Content-Length", str(stream.size - asked[1]))
        start_response("200 OK", [length, ("Glint-Image-Size", str(stream.size))])
        return _Closing(stream)

    def _asked(self, environ: dict[str, Any]) -> tuple[str, int] | None:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if environ.get("PATH_INFO") != PATH or scheme != SCHEME:
            return None
        try:
            asked = self._keyring.decrypt(token.encode("ascii"))
            # Other things are encrypted with these keys, too: only ours has a time.
            if time.time() > float(asked["until"]):
                return None
            return str(asked["image"]), int(asked["offset"])
        except (exception.GlintError, LookupError, TypeError, ValueError):
            return None


class _Closing:
    """WSGI closes what it was given; a generator that never began would close nothing."""

    def __init__(self, stream: ImageStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        self._stream.close()


def _tell(start_response: Callable[..., Any], status: str, value: Any) -> list[bytes]:
    body = json.dumps(value).encode()
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


class DataServer:
    """:param port: 0 takes a free one."""

    def __init__(self, host: str, port: int, app: DataApp) -> None:
        self._server = wsgi.Server(
            (host, port), app, numthreads=THREADS, timeout=TIMEOUT, shutdown_timeout=SHUTDOWN,
            server_name="glint",
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve, name="data", daemon=True)

    def start(self) -> int:
        """Listen; returns the port.

        :raises OSError: it is taken, or is not this machine's.
        """
        self._server.prepare()
        self._thread.start()
        return int(self._server.bind_addr[1])

    def close(self) -> None:
        """Stop listening; what is at work is cut."""
        self._server.stop()
        self._thread.join(SHUTDOWN + 5)
