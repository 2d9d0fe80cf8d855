"""Hearing an answer that comes while the body of a request is still being sent.

A site that refuses an upload may answer at once and then read on for a while without listening
(nginx does), or close. Without an ear on the line, gigabytes are sent for nothing; and over TLS the
answer may then be lost, because OpenSSL reads no more once a write has failed.
"""

from __future__ import annotations

import http.client
import io
import logging
import re
import socket
import ssl
from typing import cast

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.util import wait_for_read

LOG = logging.getLogger(__name__)

#: Bytes of the explanation that are read.
EXPLANATION = 64 * 1024

_INTERIM = re.compile(rb"HTTP/1\.\d 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")


class _Rest(io.RawIOBase):
    """What was read already, and then what the socket still gives."""

    def __init__(self, begun: bytes, sock: socket.socket) -> None:
        self._begun = begun
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._begun:
            return self._sock.recv_into(buffer)
        size = min(len(buffer), len(self._begun))
        buffer[:size], self._begun = self._begun[:size], self._begun[size:]
        return size

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


def _overheard(sock: socket.socket) -> bytes:
    """What has arrived on ``sock``, without waiting for anything."""
    if not wait_for_read(sock, timeout=0):
        return b""
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        # Over TLS, what has arrived may be a session ticket and nothing for us.
        return sock.recv(EXPLANATION)
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
    finally:
        sock.settimeout(patience)


def early_answer(sock: socket.socket, url: str) -> requests.Response | None:
    """The answer that has begun to arrive on ``sock`` before its time; None: there is none.

    The connection is of no use afterwards.
    """
    try:
        begun = _overheard(sock)
        while (interim := _INTERIM.match(begun)) is not None:
            begun = begun[interim.end() :]
        if not begun:
            return None
        answer = http.client.HTTPResponse(cast(socket.socket, _Rest(begun, sock)), method="PUT")
        answer.begin()
    except (OSError, http.client.HTTPException) as exc:
        # The next send meets the same trouble, and tells it better.
        LOG.debug("Nothing to be understood from %s while sending: %s", url, type(exc).__name__)
        return None
    response = requests.Response()
    response.url = url
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers = CaseInsensitiveDict(answer.headers.items())
    response._content = _explanation(answer)
    return response


def _explanation(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(EXPLANATION)
    except http.client.IncompleteRead as exc:
        return exc.partial
    except (OSError, http.client.HTTPException):
        return b""
