"""One destination of a job: the handle on it, and the body that its upload sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from glint import exception
from glint.drivers.base import Piece, SizedBody
from glint.transfer import throttle
from glint.transfer.throttle import Throttle
from glint.transfer.window import Cursor, Window

Put = Callable[[SizedBody], object]


class Progress:
    """Bytes moved so far. One thread counts, any thread reads.

    :ivar done: bytes handed over (of a source: bytes read, those read twice included).
    :ivar total: bytes of the image, None until known.
    """

    __slots__ = ("done", "total")

    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None


class Sink:
    """One destination, for one job.

    :param put: takes the body and blocks until the site has accepted all of it; what it raises
        ends this sink only. It runs in a thread of its own, and other sinks go on meanwhile: work
        that can follow at once (asking the site for its hash, say) may be done in it as well.
    :param name: for threads and logs.
    :param abort: called at most once, from another thread, when the sink is stopped while its
        upload is at work and may be blocked in a send. It must not block; closing the socket is
        meant. Without it a blocked upload ends by its own time limit.
    :param throttles: caps on its bytes, shared with other sinks or not; the narrowest first, so
        that nobody waits in it with a turn of a wider one. Waiting there is no standstill, but it
        holds the others back: a capped site is a slow site.
    :param helps: makes it a helper, which keeps the bytes for later (a spool) and is no
        destination: the job does not wait for it, and it makes no destination look slow. When all
        destinations have failed, it goes on alone if this says of one of their errors that the
        bytes will be wanted again.
    :ivar progress: bytes handed over, to be read from any thread.
    """

    def __init__(
        self,
        put: Put,
        *,
        name: str = "sink",
        abort: Callable[[], None] | None = None,
        throttles: Sequence[Throttle] = (),
        helps: Callable[[Exception], bool] | None = None,
    ) -> None:
        self.put = put
        self.name = name
        self.abort = abort
        self.throttles = tuple(throttles)
        self.helps = helps
        self.progress = Progress()
        self._lock = threading.Lock()
        self._reason: exception.GlintError | None = None
        self._stop: Callable[[exception.GlintError], None] | None = None

    def cancel(self, error: exception.GlintError | None = None) -> None:
        """Stop this sink now, or before it begins; the others do not notice.

        :param error: the reason that its body raises and the result names (Cancelled).
        """
        with self._lock:
            reason = self._reason = self._reason or error or exception.Cancelled()
            stop = self._stop
        if stop is not None:
            stop(reason)

    def bind(self, stop: Callable[[exception.GlintError], None]) -> None:
        """Say how to stop it; at once, where it was cancelled already."""
        with self._lock:
            if self._stop is not None:
                raise ValueError("a sink serves one job only")
            self._stop = stop
            reason = self._reason
        if reason is not None:
            stop(reason)


class Body:
    """The bytes of one upload: a SizedBody that can be iterated once.

    The iteration ends only after all bytes were handed over and the source was proven right;
    in every other case it raises, so that an upload with a Content-Length is cut.
    """

    def __init__(
        self,
        window: Window,
        cursor: Cursor,
        progress: Progress,
        size: int,
        throttles: Sequence[Throttle] = (),
    ) -> None:
        self._window = window
        self._cursor = cursor
        self._progress = progress
        self._size = size
        self._throttles = throttles
        self._rest: Piece | None = None
        self._used = threading.Lock()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Piece]:
        """:raises StreamBroken: it was iterated before, as when a request is sent again."""
        if not self._used.acquire(blocking=False):
            raise exception.StreamBroken(
                side="to the site",
                done=self._progress.done,
                total=self._size,
                reason="the request was sent a second time, and the bytes are gone",
            )
        # Not a generator: nothing keeps a chunk alive while it waits.
        return iter(self._metered if self._throttles else self._next, None)

    def _next(self) -> Piece | None:
        chunk = self._window.take(self._cursor)
        if chunk is not None:
            self._progress.done += len(chunk)
        return chunk

    def _metered(self) -> Piece | None:
        """The next piece, when it may go; a chunk is cut where it would take the cap too long."""
        chunk = self._rest or self._window.take(self._cursor)
        if chunk is None:
            return None
        count = throttle.portion(self._throttles, len(chunk))
        self._rest = chunk[count:] if count < len(chunk) else None
        self._cursor.busy_since = None  # it waits, and nobody waits for the site
        try:
            throttle.take(self._throttles, count, lambda: self._window.check(self._cursor))
        except exception.GlintError:
            self._rest = None
            raise
        self._cursor.busy_since = time.monotonic()
        self._window.check(self._cursor)
        self._progress.done += count
        return chunk[:count]
