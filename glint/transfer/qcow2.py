"""The disk that a qcow2 file describes, for reading only.

The file is hostile: nothing that it says is believed. No other file is ever opened, nothing is read
beyond its end, and neither memory (one table of 2 MiB, one cluster) nor time (every cluster of the
file is read once) depends on what it claims. What cannot be read for certain is refused with a
reason. Facts: docs/interop/qcow2.txt of QEMU.
"""

from __future__ import annotations

import dataclasses
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator

import zstandard

from glint.exception import DiskRefused

#: (offset, bytes wanted) -> bytes; fewer only at the end of the file.
ReadAt = Callable[[int, int], bytes]

MAGIC = b"QFI\xfb"
#: Bytes of the largest disk that is read, unless somebody wants it smaller.
LARGEST = 64 * 1024**4

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_MORE = struct.Struct(">QQQII")
_SECTOR = 512
#: Bytes of the address in an entry of a table, and what no entry of L1 may have besides.
_OFFSET = 0x00FF_FFFF_FFFF_FE00
_COPIED, _COMPRESSED, _ZERO = 1 << 63, 1 << 62, 1
#: Bytes of the list of tables that are held at once.
_PAGE = 64 * 1024
#: How many times its own size a file may grow to. Deflate can do no more; what is beyond the first
#: bytes that are free was made to do harm.
_GROWTH, _FREE = 1100, 64 * 1024 * 1024
#: Bytes that zstd may look back, more than it does in any cluster.
_WINDOW = 8 * 1024 * 1024

_DIRTY, _CORRUPT, _DATA_FILE, _COMPRESSION, _EXTENDED = (1 << bit for bit in range(5))
_REFUSED_FEATURES = {
    _CORRUPT: "it is marked as corrupt",
    _DATA_FILE: "its data are in another file",
    _EXTENDED: "it has extended L2 entries (subclusters)",
}
_BROKEN = (zlib.error, zstandard.ZstdError, MemoryError, ValueError)


@dataclasses.dataclass(frozen=True)
class Extent:
    """A run of the disk that holds data: bytes, and where they are in the file.

    :ivar packed: bytes of the compressed cluster at ``host``; None: they lie there as they are.
    """

    begin: int
    length: int
    host: int
    packed: int | None = None


def refuse(reason: str) -> DiskRefused:
    """The error that names a reason."""
    return DiskRefused(kind="qcow2", reason=reason)


