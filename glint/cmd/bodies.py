"""Large bodies in front of cheroot, which would hold too much of them in memory.

It reads a chunk of a chunked body whole, however long its sender says that it is, and what is left
of a refused body at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from cheroot import wsgi

#: Bytes of a line that says how long a chunk is, and of all trailers.
_LINE = 4096
_TRAILERS = 64 * 1024

#: Seconds and bytes for which a refused body is read, so that its sender gets to read the answer;
#: then the connection is cut.
PATIENCE = 15.0
LINGER = 32 * 1024 * 1024
_PIECE = 64 * 1024


class _File(Protocol):
    def read(self, size: int) -> bytes: ...

    def readline(self, size: int) -> bytes: ...


class Chunks:
    """A chunked body as a file (RFC 9112, 7.1).

    :ivar ended: the true end was reached.
    """

    def __init__(self, connection: _File) -> None:
        self._connection = connection
        self._left = 0
        self._begun = False
        self.ended = False

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; fewer than that may come before the end, b"" only then.

        :raises ValueError: it is not well-formed, or ended early.
        """
        found = bytearray()
        while not self.ended and (size < 0 or len(found) < size):
            if not self._left and not self._next():
                break
            count = self._left if size < 0 else min(self._left, size - len(found))
            piece = self._connection.read(min(count, _PIECE))
            if not piece:
                raise ValueError("a chunk ended early")
            found += piece
            self._left -= len(piece)
        return bytes(found)

    def readline(self, size: int = -1) -> bytes:
        """Bytes have no lines; nothing here asks for any."""
        raise NotImplementedError

    def _next(self) -> bool:
        if self._begun and self._line():
            raise ValueError("a chunk is longer than it says")
        self._begun = True
        length = self._line().partition(b";")[0].strip()
        if not length or len(length) > 16 or length.strip(b"0123456789abcdefABCDEF"):
            raise ValueError("a chunk has no length")
        self._left = int(length, 16)
        if not self._left:
            self._trailers()
        return bool(self._left)

    def _trailers(self) -> None:
        read = 0
        while line := self._line():
            read += len(line)
            if read > _TRAILERS:
                raise ValueError("the trailers are too long")
        self.ended = True

    def _line(self) -> bytes:
        line = self._connection.readline(_LINE)
        if not line.endswith(b"\n"):
            raise ValueError("a line is too long, or ended early")
        return line.rstrip(b"\r\n")


class Gateway(wsgi.Gateway_10):
    """Hands bodies to the application as they come, and reads only a bounded rest of them."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        env: dict[str, Any] = super().get_environ()
        self._chunks: Chunks | None = None
        if self.req.chunked_read:
            self._chunks = env["wsgi.input"] = Chunks(self.req.conn.rfile)
        return env

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if not self._linger():
            self.req.close_connection = True
        write: Callable[[bytes], None] = super().start_response(status, headers, exc_info)
        return write

    def _linger(self) -> bool:
        """Read the rest of the body; False where the connection cannot serve another request."""
        body = self._chunks or self.req.rfile
        deadline = time.monotonic() + PATIENCE
        for _ in range(LINGER // _PIECE):
            if time.monotonic() > deadline:
                break
            try:
                if not body.read(_PIECE):
                    break
            except (OSError, ValueError):
                return False
        if self._chunks is not None:
            return self._chunks.ended
        return not self.req.rfile.remaining
