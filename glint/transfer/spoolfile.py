"""One file of the spool: being written by a sink, and being read as a source."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import threading
from collections.abc import Iterator
from typing import Protocol

from glint import exception
from glint.drivers.base import SizedBody

LOG = logging.getLogger(__name__)

#: Bytes after which what was written is brought to the disk and out of memory: else the page cache
#: fills with it, and the end waits for all of it.
SYNC_EVERY = 64 * 1024 * 1024


class Descriptor:
    """An open file that one thread works with and any thread may close.

    It is really closed when nobody works with it: the number could be another file's the moment
    after. Closing waits for nothing, whatever the disk does.
    """

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd
        self._closed = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def use(self) -> Iterator[int]:
        """:raises OSError: it was closed."""
        try:
            with self._lock:
                if self._closed or self._fd is None:
                    raise OSError("the file was closed")
                yield self._fd
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """From any thread, and twice."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                if self._fd is not None:
                    os.close(self._fd)
                self._fd = None
            finally:
                self._lock.release()


class Stream:
    """A :class:`glint.drivers.base.ByteSource` over ``size`` bytes of a file."""

    def __init__(self, fd: int, size: int, offset: int) -> None:
        self.size: int | None = size
        self.offset = offset
        self._position = offset
        self._total = size
        self._file = Descriptor(fd)

    def read(self, size: int) -> bytes:
        """:raises StreamBroken: the file is shorter than it was, or the disk fails."""
        try:
            with self._file.use() as fd:
                piece = os.pread(fd, size, self._position)
        except OSError as error:
            raise self._broken(str(error)) from error
        self._position += len(piece)
        if not piece and self._position < self._total:
            raise self._broken("the file is too short")
        return piece

    def close(self) -> None:
        """From any thread, and twice."""
        self._file.close()

    def _broken(self, reason: str) -> exception.StreamBroken:
        return exception.StreamBroken(
            side="from the spool", done=self._position, total=self._total, reason=reason
        )


class Content:
    """A content that is kept, open for as long as it is needed: its removal harms no reader.

    :ivar name: of its file.
    :ivar size: bytes.
    """

    def __init__(self, name: str, size: int, fd: int) -> None:
        self.name = name
        self.size = size
        self._file = Descriptor(fd)

    def open(self, offset: int = 0) -> Stream:
        """Read it from byte ``offset`` on; any number of times, also at once.

        :raises StreamBroken: it was closed.
        """
        try:
            with self._file.use() as fd:
                return Stream(os.dup(fd), self.size, offset)
        except OSError as error:
            raise exception.StreamBroken(
                side="from the spool", done=offset, total=self.size, reason=str(error)
            ) from error

    def close(self) -> None:
        """Streams that were opened go on."""
        self._file.close()


class Keeps(Protocol):
    """What a draft needs of its spool."""

    def adopt(self, part: pathlib.Path, owner: str, algorithm: str, digest: str) -> bool: ...


class Draft:
    """A content on its way into the spool; :meth:`put` is for one sink of a fan-out.

    Whoever makes one ends it by :meth:`keep` or :meth:`drop`.

    :param fd: open for writing and locked; the lock says that somebody still writes.
    :param size: bytes.
    """

    def __init__(self, spool: Keeps, fd: int, path: pathlib.Path, size: int) -> None:
        self._spool = spool
        self._path = path
        self._size = size
        self._file = Descriptor(fd)
        self._whole = False
        self._dropped = False

    def put(self, body: SizedBody) -> None:
        """Write all of it to the disk. What fails removes the file, to free the room at once.

        :raises OSError: the disk is full, or fails; and whatever the body raises.
        """
        try:
            with self._file.use() as fd:
                written = write_whole(fd, body)
            if written != self._size:
                raise OSError(f"{written} bytes came for the spool instead of {self._size}")
            self._whole = True
        except BaseException:
            self.drop()
            raise

    def keep(self, owner: str, algorithm: str, digest: str) -> bool:
        """Give it its name. Only for bytes whose digest was computed, and is the image's.

        :param owner: whose image it is (see ``Spool.find``).
        :returns: False where it was not written whole, or is kept already.
        :raises Unusable: the folder does not serve.
        """
        try:
            if not self._whole or self._dropped:
                return False
            return self._spool.adopt(self._path, owner, algorithm, digest)
        finally:
            self.drop()

    def drop(self) -> None:
        """Remove what is not kept; from any thread, and twice."""
        self._dropped = True
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            LOG.error("%s stays in the spool until its process ends: %s", self._path.name, error)
        self._file.close()


def write_whole(fd: int, body: SizedBody) -> int:
    """Write all bytes of a body to a file, and bring them to the disk; returns how many there were.

    :raises OSError: the disk is full, or fails; and whatever the body raises.
    """
    written = synced = 0
    for chunk in body:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(fd, rest) :]
        written += len(chunk)
        if written - synced >= SYNC_EVERY:
            _to_disk(fd, synced, written)
            synced = written
    _to_disk(fd, synced, written)
    return written


def _to_disk(fd: int, begin: int, end: int) -> None:
    os.fdatasync(fd)
    os.posix_fadvise(fd, begin, end - begin, os.POSIX_FADV_DONTNEED)
