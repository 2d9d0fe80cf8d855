"""Sources and sinks in memory, with the faults that real ones have."""

from __future__ import annotations

import dataclasses
import itertools
import random
import threading
from collections.abc import Callable, Iterable

import fixtures
import testtools

from glint import exception
from glint.drivers.base import Piece, SizedBody
from glint.transfer import Sink

#: Seconds after which a test that waits for something gives up.
PATIENCE = 20


def altered(data: bytes) -> bytes:
    """Other bytes of the same length, whatever the first one is."""
    return bytes([data[0] ^ 1]) + data[1:]


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


class Stream:
    """A ByteSource over bytes.

    :param pieces: sizes to which single reads are limited, in a circle.
    :param breaks_at: position of the image at which the connection is lost.
    :param hangs_at: position at which a read blocks until the stream is closed.
    """

    def __init__(
        self,
        data: bytes,
        offset: int = 0,
        *,
        size: int | None = None,
        pieces: Iterable[int] = (),
        breaks_at: int | None = None,
        hangs_at: int | None = None,
    ) -> None:
        self.size = size
        self.offset = offset
        self.position = offset
        self.closed = threading.Event()
        self._data = data
        self._pieces = itertools.cycle(list(pieces) or [2**62])
        self._breaks_at = breaks_at
        self._hangs_at = hangs_at

    def read(self, size: int) -> bytes:
        if self._hangs_at is not None and self.position >= self._hangs_at:
            self.closed.wait(PATIENCE)
        if self.closed.is_set():
            raise OSError("read from a closed stream")
        count = min(size, next(self._pieces))
        if self._breaks_at is not None:
            if self.position >= self._breaks_at:
                raise exception.StreamBroken(
                    side="from the source", done=self.position, total=self.size, reason="reset"
                )
            count = min(count, self._breaks_at - self.position)
        piece = self._data[self.position : self.position + count]
        self.position += len(piece)
        return piece

    def close(self) -> None:
        self.closed.set()


#: Arguments of a Stream, or what its opening raises.
Fault = dict[str, int | None] | Exception


class Opener:
    """Opens streams of one image; ``faults`` holds the arguments of the first ones.

    :param ranges: honours the offset, as a server that answers 206.
    """

    def __init__(
        self,
        data: bytes,
        *faults: Fault,
        size: int | None = -1,
        ranges: bool = True,
        pieces: Iterable[int] = (),
    ) -> None:
        self.data = data
        self.size = len(data) if size == -1 else size
        self.ranges = ranges
        self.pieces = list(pieces)
        self.offsets: list[int] = []
        self.streams: list[Stream] = []
        self._faults = list(faults)

    def __call__(self, offset: int) -> Stream:
        self.offsets.append(offset)
        fault = self._faults.pop(0) if self._faults else {}
        if isinstance(fault, Exception):
            raise fault
        begin = offset if self.ranges else 0
        size = fault.pop("size", self.size)
        stream = Stream(self.data, begin, size=size, pieces=self.pieces, **fault)
        self.streams.append(stream)
        return stream


@dataclasses.dataclass
class Site:
    """What a destination got, and whether it would call the image active."""

    got: bytearray = dataclasses.field(default_factory=bytearray)
    declared: int | None = None
    active: bool = False
    raised: Exception | None = None

    def put(self, body: SizedBody) -> None:
        """Like an upload with Content-Length: active as soon as so many bytes have come."""
        self.declared = len(body)
        self.active = self.declared == 0
        try:
            for chunk in body:
                self.before(chunk)
                self.got += chunk
                self.active = len(self.got) == self.declared
        except Exception as error:
            self.raised = error
            raise

    def before(self, chunk: Piece) -> None:
        """Faults go here."""

    def sink(self, name: str = "site", abort: Callable[[], None] | None = None) -> Sink:
        return Sink(self.put, name=name, abort=abort)


class BlockedSite(Site):
    """Blocks in its send after ``after`` bytes, until it is let go."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.after = after
        self.blocked = threading.Event()
        self.let_go = threading.Event()

    def before(self, chunk: Piece) -> None:
        if len(self.got) >= self.after:
            self.blocked.set()
            self.let_go.wait(PATIENCE)

    def cut(self) -> None:
        """Closes the socket, so to speak."""
        self.let_go.set()


class SlowSite(Site):
    """Takes a chunk every now and then."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.let_go = threading.Event()

    def before(self, chunk: Piece) -> None:
        self.let_go.wait(self.seconds)


class TestCase(testtools.TestCase):
    """No test may hang, and none may leave a thread behind."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.Timeout(2 * PATIENCE, gentle=True))
        self.useFixture(fixtures.FakeLogger())
        self._threads = set(threading.enumerate())
        self.addCleanup(self.assert_no_thread_left)

    def assert_no_thread_left(self) -> None:
        left = [t.name for t in threading.enumerate() if t not in self._threads]
        self.assertEqual([], left, "threads left behind")
