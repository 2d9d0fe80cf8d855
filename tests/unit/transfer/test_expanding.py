"""Archives: whole, cut, broken, and made to burst."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tracemalloc
from collections.abc import Callable

import testtools
import zstandard

from glint import exception
from glint.transfer.expanding import FREE, LOOK, Expander, kind_of

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def expander(archive: bytes, ratio: int = 200) -> Expander:
    kind = kind_of(archive[:LOOK])
    assert kind is not None
    return Expander(io.BytesIO(archive).read, kind, ratio)


def expanded(one: Expander) -> bytes:
    return b"".join(iter(lambda: one.read(70000), b""))


class ExpanderTest(testtools.TestCase):
    data = os.urandom(300_000) + bytes(500_000) + b"end"

    def test_kinds(self) -> None:
        for kind, pack in PACK.items():
            self.assertEqual(kind, kind_of(pack(b"x")[:LOOK]))
        for begin in (b"", b"\x1f", b"QFI\xfb", b"PK\x03\x04", b"\0" * LOOK):
            self.assertIsNone(kind_of(begin))

    def test_whole(self) -> None:
        for kind, pack in PACK.items():
            self.assertEqual(self.data, expanded(expander(pack(self.data))), kind)

    def test_several_in_a_row(self) -> None:
        for kind, pack in PACK.items():
            archive = pack(self.data[:400_000]) + pack(self.data[400_000:])
            self.assertEqual(self.data, expanded(expander(archive)), kind)

    def test_cut(self) -> None:
        for kind, pack in PACK.items():
            archive = pack(self.data)
            for end in (LOOK + 3, len(archive) // 2, len(archive) - 1):
                error = self.assertRaises(
                    exception.ArchiveBroken, expanded, expander(archive[:end])
                )
                self.assertIn(kind, str(error))

    def test_altered(self) -> None:
        for pack in (gzip.compress, bz2.compress, lzma.compress):
            archive = bytearray(pack(self.data))
            archive[len(archive) // 2] ^= 0xFF
            archive[len(archive) // 2 + 1] ^= 0xFF
            self.assertRaises(exception.ArchiveBroken, expanded, expander(bytes(archive)))

    def test_bombs_are_refused_in_bounded_memory(self) -> None:
        empty = bytes(FREE + 8 * 1024 * 1024)
        for kind, pack in PACK.items():
            archive = pack(empty)
            self.assertLess(len(archive), len(empty) // 200, kind)
            one = expander(archive)
            tracemalloc.start()
            try:
                error = self.assertRaises(exception.ArchiveBomb, self.drain, one)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            self.assertIn("200 times", str(error))
            self.assertLess(peak, 48 * 1024 * 1024, kind)

    @staticmethod
    def drain(one: Expander) -> None:
        while one.read(1024 * 1024):
            pass

    def test_what_breaks_below_is_told_as_it_is(self) -> None:
        for kind in PACK:

            def read(_size: int) -> bytes:
                raise exception.SourceFailed(reason="it is away")

            one = Expander(read, kind, 200)
            self.assertRaises(exception.SourceFailed, one.read, 10)
