"""A disk in a file, as a stream of its bytes with all its zeros."""

from __future__ import annotations

import os
from collections.abc import Iterator

from glint import exception
from glint.transfer.qcow2 import LARGEST, Extent, Qcow2
from glint.transfer.spoolfile import Descriptor

#: Holes are given as these, again and again.
_ZEROS = bytes(1024 * 1024)


class DiskFile:
    """A qcow2 file that is open for reading, and the disk in it.

    :param fd: of the file; it becomes this object's own.
    :param size: bytes of the file.
    :param most: bytes that the disk may have.
    :ivar size: bytes of the disk.
    :raises DiskRefused: it is not read.
    """

    def __init__(self, fd: int, size: int, most: int = LARGEST) -> None:
        self._file = Descriptor(fd)
        try:
            self._disk = Qcow2(self._read_at, size, most)
        except BaseException:
            self._file.close()
            raise
        self.size = self._disk.disk_size

    def _read_at(self, offset: int, count: int) -> bytes:
        pieces = []
        try:
            with self._file.use() as fd:
                while count > 0 and (piece := os.pread(fd, count, offset)):
                    pieces.append(piece)
                    offset += len(piece)
                    count -= len(piece)
        except OSError as error:
            raise exception.StreamBroken(
                side="from the spool", done=offset, total="?", reason=str(error)
            ) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def data(self) -> int:
        """Bytes of the disk for which the file holds data; looks at all tables.

        :raises DiskRefused: one of them makes no sense.
        """
        return sum(extent.length for extent in self._disk.extents())

    def open(self, offset: int = 0) -> DiskStream:
        """Read the disk from byte ``offset`` on; any number of times, also at once."""
        return DiskStream(self._disk, offset)

    def close(self) -> None:
        """Streams end with it; from any thread, and twice."""
        self._file.close()


class DiskStream:
    """A :class:`glint.drivers.base.ByteSource` over the bytes of a disk."""

    def __init__(self, disk: Qcow2, offset: int) -> None:
        self.size: int | None = disk.disk_size
        self.offset = min(offset, disk.disk_size)
        self._disk = disk
        self._end = disk.disk_size
        self._position = self.offset
        self._extents: Iterator[Extent] = disk.extents(self.offset)
        self._current = self._next()
        self._rest = b""
        self._closed = False

    def _next(self) -> Extent:
        return next(self._extents, Extent(self._end, 0, 0))

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, b"" at the end of the disk.

        :raises DiskRefused: the file does not say what they are.
        """
        if self._closed:
            raise exception.StreamBroken(
                side="from the spool", done=self._position, total=self._end, reason="it was closed"
            )
        piece = self._rest[:size] or self._fresh(size)
        self._rest = self._rest[len(piece) :]
        self._position += len(piece)
        return piece

    def _fresh(self, size: int) -> bytes:
        """What comes next; of a compressed cluster all, of which the rest is kept."""
        current = self._current
        if self._position >= current.begin + current.length and self._position < self._end:
            current = self._current = self._next()
        if self._position < current.begin:
            count = min(size, current.begin - self._position, len(_ZEROS))
            return _ZEROS if count == len(_ZEROS) else _ZEROS[:count]
        skip = self._position - current.begin
        left = current.length - skip
        if current.packed is None:
            return self._disk.load(current, skip, min(size, left))
        self._rest = self._disk.load(current, skip, left)
        return self._rest[:size]

    def close(self) -> None:
        """From any thread, and twice."""
        self._closed = True
