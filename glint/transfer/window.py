"""The shared window: one reader puts chunks in, every consumer takes each of them once."""

from __future__ import annotations

import collections
import contextlib
import copy
import threading
import time

from glint import exception
from glint.drivers.base import Piece
from glint.transfer import policy
from glint.transfer.buffers import FLOOR, Memory

#: Seconds after which a wait looks around again. Every change is announced, so this is only a
#: second line; the real bounds are kept by the job that owns the window.
_LOOK_AROUND = 5.0


class WindowClosed(Exception):
    """Tells the reader, and nobody else, that no consumer needs more bytes."""


class Cursor:
    """One consumer's place in the window.

    :ivar index: number of the chunk that it holds or wants next.
    :ivar busy_since: monotonic seconds since when it works on its own; None while it waits for
        the reader. A consumer that has not asked for its first chunk counts as busy.
    :ivar behind: seconds for which it held the others back (see policy.charge).
    :ivar helper: a sink that never counts as held back (see Sink.helps).
    """

    __slots__ = ("behind", "busy_since", "helper", "holds", "index", "sink", "stop", "view")

    def __init__(self, sink: bool, helper: bool = False) -> None:
        self.sink = sink
        self.helper = helper
        self.index = 0
        self.holds = False
        self.view: memoryview | None = None
        self.busy_since: float | None = time.monotonic()
        self.behind = 0.0
        self.stop: exception.GlintError | None = None

    def let_go(self) -> None:
        """Make the chunk that it was given last unreadable; for the consumer's own thread."""
        view, self.view = self.view, None
        if view is not None:
            # Where it is just being sent elsewhere, its buffer is not used again before that ends.
            with contextlib.suppress(BufferError):
                view.release()


