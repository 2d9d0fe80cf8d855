"""The consumers of a window, each in a thread of its own: uploads and hashes."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable

from glint import exception
from glint.transfer.sink import Body, Sink
from glint.transfer.window import Window

LOG = logging.getLogger(__name__)


class SinkLane:
    """Runs one sink and keeps its outcome.

    :ivar finished: its upload returned after all bytes were handed over.
    :ivar error: why not; a reason given from outside goes before what the upload made of it.
    :ivar stopped_at: monotonic seconds when it was told to stop, None if it was not.
    """

    def __init__(self, sink: Sink, window: Window, ended: Callable[[], None]) -> None:
        self.sink = sink
        self.finished = False
        self.error: Exception | None = None
        self.stopped_at: float | None = None
        self._size = 0
        self._window = window
        self._ended = ended
        self._lock = threading.Lock()
        self.cursor = window.join(sink=True, helper=sink.helps is not None)
        self.thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        sink.bind(self.stop)

    @property
    def live(self) -> bool:
        """Its upload is at work, and nobody has told it to stop."""
        return self.thread.is_alive() and not self.finished and self.error is None

    def start(self, size: int) -> None:
        """Begin the upload of ``size`` bytes, unless the sink was stopped before."""
        self._size = size
        self.sink.progress.total = size
        if self.error is None:
            self.cursor.busy_since = time.monotonic()
            self.thread.start()

    def stop(self, error: exception.GlintError) -> None:
        """End it because of ``error``; the first reason counts, and a finished one stays so."""
        with self._lock:
            if self.finished or self.error is not None or self.stopped_at is not None:
                return
            self.stopped_at = time.monotonic()
            self.error = error
        self._window.leave(self.cursor, error)
        # From here on it gets no more bytes: if it is not at work now, it will not be again.
        working = self.thread.is_alive() and self.cursor.busy_since is not None
        if working and self.sink.abort is not None:
            try:
                self.sink.abort()
            except Exception:
                LOG.exception("Sink %s could not be aborted", self.sink.name)

    def stall(self, seconds: float) -> None:
        """The upload did not ask for more for ``seconds``."""
        done = self.sink.progress.done
        LOG.warning("Sink %s stands still after %d bytes", self.sink.name, done)
        self.stop(
            exception.StreamStalled(
                side="to the site", seconds=round(seconds, 1), done=done, total=self._size
            )
        )

    def stuck_for(self, now: float) -> tuple[float, bool]:
        """Seconds since the sink last took a chunk (0.0 while it waits for one), and whether it

        has all bytes, so that only the site's own work is left.
        """
        since = self.cursor.busy_since
        return (0.0 if since is None else now - since), self.sink.progress.done == self._size

    def _run(self) -> None:
        error: Exception | None = None
        try:
            if not self._size:  # no byte will follow the headers: what is to be proven, is before
                self._window.await_verdict(self.cursor)
            sink = self.sink
            sink.put(Body(self._window, self.cursor, sink.progress, self._size, sink.throttles))
            error = self._shortfall()
        except Exception as failure:  # noqa: BLE001 - kept in the result, for the caller to judge
            error = failure
        finally:
            self._settle(error)
            self.cursor.let_go()
            self._window.leave(self.cursor)
            self._ended()

    def _settle(self, error: Exception | None) -> None:
        with self._lock:
            if self.error is not None:
                return
            if error is not None:
                self.error = self._window.error or error
            else:
                self.finished = True

    def _shortfall(self) -> Exception | None:
        done = self.sink.progress.done
        if done == self._size:
            return None
        return exception.StreamBroken(
            side="to the site",
            done=done,
            total=self._size,
            reason="the upload ended before all bytes were sent",
        )


class HashLane:
    """Computes one digest of all that passes through the window.

    :ivar digest: the hex digest, once the end was reached.
    :raises ValueError: hashlib does not know the algorithm.
    """

    def __init__(self, algorithm: str, window: Window, ended: Callable[[], None]) -> None:
        self.algorithm = algorithm
        self.digest: str | None = None
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        if not self._hash.digest_size:
            raise ValueError(f"{algorithm} has no digest of a fixed size")
        self._window = window
        self._ended = ended
        self._cursor = window.join(sink=False)
        self.thread = threading.Thread(target=self._run, name=f"hash {algorithm}", daemon=True)

    def _run(self) -> None:
        try:
            while self._step():
                pass
            self.digest = self._hash.hexdigest()
        except exception.GlintError:
            LOG.debug("Hashing with %s ended with its job", self.algorithm)
        except Exception as error:
            LOG.exception("Hashing with %s failed", self.algorithm)
            reason = f"Hashing with {self.algorithm} failed: {error}"
            self._window.close(exception.SiteError(reason))
        finally:
            self._window.leave(self._cursor)
            self._ended()

    def _step(self) -> bool:
        chunk = self._window.take(self._cursor)
        if chunk is not None:
            self._hash.update(chunk)
        return chunk is not None
