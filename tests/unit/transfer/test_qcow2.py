"""The reader of qcow2 files, against files that are right and files that are hostile."""

from __future__ import annotations

import os
import random
import struct
import tempfile

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from glint.exception import DiskRefused, StreamBroken
from glint.transfer.disk import DiskFile
from tests.unit.transfer.qcow2files import Made, content, opened

MIB = 1024 * 1024


def data(seed: int, size: int = 512) -> bytes:
    """Bytes that can be compressed, but not by much."""
    return bytes(random.Random(seed).choices(b"abcdefgh", k=size))


def some(**more: object) -> Made:
    """Three clusters with data, a hole, and an end that is no whole cluster."""
    values = {
        "clusters": {0: data(1), 1: data(2), 70: data(3), 99: data(4)},
        "size": 99 * 512 + 512,
    }
    return Made(**{**values, **more})  # type: ignore[arg-type]


class ContentTest(testtools.TestCase):
    def test_every_kind_of_cluster(self) -> None:
        for more in (
            {},
            {"version": 2},
            {"kind": "zlib"},
            {"kind": "zlib", "version": 2},
            {"kind": "zstd"},
            {"zeros": (1, 7)},
            {"header": {"incompatible": 1}},  # dirty: only its refcounts are wrong
            {"header": {"snapshots": 2}},
        ):
            made = some(**more)
            self.assertEqual(made.disk, content(made.file()), str(more))

    def test_larger_clusters(self) -> None:
        for bits in (12, 16, 21):
            cluster = 1 << bits
            clusters = {0: data(1, cluster), 2: data(2, cluster)}
            for kind in ("", "zlib", "zstd"):
                made = Made(clusters, 2 * cluster + 512, bits, kind=kind)
                self.assertEqual(made.disk, content(made.file()), f"{bits} {kind}")

    def test_neighbours_are_read_together(self) -> None:
        disk = opened(some().file())
        begin = [(one.begin, one.length) for one in disk.extents()]
        self.assertEqual([(0, 1024), (70 * 512, 512), (99 * 512, 512)], begin)
        self.assertEqual([70 * 512, 99 * 512], [one.begin for one in disk.extents(70 * 512 + 5)])

    def test_the_last_packed_cluster_may_end_with_the_file(self) -> None:
        whole = some(kind="zlib")
        self.assertNotEqual(0, len(whole.file()) % 512)
        self.assertEqual(whole.disk, content(whole.file()))


class RefusedTest(testtools.TestCase):
    def refused(self, reason: str, file: bytes, most: int = 64 * MIB) -> None:
        error = self.assertRaises(DiskRefused, content, file, most)
        self.assertIn(reason, str(error))

    def test_headers(self) -> None:
        for reason, header in (
            ("backing file", {"backing": 112, "backing_size": 4}),
            ("encrypted", {"crypt": 2}),
            ("another file", {"incompatible": 4}),
            ("subclusters", {"incompatible": 16}),
            ("corrupt", {"incompatible": 2}),
            ("nobody knows", {"incompatible": 32}),
            ("nobody knows", {"incompatible": 8}),
            ("version 4", {"version": 4}),
            ("2^8 bytes", {"bits": 8}),
            ("2^40 bytes", {"bits": 40}),
            ("whole sectors", {"size": 0}),
            ("whole sectors", {"size": 513}),
            ("too short for its disk", {"size": 32 * MIB}),
            ("are the most", {"size": 65 * MIB}),
            ("not in the file", {"l1": 1 << 40}),
            ("not in the file", {"l1": 8}),
            ("header has", {"length": 8}),
        ):
            self.refused(reason, some(header=header).file())

    def test_what_is_no_qcow2(self) -> None:
        for file in (b"", b"QFI\xfb", bytes(4096), b"QFI\xfb\0\0\0\3" + bytes(70)):
            self.assertRaises(DiskRefused, content, file)

    def test_cut_files(self) -> None:
        file = some().file()
        for length in range(0, len(file), 199):
            self.assertRaises(DiskRefused, content, file[:length])

    def entry(self, value: int, at: int = 0, version: int = 3) -> bytes:
        """A file, an entry of whose table was changed."""
        made = some(version=version)
        file = bytearray(made.file())
        file[1024 + 8 * at : 1032 + 8 * at] = struct.pack(">Q", value)
        return bytes(file)

    def test_entries(self) -> None:
        self.refused("not in the file", self.entry(1 << 50))
        self.refused("not in the file", self.entry(1 << 62 | 1 << 50))
        self.refused("damaged", self.entry(1 << 60))
        self.refused("damaged", self.entry(3 << 62))
        self.refused("does not know", self.entry(1, version=2))
        self.refused("expanded", self.entry(1 << 62 | 1024))
        short = some(kind="zlib", clusters={})._pack(data(1, 100))
        self.refused("too short", self.entry(1 << 62 | 512 * 5 + 512)[: 512 * 6] + short)

    def test_one_cluster_that_stands_for_all(self) -> None:
        """Neither a cluster nor a table can be used again and again."""
        made = Made({0: data(1)}, 32 * MIB)
        file = bytearray(made.file())
        tables = 32 * MIB // 512 // 64
        l2 = 512 + tables * 8
        place = struct.unpack(">Q", file[l2 : l2 + 8])[0]
        file[l2 : l2 + tables * 512] = struct.pack(">Q", place) * (tables * 64)
        self.refused("again and again", bytes(file))
        small = bytearray(file[:l2] + bytes(1536))
        small[512:l2] = struct.pack(">Q", l2) * tables
        self.refused("again and again", bytes(small))

    def test_a_packed_cluster_that_stands_for_all(self) -> None:
        made = Made({0: bytes(64 * 1024)}, 8 * 1024 * MIB, 16, kind="zlib")
        file = bytearray(made.file())
        l2 = 2 * 65536
        entry = file[l2 : l2 + 8]
        tables = 8 * 1024 * MIB // 65536 // 8192
        file[l2 : l2 + tables * 65536] = entry * (tables * 8192)
        disk = opened(bytes(file), 16 * 1024 * MIB)
        error = self.assertRaises(DiskRefused, lambda: [*disk.extents()])
        self.assertIn("again and again", str(error))

    def test_a_bomb_in_a_cluster(self) -> None:
        """No more than a cluster is ever unpacked."""
        for kind in ("zlib", "zstd"):
            bomb = Made({0: data(1)}, 512, kind=kind)
            packed = bomb._pack(bytes(64 * MIB))
            self.assertGreater(120_000, len(packed))
            entry = 1 << 62 | 1 << 61 | 1536
            file = bytearray(bomb.file()[:1536] + packed)
            file[1024:1032] = struct.pack(">Q", entry)
            disk = opened(bytes(file))
            (extent,) = disk.extents()
            self.assertEqual(512, len(disk.load(extent, 0, 512)))


