"""A cap on bytes per second that any number of streams share."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable, Sequence

#: Seconds of the rate that may be saved up while nobody moves bytes, and that one piece may cost.
#: Long enough to make up for a late wake-up, short enough that no site waits for its next byte so
#: long that it gives the upload up (uWSGI does after 4 s).
BURST = 0.25

#: Bytes. Smaller pieces would cost more in headers and system calls than they smooth.
SMALLEST = 4096

#: Seconds after which a stream that waits looks whether it is still wanted.
LOOK_AROUND = 0.2

Check = Callable[[], object]


class Bucket:
    """The arithmetic: bytes that may go now, filled up with time. Not safe for threads.

    A piece may cost more than there is: what is missing is a debt that has to be paid before the
    next piece goes. Within any ``t`` seconds no more than ``rate * (t + BURST)`` bytes and one
    piece go.

    :param rate: bytes per second.
    :param now: seconds, of any clock that does not go back.
    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._balance = rate * BURST
        self._filled = now

    def pause(self, now: float) -> float:
        """Seconds until the next piece may go; 0.0: now."""
        self._fill(now)
        # Less than a byte is no debt, or a rounding error would be waited for.
        return -self._balance / self.rate if self._balance <= -1.0 else 0.0

    def spend(self, count: int, now: float) -> None:
        """A piece of ``count`` bytes goes."""
        self._fill(now)
        self._balance -= count

    def change(self, rate: float, now: float) -> None:
        """From now on another rate; a debt stays."""
        self._fill(now)
        self.rate = rate
        self._fill(now)

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled) * self.rate
        self._filled = now
        self._balance = min(self.rate * BURST, self._balance + gained)


class Throttle:
    """A cap shared by the streams that are given it; safe for threads.

    Streams that wait go in the order in which they came, one piece each, so that none starves and
    all get the same share, whatever they could do without the cap.

    :param rate: bytes per second, None: no cap.
    :param clock: seconds that do not go back.
    """

    def __init__(
        self, rate: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._bucket: Bucket | None = None
        self._queue: collections.deque[object] = collections.deque()
        self._turn = threading.Condition()
        self.set_rate(rate)

    @property
    def rate(self) -> float | None:
        """Bytes per second; None: no cap."""
        bucket = self._bucket
        return bucket.rate if bucket is not None else None

    @property
    def waiting(self) -> int:
        """How many streams wait for their turn."""
        return len(self._queue)

    def set_rate(self, rate: float | None) -> None:
        """Change the cap, for those as well who wait just now; None lifts it.

        :raises ValueError: not more than 0 bytes per second, with which no stream would ever end.
        """
        if rate is not None and not rate > 0:
            raise ValueError(f"a rate of {rate} bytes per second moves nothing")
        with self._turn:
            if rate is None:
                self._bucket = None
            elif self._bucket is None:
                self._bucket = Bucket(rate, self._clock())
            else:
                self._bucket.change(rate, self._clock())
            self._turn.notify_all()

    def portion(self, count: int) -> int:
        """How many of ``count`` bytes a stream should move at once so that bytes keep flowing."""
        rate = self.rate
        if rate is None:
            return count
        share = rate * BURST / max(1, len(self._queue))
        return min(count, max(SMALLEST, int(share)))

    def take(self, count: int, check: Check) -> None:
        """Wait until ``count`` bytes may go.

        :param check: called at least every LOOK_AROUND seconds while waiting, without anything
            being spent; what it raises ends the waiting. It must not use this throttle.
        """
        if self._bucket is None:
            return
        place = object()
        with self._turn:
            self._queue.append(place)
            try:
                while (pause := self._pause(place)) > 0:
                    self._turn.wait(min(pause, LOOK_AROUND))
                    check()
                if self._bucket is not None:
                    self._bucket.spend(count, self._clock())
            finally:
                self._queue.remove(place)
                self._turn.notify_all()

    def _pause(self, place: object) -> float:
        """Seconds until it is the turn of a place in the queue, as far as can be told."""
        if self._bucket is None:
            return 0.0
        if self._queue[0] is not place:
            return LOOK_AROUND
        return self._bucket.pause(self._clock())


def portion(throttles: Sequence[Throttle], count: int) -> int:
    """How many of ``count`` bytes to move at once under all ``throttles``."""
    for throttle in throttles:
        count = throttle.portion(count)
    return count


def take(throttles: Sequence[Throttle], count: int, check: Check) -> None:
    """Wait until all ``throttles``, one after the other, let ``count`` bytes go."""
    for throttle in throttles:
        throttle.take(count, check)
