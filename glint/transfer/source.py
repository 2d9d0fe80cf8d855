"""The reader of a job: one source, read once, resumed where it broke."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from glint import exception
from glint.drivers.base import ByteSource
from glint.transfer import throttle
from glint.transfer.buffers import Memory
from glint.transfer.sink import Progress
from glint.transfer.throttle import Throttle
from glint.transfer.window import Window, WindowClosed

LOG = logging.getLogger(__name__)

OpenSource = Callable[[int], ByteSource]

_SIDE = "from the source"


class Reader:
    """Feeds a window from a source.

    :param size: bytes of the image; None: as the opened source says.
    :param chunk: bytes asked for at once, and the largest chunk put into the window.
    :param memory: for the chunks; the window gives back what it gets.
    :param resumes: how many times in all a broken source is opened again.
    :param pause: seconds before the first new attempt; doubled for each further one.
    :param throttles: caps on what is read, the narrowest first.
    :param on_open: called once, when the source is open and its size known.
    :ivar opened: the same as an event.
    :ivar busy_since: monotonic seconds since when the source has the word; None otherwise.
    :ivar complete: all bytes were read, and there were no more.
    """

    def __init__(
        self,
        open_source: OpenSource,
        size: int | None,
        window: Window,
        progress: Progress,
        *,
        chunk: int,
        memory: Memory,
        resumes: int,
        pause: float,
        throttles: Sequence[Throttle] = (),
        on_open: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_source = open_source
        self.size = size
        self._window = window
        self._progress = progress
        self._chunk = chunk
        self._memory = memory
        self._resumes = resumes
        self._pause = pause
        self._throttles = throttles
        self._on_open = on_open
        self.opened = threading.Event()
        self.busy_since: float | None = None
        self.complete = False
        self.resumed = 0
        self._position = 0
        self._buffer: bytearray | None = None
        self._view: memoryview | None = None
        self._held = 0
        self._source: ByteSource | None = None
        self._readinto: Callable[[memoryview], int] = self._copy_into
        self._interrupted: exception.GlintError | None = None

    # What the thread of the reader does.

    def run(self) -> None:
        """Read everything; whatever goes wrong closes the window with the reason."""
        try:
            self._open(0)
            self.opened.set()
            self._on_open()
            self._read_all()
        except WindowClosed:
            pass
        except exception.GlintError as error:
            self._window.close(error)
        except Exception as error:
            if not self._window.closed:  # else it is only the noise of a source closed under us
                LOG.exception("A source failed in an unexpected way")
                self._window.close(self._broken(f"{type(error).__name__}: {error}"))
        finally:
            self.close()
            self._view = None
            if self._buffer is not None:
                self._memory.rest(self._buffer)
                self._buffer = None

    def close(self) -> None:
        """Drop the source; from any thread."""
        source = self._source
        if source is not None:
            try:
                source.close()
            except Exception:
                LOG.exception("A source could not be closed")

    def stall(self, seconds: float, final: bool) -> None:
        """The source said nothing for ``seconds``: cut it, which counts as a break.

        :param final: cutting did not help; end the job.
        """
        if self._interrupted is not None and not final:
            return
        error = exception.StreamStalled(
            side=_SIDE, seconds=round(seconds, 1), done=self._position, total=self.size
        )
        if final or self._source is None:
            self._window.close(error)
        self._interrupted = error
        self.close()

    def _read_all(self) -> None:
        while True:
            try:
                self._pump()
                return
            except exception.SiteError as error:
                self._resume(error)

    def _resume(self, error: exception.SiteError) -> None:
        """Open the source again where it broke, or raise why not."""
        while error.retry and self.resumed < self._resumes:
            self.close()
            LOG.warning("Reading goes on after a break: %s", error)
            self._window.pause(self._pause * 2**self.resumed)
            self.resumed += 1
            try:
                return self._open(self._position)
            except exception.SiteError as again:
                error = again
        raise error

    def _open(self, offset: int) -> None:
        self._interrupted = self._source = None
        self.busy_since = time.monotonic()
        try:
            source = self._source = self._open_source(offset)
            self._readinto = getattr(source, "readinto", self._copy_into)
        finally:
            self.busy_since = None
        if self._window.closed:
            raise WindowClosed
        self._agree(source.size)
        if source.offset > offset:
            raise self._broken(f"it answered from byte {source.offset} on")
        self._skip(offset - source.offset)

    def _agree(self, told: int | None) -> None:
        if self.size is None and told is None:
            raise exception.SiteError(
                "The source does not tell the size of the image, and it is not known otherwise."
            )
        if self.size is None:
            self.size = told
        if told is not None and told != self.size:
            raise self._mismatch(f"its size is {told} bytes, not {self.size}")
        self._progress.total = self.size

    def _skip(self, count: int) -> None:
        """Read bytes that were handed on before: the site did not honour the wished offset."""
        scratch = memoryview(bytearray(min(self._chunk, max(count, 0))))
        while count > 0:
            done = self._read(scratch[:count])
            if not done:
                raise self._broken("it ended early")
            count -= done

    def _pump(self) -> None:
        size = self.size or 0
        while self._position < size:
            if self._view is None:
                self._window.reserve(self._chunk)
                self._buffer = self._memory.take(self._chunk)
                self._view = memoryview(self._buffer)
            room = min(self._chunk, self._held + size - self._position)
            done = self._read(self._view[self._held : room])
            if not done:
                raise self._broken("it ended early")
            self._position += done
            self._held += done
            # Half a chunk is enough: what came is not kept back until the source gives the rest.
            if self._position < size and 2 * self._held >= self._chunk:
                self._hand_on(last=False)
        self._prove_end(size)
        self._hand_on(last=True)
        self.complete = True

    def _hand_on(self, last: bool) -> None:
        view, held, self._view, self._held = self._view, self._held, None, 0
        self._window.put(b"" if view is None else view[:held], last)
        self._buffer = None  # the window's, from here on

    def _prove_end(self, size: int) -> None:
        """Nothing may follow. The last chunk waits for this: sent, it would complete an upload."""
        if self._position == size:
            try:
                extra = self._read(memoryview(bytearray(1)))
            except exception.StreamBroken:
                if self._source is None or self._source.size != size:
                    raise
                return  # all that was announced has come; how the connection ends is no matter
            if not extra:
                return
        raise self._mismatch(f"it goes on after the expected {size} bytes")

    def _copy_into(self, view: memoryview) -> int:
        assert self._source is not None
        piece = self._source.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def _read(self, view: memoryview) -> int:
        """Fill ``view`` from its begin; 0 only at the end."""
        if self._source is None:
            raise self._broken("it is not open")
        if self._throttles:
            view = view[: throttle.portion(self._throttles, len(view))]
        self.busy_since = time.monotonic()
        try:
            done = self._readinto(view)
        except Exception as error:
            if self._interrupted is not None:
                raise self._interrupted from error
            raise
        finally:
            self.busy_since = None
        if not done and self._interrupted is not None:
            raise self._interrupted
        self._progress.done += done
        if self._throttles and done:
            throttle.take(self._throttles, done, self._check)
        return done

    def _check(self) -> None:
        if self._window.closed:
            raise WindowClosed

    def _broken(self, reason: str) -> exception.StreamBroken:
        return exception.StreamBroken(
            side=_SIDE, done=self._position, total=self.size, reason=reason
        )

    @staticmethod
    def _mismatch(reason: str) -> exception.ContentMismatch:
        return exception.ContentMismatch(
            f"The source holds other content than the catalogue: {reason}. Nothing was copied."
        )
