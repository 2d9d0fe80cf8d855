"""Compressed images, expanded on their way, with a bound on how much they may grow."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol, cast

import zstandard

from glint import exception

#: First bytes -> kind.
_MAGIC = {
    b"\x1f\x8b\x08": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
#: Bytes that must be looked at to tell.
LOOK = 6

#: Bytes that any archive may grow to: small ones grow much, and harm nobody.
FREE = 64 * 1024 * 1024

#: Bytes of memory that a dictionary may take.
_MEMORY = 256 * 1024 * 1024

#: Of zstd no more than this many bytes are taken at once: three may stand for 128 KiB.
_SIP = 512

_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, ValueError)

Read = Callable[[int], bytes]


def kind_of(begin: bytes) -> str | None:
    """Which archive begins so; None: none that is known."""
    return next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), None)


class _Readable(Protocol):
    def read(self, size: int) -> bytes: ...


class _Counted:
    """What the libraries read from; a failure of the source is kept apart from theirs."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.done = 0
        self.failure: exception.GlintError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            piece = self._read(size if size > 0 else 64 * 1024)
        except exception.GlintError as error:
            self.failure = error
            raise
        self.done += len(piece)
        return piece

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class _Zstd:
    """Frames one after the other, in sips; the library's own reader does not see a cut."""

    def __init__(self, source: _Counted) -> None:
        self._source = source
        self._frame: Any = None
        self._rest = b""
        self._out = b""
        self._given = 0

    def read(self, size: int) -> bytes:
        while not self._out:
            if not self._rest:
                self._rest = self._source.read(64 * 1024)
                if not self._rest:
                    if self._frame is not None:
                        raise EOFError("it ends in the middle")
                    return b""
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor(max_window_size=_MEMORY // 2)
                self._frame = self._frame.decompressobj()
            sip, self._rest = self._rest[:_SIP], self._rest[_SIP:]
            self._out = self._frame.decompress(sip)
            if self._frame.eof:
                self._rest = self._frame.unused_data + self._rest
                self._frame = None
        piece = self._out[self._given : self._given + size]
        self._given += len(piece)
        if self._given >= len(self._out):
            self._out, self._given = b"", 0
        return piece


class Expander:
    """Reads an archive as the image in it.

    :param read: up to so many bytes of the archive, b"" at its true end.
    :param kind: as :func:`kind_of` says.
    :param ratio: how many times its own size it may grow.
    """

    def __init__(self, read: Read, kind: str, ratio: int) -> None:
        self._source = _Counted(read)
        self._kind = kind
        self._ratio = ratio
        self._done = 0
        fileobj = cast(IO[bytes], self._source)
        self._reader: _Readable
        if kind == "gzip":
            self._reader = gzip.GzipFile(fileobj=fileobj)
        elif kind == "bzip2":
            self._reader = bz2.BZ2File(fileobj)
        elif kind == "xz":
            self._reader = lzma.LZMAFile(fileobj, format=lzma.FORMAT_XZ)  # noqa: SIM115
        else:
            self._reader = _Zstd(self._source)

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes of the image, b"" at its end.

        :raises ArchiveBroken: it cannot be expanded, or is cut.
        :raises ArchiveBomb: it grows too much.
        :raises GlintError: what reading the archive raised.
        """
        try:
            piece = self._reader.read(size)
        except _BROKEN as error:
            if self._source.failure is not None:
                raise self._source.failure from error
            reason = str(error).rstrip(".")[:200] or type(error).__name__
            raise exception.ArchiveBroken(kind=self._kind, reason=reason) from error
        self._done += len(piece)
        if self._done > max(FREE, self._ratio * self._source.done):
            raise exception.ArchiveBomb(kind=self._kind, ratio=self._ratio)
        return piece
