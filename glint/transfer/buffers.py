"""Memory for chunks, used again and again.

A fresh chunk costs a page fault for every 4 KiB of it, and on a virtual machine that is more than
filling it. A buffer that went through the window once is in the processor's cache besides.
"""

from __future__ import annotations


class Buffers:
    """Buffers of one size.

    None is given out while anybody may still look at it, whatever a consumer keeps: such a one
    costs memory, and never another chunk's bytes in its place.

    :param size: bytes of each.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._resting: list[bytearray] = []

    def take(self) -> bytearray:
        """A buffer for one chunk; for one thread only."""
        # From the end: what rests shortest is still in the cache. Others may add meanwhile.
        for place in reversed(range(len(self._resting))):
            if _is_unseen(self._resting[place]):
                return self._resting.pop(place)
        return bytearray(self._size)

    def rest(self, buffer: bytearray) -> None:
        """Back from the window; from any thread."""
        self._resting.append(buffer)


def _is_unseen(buffer: bytearray) -> bool:
    """No view of it is left: while there is one, its length cannot be changed."""
    try:
        buffer.append(buffer.pop())
    except BufferError:
        return False
    return True
