"""Memory for chunks, used again and again, and its bound.

A fresh chunk costs a page fault for every 4 KiB of it, and on a virtual machine that is more than
filling it costs. What went through a window a moment ago is in the processor's cache besides.
"""

from __future__ import annotations

import threading

#: Chunks that a job may always hold, whatever the others do. On loopback more bring nothing; over
#: a distance they ride out pauses.
FLOOR = 4


class Memory:
    """The buffers of all jobs of a process.

    None is given out while anybody may still look at it, whatever a consumer keeps: such a one
    costs memory, and never another chunk's bytes in its place.

    :param limit: bytes of all buffers. A job gets :data:`FLOOR` even beyond that, and as many may
        be at rest.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._resting: list[bytearray] = []
        self._out = 0

    @property
    def held(self) -> int:
        """Bytes of buffers, those at rest included."""
        with self._lock:
            return self._out + sum(map(len, self._resting))

    def has_room(self, size: int) -> bool:
        """Whether one more buffer of ``size`` bytes may be out."""
        return self._out + size <= self.limit

    def take(self, size: int) -> bytearray:
        """A buffer of ``size`` bytes, also where there is no room."""
        with self._lock:
            self._out += size
            # From the end: what rests shortest is still in the cache.
            for place in reversed(range(len(self._resting))):
                buffer = self._resting[place]
                if len(buffer) == size and _is_unseen(buffer):
                    return self._resting.pop(place)
            self._trim()
        return bytearray(size)

    def rest(self, buffer: bytearray) -> None:
        """It is out no more."""
        with self._lock:
            self._out -= len(buffer)
            self._resting.append(buffer)
            self._trim()

    def _trim(self) -> None:
        """What is at rest makes way for what is out; when nothing is, no memory is kept."""
        if not self._out:
            self._resting.clear()
        resting = sum(map(len, self._resting))
        while len(self._resting) > FLOOR and self._out + resting > self.limit:
            resting -= len(self._resting.pop(0))


def _is_unseen(buffer: bytearray) -> bool:
    """No view of it is left: while there is one, its length cannot be changed."""
    try:
        buffer.append(buffer.pop())
    except BufferError:
        return False
    return True