class Window:
    """At most ``slots`` chunks, each kept until the slowest consumer has passed it.

    A chunk that a consumer works on is still in the window, and the reader reserves a slot before
    it reads: what the window holds is all there is of the image in memory.

    :param slots: bound of the window in chunks.
    :param gated: hold the last chunk (and the end) back from the sinks until :meth:`release`.
    :param memory: of the chunks: it bounds the window too, and gets back what all have passed.
    """

    def __init__(self, slots: int, gated: bool = False, memory: Memory | None = None) -> None:
        if slots < 1:
            raise ValueError("a window needs at least one slot")
        self._slots = slots
        self._lock = threading.Lock()
        self._readable = threading.Condition(self._lock)
        self._writable = threading.Condition(self._lock)
        self._memory = memory
        self._chunks: collections.deque[Piece] = collections.deque()
        self._tail = 0
        self._cursors: list[Cursor] = []
        self._sealed = False
        self._gated = gated
        self._closed = threading.Event()
        self._error: exception.GlintError | None = None
        self._full = False
        self._slow: frozenset[Cursor] = frozenset()
        self._judged = time.monotonic()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    @property
    def error(self) -> exception.GlintError | None:
        return self._error

    # The reader's side.

    def reserve(self, size: int = 0) -> None:
        """Wait for a free slot, and for memory for a chunk of ``size`` bytes.

        :raises WindowClosed: the job has ended.
        """
        with self._lock:
            while not self._has_room(size) and not self.closed:
                self._full = True
                self._judge()
                self._writable.wait(_LOOK_AROUND)
            if self._full:
                self._full = False
                self._judge()
            if self.closed:
                raise WindowClosed

    def put(self, chunk: Piece, last: bool = False) -> None:
        """Give a chunk to all consumers. Only the last one may be empty.

        :raises WindowClosed: the job has ended.
        """
        with self._lock:
            if self.closed:
                raise WindowClosed
            if chunk and self._cursors:
                self._chunks.append(chunk)
            else:
                self._reuse(chunk)
            self._sealed = last
            self._readable.notify_all()

    def pause(self, seconds: float) -> None:
        """:raises WindowClosed: the job ended meanwhile."""
        if self._closed.wait(seconds):
            raise WindowClosed

    # The consumers' side.

    def join(self, sink: bool, helper: bool = False) -> Cursor:
        """A new consumer; only possible before the first chunk was put."""
        with self._lock:
            cursor = Cursor(sink, helper)
            self._cursors.append(cursor)
            return cursor

    def take(self, cursor: Cursor) -> Piece | None:
        """The next chunk, or None at the proven end. Frees the chunk that was taken before.

        :raises GlintError: why this consumer, or the whole job, was stopped.
        """
        cursor.let_go()
        with self._lock:
            cursor.busy_since = None
            self._pass(cursor)
            while True:
                self._check(cursor)
                if cursor.index < self._reach(cursor):
                    break
                if self._sealed and not (cursor.sink and self._gated):
                    cursor.busy_since = time.monotonic()
                    return None
                self._judge()
                self._readable.wait(_LOOK_AROUND)
            cursor.holds = True
            cursor.busy_since = time.monotonic()
            chunk = self._chunks[cursor.index - self._tail]
            if isinstance(chunk, memoryview):
                chunk = cursor.view = chunk[:]  # each consumer lets go of its own
            return chunk

    def await_verdict(self, cursor: Cursor) -> None:
        """Wait until the whole source is read and found right, without taking anything.

        :raises GlintError: why this consumer, or the whole job, was stopped.
        """
        with self._lock:
            while not self._sealed or self._gated:
                cursor.busy_since = None
                self._check(cursor)
                self._readable.wait(_LOOK_AROUND)
            self._check(cursor)
            cursor.busy_since = time.monotonic()

    def check(self, cursor: Cursor) -> None:
        """Say whether the bytes of this consumer are still wanted.

        :raises GlintError: why it, or the whole job, was stopped.
        """
        with self._lock:
            self._check(cursor)

    def leave(self, cursor: Cursor, why: exception.GlintError | None = None) -> None:
        """Drop out, or be dropped because of ``why``; frees what only this consumer kept.

        Whoever leaves first decides the reason; a body that is asked for more raises it.
        """
        with self._lock:
            if cursor not in self._cursors:
                return
            cursor.stop = why
            self._cursors.remove(cursor)
            self._free()
            self._judge()
            self._readable.notify_all()

    # The owner's side.

    def release(self) -> None:
        """The content is proven: let the last chunk go."""
        with self._lock:
            self._gated = False
            self._readable.notify_all()

    def close(self, error: exception.GlintError | None = None) -> None:
        """End the job; the first call counts. Every consumer that asks for more gets ``error``."""
        with self._lock:
            if self.closed:
                return
            self._error = error or exception.Cancelled()
            self._closed.set()
            while self._chunks:
                self._reuse(self._chunks.popleft())
            self._readable.notify_all()
            self._writable.notify_all()

    def judge(self) -> None:
        """Bring every cursor's ``behind`` up to the present moment."""
        with self._lock:
            self._judge()

    # Below here the lock is held.

    def _has_room(self, size: int) -> bool:
        held = len(self._chunks)
        if self._memory is not None and held >= FLOOR and not self._memory.has_room(size):
            return False  # whatever frees memory of this job's own is announced
        return held < self._slots

    def _head(self) -> int:
        return self._tail + len(self._chunks)

    def _reach(self, cursor: Cursor) -> int:
        """Chunks below this number may be taken."""
        held_back = cursor.sink and self._gated and self._sealed
        return self._head() - 1 if held_back else self._head()

    def _check(self, cursor: Cursor) -> None:
        if cursor.stop is not None:
            raise cursor.stop
        if cursor not in self._cursors:
            raise exception.SiteError(reason="its upload asked for bytes after it had ended")
        if self._error is not None:
            raise copy.copy(self._error)  # several threads must not share one traceback

    def _pass(self, cursor: Cursor) -> None:
        if cursor.holds:
            cursor.holds = False
            cursor.index += 1
            if cursor.index - 1 == self._tail:
                self._free()

    def _free(self) -> None:
        tail = min((cursor.index for cursor in self._cursors), default=self._head())
        for _ in range(min(tail - self._tail, len(self._chunks))):
            self._reuse(self._chunks.popleft())
        self._tail = tail
        if len(self._chunks) < self._slots:
            self._writable.notify()

    def _reuse(self, chunk: Piece) -> None:
        if self._memory is not None and isinstance(chunk, memoryview):
            buffer = chunk.obj
            chunk.release()
            assert isinstance(buffer, bytearray)
            self._memory.rest(buffer)

    def _judge(self) -> None:
        if not self._full and not self._slow:
            return
        now = time.monotonic()
        sinks = [cursor for cursor in self._cursors if cursor.sink]
        if self._slow:
            policy.charge(sinks, self._slow, now - self._judged)
        self._judged = now
        self._slow = self._find_slow(sinks) if self._full else frozenset()

    def _find_slow(self, sinks: list[Cursor]) -> frozenset[Cursor]:
        head = self._head()
        hashers = [head - cursor.index for cursor in self._cursors if not cursor.sink]
        lags = {c: head - c.index for c in sinks if not c.helper}
        helpers = {c: head - c.index for c in sinks if c.helper}
        return policy.laggards(lags, hashers, len(self._chunks), helpers)
