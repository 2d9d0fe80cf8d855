"""Small qcow2 files made by hand, right ones and others."""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Mapping

import zstandard

from glint.transfer.qcow2 import Qcow2

HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
MORE = struct.Struct(">QQQII")
COPIED, COMPRESSED = 1 << 63, 1 << 62


@dataclasses.dataclass
class Made:
    """A file of ``clusters`` (number of the cluster of the disk -> its bytes).

    :ivar size: bytes of the disk.
    :ivar kind: of compression: "", "zlib", "zstd".
    :ivar zeros: clusters that are marked as zeros.
    :ivar header: fields of the header with other values than they should have.
    :ivar counted: with a table of refcounts at the end, which QEMU wants to see.
    """

    clusters: Mapping[int, bytes]
    size: int
    bits: int = 9
    version: int = 3
    kind: str = ""
    zeros: tuple[int, ...] = ()
    header: Mapping[str, int] = dataclasses.field(default_factory=dict)
    counted: bool = False

    @property
    def cluster(self) -> int:
        return 1 << self.bits

    @property
    def disk(self) -> bytes:
        """What it holds."""
        disk = bytearray(self.size)
        for number, data in self.clusters.items():
            if number not in self.zeros:
                at = number * self.cluster
                data = data[: self.size - at]
                disk[at : at + len(data)] = data
        return bytes(disk)

    def file(self) -> bytes:
        """Header, list of tables, tables, refcounts (which nobody reads), data."""
        cluster, entries = self.cluster, self.cluster // 8
        tables = -(-self.size // (cluster * entries))
        l1_clusters = -(-tables * 8 // cluster)
        l2_at = (1 + l1_clusters) * cluster
        data_at = l2_at + tables * cluster
        l2 = [0] * (tables * entries)
        data = bytearray()
        for number, plain in sorted(self.clusters.items()):
            plain = plain.ljust(cluster, b"\0")
            if self.kind:
                packed = self._pack(plain)
                at = data_at + len(data)
                sectors = (at % 512 + len(packed) - 1) // 512
                l2[number] = COMPRESSED | sectors << (62 - (self.bits - 8)) | at
                data += packed
            else:
                l2[number] = COPIED | data_at + len(data)
                data += plain
        for number in self.zeros:
            l2[number] = 1
        table = 0
        if self.counted:
            data += bytes(-len(data) % cluster)
            table = data_at + len(data)
            data += bytes(cluster)
        out = bytearray(self._header(tables, table).ljust(cluster, b"\0"))
        l1 = [COPIED | l2_at + index * cluster for index in range(tables)]
        out += struct.pack(f">{tables}Q", *l1).ljust(l1_clusters * cluster, b"\0")
        out += struct.pack(f">{len(l2)}Q", *l2)
        return bytes(out + data)

    def _pack(self, plain: bytes) -> bytes:
        if self.kind == "zstd":
            return zstandard.ZstdCompressor().compress(plain)
        packer = zlib.compressobj(9, zlib.DEFLATED, -12)
        return packer.compress(plain) + packer.flush()

    def _header(self, tables: int, refcounts: int) -> bytes:
        zstd = self.kind == "zstd"
        fields = {
            "version": self.version, "backing": 0, "backing_size": 0, "bits": self.bits,
            "size": self.size, "crypt": 0, "l1_size": tables, "l1": self.cluster,
            "refcounts": refcounts, "refcount_clusters": bool(refcounts),
            "snapshots": 0, "snapshots_at": 0,
            "incompatible": 8 if zstd else 0, "compatible": 0, "autoclear": 0,
            "order": 4, "length": 112, **self.header,
        }  # fmt: skip
        values = [*fields.values()]
        plain = HEADER.pack(b"QFI\xfb", *values[:12])
        if self.version == 2:
            return plain
        return plain + MORE.pack(*values[12:]) + bytes([zstd]) + bytes(7)


class Guarded:
    """Bytes that may be read, and nothing beyond; counts what is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.read = 0

    def read_at(self, offset: int, count: int) -> bytes:
        """:raises AssertionError: it begins beyond the end, or wants an absurd amount."""
        assert 0 <= offset <= len(self.data), offset
        assert 0 <= count <= 4 * 1024 * 1024, count
        piece = self.data[offset : offset + count]
        self.read += len(piece)
        return piece


def opened(data: bytes, most: int = 64 * 1024 * 1024) -> Qcow2:
    return Qcow2(Guarded(data).read_at, len(data), most)


def content(data: bytes, most: int = 64 * 1024 * 1024) -> bytes:
    """All bytes of the disk.

    :raises DiskRefused: it is not read.
    """
    disk = opened(data, most)
    out = bytearray(disk.disk_size)
    for extent in disk.extents():
        out[extent.begin : extent.begin + extent.length] = disk.load(extent, 0, extent.length)
    return bytes(out)