class Qcow2:
    """A qcow2 file that was opened.

    :param size: bytes of the file.
    :param most: bytes that its disk may have.
    :ivar disk_size: bytes of the disk.
    :raises DiskRefused: it is none, or one that is not read.
    """

    def __init__(self, read_at: ReadAt, size: int, most: int = LARGEST) -> None:
        self._read_at = read_at
        self._size = size
        head = read_at(0, _HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(MAGIC):
            raise refuse("it does not begin like one")
        (_, version, backing, _, bits, self.disk_size, crypt, l1_size, self._l1, _, _, _, _) = (
            _HEADER.unpack(head)
        )
        if version not in (2, 3):
            raise refuse(f"it is of version {version}")
        if backing:
            raise refuse("it has a backing file")
        if crypt:
            raise refuse("it is encrypted")
        if not 9 <= bits <= 21:
            raise refuse(f"its clusters have 2^{bits} bytes")
        self._bits = bits
        self._cluster = 1 << bits
        self._entries = self._cluster // 8
        self._version = version
        self._zstd = version == 3 and self._look_at_features()
        self._check_sizes(most, l1_size)

    def _look_at_features(self) -> bool:
        """What only version 3 has; returns whether clusters are compressed with zstd."""
        more = self._read_at(_HEADER.size, _MORE.size + 1)
        if len(more) < _MORE.size:
            raise refuse("its header is cut")
        features, _, _, _, length = _MORE.unpack(more[: _MORE.size])
        for feature, reason in _REFUSED_FEATURES.items():
            if features & feature:
                raise refuse(reason)
        unknown = features & ~(_DIRTY | _COMPRESSION)
        if unknown:
            raise refuse(f"it has features that nobody knows ({unknown:#x})")
        least = _HEADER.size + _MORE.size
        if not least <= length <= self._cluster:
            raise refuse(f"its header has {length} bytes")
        kind = more[_MORE.size] if length > least and len(more) > _MORE.size else 0
        if kind > 1 or bool(kind) != bool(features & _COMPRESSION):
            raise refuse(f"it is compressed in a way that nobody knows ({kind})")
        return kind == 1

    def _check_sizes(self, most: int, l1_size: int) -> None:
        if not self.disk_size or self.disk_size % _SECTOR:
            raise refuse(f"its disk has {self.disk_size} bytes, which are no whole sectors")
        if self.disk_size > min(most, LARGEST):
            raise refuse(f"its disk has {self.disk_size} bytes; {min(most, LARGEST)} are the most")
        self._tables = -(-self.disk_size // (self._cluster * self._entries))
        if l1_size < self._tables:
            raise refuse("its list of tables is too short for its disk")
        if self._l1 % self._cluster or self._l1 + 8 * self._tables > self._size:
            raise refuse("its list of tables is not in the file")

    # -- what it holds

    def extents(self, begin: int = 0) -> Iterator[Extent]:
        """All data from byte ``begin`` of the disk on, in order; between them are zeros.

        :raises DiskRefused: a table makes no sense.
        """
        budget = _Budget(self._size, self._cluster)
        span = self._cluster * self._entries
        for number, host in self._l2_tables(begin // span, budget):
            yield from _joined(self._extents_of(number * span, host, begin, budget))

    def _l2_tables(self, first: int, budget: _Budget) -> Iterator[tuple[int, int]]:
        """Number and place of each table, from the ``first`` on."""
        for page in range(first, self._tables, _PAGE // 8):
            count = min(_PAGE // 8, self._tables - page)
            for index, entry in enumerate(self._numbers(self._l1 + 8 * page, count)):
                if entry & ~(_OFFSET | _COPIED):
                    raise refuse("its list of tables is damaged")
                host = entry & _OFFSET
                if not host:
                    continue
                if host % self._cluster or host + self._cluster > self._size:
                    raise refuse("one of its tables is not in the file")
                budget.table()
                yield page + index, host

    def _extents_of(self, base: int, host: int, begin: int, budget: _Budget) -> Iterator[Extent]:
        """The clusters of one table that hold data."""
        count = min(self._entries, -(-(self.disk_size - base) // self._cluster))
        first = max(0, (begin - base) // self._cluster)
        for index, entry in enumerate(self._numbers(host, count)):
            if not entry or index < first:
                continue
            at = base + index * self._cluster
            length = min(self._cluster, self.disk_size - at)
            if entry & _COMPRESSED:
                budget.compressed(length)
                yield self._compressed(entry, at, length)
            elif found := self._standard(entry, at, length):
                budget.standard(length)
                yield found

    def _standard(self, entry: int, at: int, length: int) -> Extent | None:
        if entry & ~(_OFFSET | _COPIED | _ZERO):
            raise refuse("one of its tables is damaged")
        if entry & _ZERO:
            if self._version < 3:
                raise refuse("it has zero clusters, which its version does not know")
            return None
        host = entry & _OFFSET
        if not host:
            return None
        if host % self._cluster or host + length > self._size:
            raise refuse(f"the data of byte {at} are not in the file")
        return Extent(at, length, host)

    def _compressed(self, entry: int, at: int, length: int) -> Extent:
        if entry & _COPIED:
            raise refuse("one of its tables is damaged")
        shift = 62 - (self._bits - 8)
        host = entry & ((1 << shift) - 1)
        sectors = ((entry & (_COMPRESSED - 1)) >> shift) + 1
        packed = sectors * _SECTOR - host % _SECTOR
        if host >= self._size:
            raise refuse(f"the data of byte {at} are not in the file")
        return Extent(at, length, host, min(packed, self._size - host))

    def _numbers(self, offset: int, count: int) -> array[int]:
        data = self._read_at(offset, 8 * count)
        if len(data) < 8 * count:
            raise refuse("it is shorter than it was")
        numbers = array("Q")
        numbers.frombytes(data)
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers

    # -- its bytes

    def load(self, extent: Extent, skip: int, count: int) -> bytes:
        """``count`` bytes of an extent, from byte ``skip`` of it on.

        :raises DiskRefused: they cannot be had.
        """
        if extent.packed is not None:
            return self._unpack(extent)[skip : skip + count]
        data = self._read_at(extent.host + skip, count)
        if len(data) < count:
            raise refuse("it is shorter than it was")
        return data

    def _unpack(self, extent: Extent) -> bytes:
        assert extent.packed is not None
        data = self._read_at(extent.host, extent.packed)
        try:
            if self._zstd:
                reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(data)
                plain = reader.read(self._cluster)
            else:
                plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, self._cluster)
        except _BROKEN as error:
            raise refuse(f"the data of byte {extent.begin} cannot be expanded") from error
        if len(plain) < self._cluster:
            raise refuse(f"the data of byte {extent.begin} are too short")
        return plain


class _Budget:
    """A small file cannot stand for terabytes: each cluster of it is used once.

    Counting bytes is enough. A file that uses some clusters twice, and others not at all, grows no
    more than one that is right.
    """

    def __init__(self, size: int, cluster: int) -> None:
        self._tables = size // cluster + 1
        self._plain = size + cluster
        self._packed = max(_FREE, _GROWTH * size)

    def table(self) -> None:
        self._tables -= 1
        self._check(self._tables)

    def standard(self, length: int) -> None:
        self._plain -= length
        self._check(self._plain)

    def compressed(self, length: int) -> None:
        self._packed -= length
        self._check(self._packed)

    @staticmethod
    def _check(left: int) -> None:
        if left < 0:
            raise refuse("it uses the same bytes again and again")


def _joined(extents: Iterator[Extent]) -> Iterator[Extent]:
    """Neighbours on the disk that are neighbours in the file as well, as one."""
    held: Extent | None = None
    for extent in extents:
        if held is not None and _follows(held, extent):
            held = dataclasses.replace(held, length=held.length + extent.length)
            continue
        if held is not None:
            yield held
        held = extent
    if held is not None:
        yield held


def _follows(one: Extent, other: Extent) -> bool:
    plain = one.packed is None and other.packed is None
    ends = (one.begin + one.length, one.host + one.length)
    return plain and ends == (other.begin, other.host)