class FuzzTest(testtools.TestCase):
    SEEDS = tuple(
        some(**more).file()
        for more in ({}, {"kind": "zlib"}, {"kind": "zstd"}, {"version": 2}, {"zeros": (5,)})
    )

    @settings(deadline=None, max_examples=400, derandomize=True, database=None)
    @given(
        st.sampled_from(SEEDS),
        st.lists(
            st.tuples(
                st.one_of(st.integers(0, 120), st.integers(512, 2600), st.integers(0, 1 << 16)),
                st.sampled_from(["set", "bits", "big"]),
                st.integers(0, (1 << 64) - 1),
            ),
            max_size=6,
        ),
        st.one_of(st.just(None), st.integers(0, 8000)),
    )
    def test_whatever_comes(
        self, seed: bytes, changes: list[tuple[int, str, int]], cut: int | None
    ) -> None:
        """It is read, or refused with a reason; nothing else."""
        file = bytearray(seed[:cut])
        for at, how, value in changes:
            if not file:
                break
            at %= len(file)
            if how == "set":
                file[at] = value & 0xFF
            elif how == "bits":
                file[at] ^= 1 << value % 8
            else:
                at -= at % 8
                file[at : at + 8] = struct.pack(">Q", value)[: len(file) - at]
        try:
            disk = content(bytes(file))
        except DiskRefused as error:
            self.assertLess(len(str(error)), 400)
        else:
            self.assertLessEqual(len(disk), 64 * MIB)

    @settings(deadline=None, max_examples=200, derandomize=True, database=None)
    @given(st.binary(max_size=300))
    def test_whatever_begins_like_one(self, rest: bytes) -> None:
        file = b"QFI\xfb\0\0\0\3" + rest
        self.assertRaises(DiskRefused, content, file)


class StreamTest(testtools.TestCase):
    def disk(self, made: Made) -> DiskFile:
        fd, path = tempfile.mkstemp()
        self.addCleanup(os.unlink, path)
        file = made.file()
        os.write(fd, file)
        disk = DiskFile(fd, len(file))
        self.addCleanup(disk.close)
        return disk

    def read(self, disk: DiskFile, offset: int, size: int) -> bytes:
        stream, pieces = disk.open(offset), []
        while piece := stream.read(size):
            self.assertLessEqual(len(piece), size)
            pieces.append(piece)
        self.assertEqual(b"", stream.read(size))
        return b"".join(pieces)

    def test_from_any_byte_in_any_pieces(self) -> None:
        for kind in ("", "zlib", "zstd"):
            made = some(kind=kind, zeros=(30,))
            disk = self.disk(made)
            self.assertEqual((made.size, 2048), (disk.size, disk.data()))
            for offset in (0, 1, 511, 512, 700, 36000, made.size - 1, made.size):
                for size in (7, 512, 4096, 2 * MIB):
                    self.assertEqual(made.disk[offset:], self.read(disk, offset, size))

    def test_large_holes(self) -> None:
        cluster = 65536
        made = Made({50: data(1, cluster)}, 200 * cluster, 16)
        disk = self.disk(made)
        self.assertEqual(made.disk, self.read(disk, 0, MIB))
        self.assertIs(disk.open().read(MIB), disk.open().read(2 * MIB))

    def test_closed(self) -> None:
        disk = self.disk(some())
        stream = disk.open()
        stream.close()
        self.assertRaises(StreamBroken, stream.read, 5)
        other = disk.open()
        disk.close()
        self.assertRaises(StreamBroken, other.read, 5)

    def test_refused_before_a_byte(self) -> None:
        self.assertRaises(DiskRefused, self.disk, some(header={"crypt": 1}))
