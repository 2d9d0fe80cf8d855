"""The reader of qcow2 files held against QEMU's own."""

from __future__ import annotations

import hashlib
import os
import pathlib
import random
import shutil
import subprocess

import fixtures
import testtools

from glint.exception import DiskRefused
from glint.transfer.disk import DiskFile
from tests.minicloud.testcase import some_bytes

MIB = 1024 * 1024
MOST = 64 * MIB
#: Seconds that qemu-img gets for one file.
PATIENCE = 60


def qemu_img(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One run of the program, with bounds."""
    return subprocess.run(
        ["prlimit", f"--fsize={4 * MOST}", "qemu-img", *arguments],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


class QemuCase(testtools.TestCase):
    """:ivar folder: an empty folder"""

    def setUp(self) -> None:
        super().setUp()
        if shutil.which("qemu-img") is None:
            self.skipTest("qemu-img is not installed (apt-get install qemu-utils)")
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def run_img(self, *arguments: str) -> None:
        done = qemu_img(*arguments)
        self.assertEqual(0, done.returncode, done.stderr)

    def disk(self) -> bytes:
        """Data, holes, zeros that are written, and data that can be packed."""
        text = bytes(random.Random(5).choices(b"the same words ", k=MIB))
        parts = (some_bytes(MIB // 2 + 300), bytes(3 * MIB), text, bytes(4 * MIB), some_bytes(777))
        disk = b"".join(parts)
        return disk + bytes(-len(disk) % 512)

    def made(self, name: str, *options: str) -> str:
        """A qcow2 file that QEMU made of :meth:`disk`."""
        raw = self.folder / "raw"
        raw.write_bytes(self.disk())
        self.run_img("convert", "-f", "raw", "-O", "qcow2", *options, str(raw), self.path(name))
        return self.path(name)

    @staticmethod
    def read(path: str) -> bytes:
        """The disk, as Glint reads it.

        :raises DiskRefused: it does not.
        """
        fd = os.open(path, os.O_RDONLY)
        disk = DiskFile(fd, os.fstat(fd).st_size, MOST)
        try:
            stream, pieces = disk.open(), []
            while piece := stream.read(MIB):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            disk.close()


class EqualTest(QemuCase):
    def test_files_that_qemu_makes(self) -> None:
        wanted = hashlib.sha256(self.disk()).hexdigest()
        for number, options in enumerate(
            (
                (),
                ("-o", "compat=0.10"),
                ("-c",),
                ("-c", "-o", "compression_type=zstd"),
                ("-o", "cluster_size=512"),
                ("-c", "-o", "cluster_size=4k"),
                ("-c", "-o", "cluster_size=2M,compression_type=zstd"),
                ("-o", "lazy_refcounts=on,refcount_bits=1"),
                ("-o", "preallocation=metadata"),
                ("-S", "0"),
            )
        ):
            path = self.made(str(number), *options)
            self.assertEqual(wanted, hashlib.sha256(self.read(path)).hexdigest(), str(options))

    def test_what_guests_wrote(self) -> None:
        """Zeros over data, a snapshot inside, a disk that grew."""
        path = self.made("used")
        self.run_img("snapshot", "-c", "before", path)
        for command in ("write -P 7 1M 300k", "write -z 6M 1M", "write -z -u 64k 64k"):
            done = subprocess.run(
                ["qemu-io", "-f", "qcow2", "-c", command, path],
                capture_output=True, text=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
            self.assertEqual(0, done.returncode, done.stderr)
        self.run_img("resize", "-f", "qcow2", path, "+5M")
        self.assertEqual(self.by_qemu(path), self.read(path))

    def by_qemu(self, path: str) -> bytes:
        out = self.folder / "out"
        self.run_img("convert", "-f", "qcow2", "-O", "raw", path, str(out))
        return out.read_bytes()

    def test_what_is_refused(self) -> None:
        base = self.made("base")
        self.run_img("create", "-f", "qcow2", "-b", base, "-F", "qcow2", self.path("child"))
        data = ("-o", f"data_file={self.path('data')}")
        self.run_img("create", "-f", "qcow2", *data, self.path("apart"), "8M")
        self.run_img("create", "-f", "qcow2", "-o", "extended_l2=on", self.path("sub"), "8M")
        secret = ("--object", "secret,id=s,data=secret")
        locked = ("-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10")
        self.run_img("create", "-f", "qcow2", *secret, *locked, self.path("locked"), "8M")
        self.run_img("create", "-f", "qcow2", self.path("huge"), "65M")
        for name, reason in (
            ("child", "backing file"),
            ("apart", "another file"),
            ("sub", "subclusters"),
            ("locked", "encrypted"),
            ("huge", "are the most"),
            ("raw", "does not begin"),
        ):
            error = self.assertRaises(DiskRefused, self.read, self.path(name))
            self.assertIn(reason, str(error))


class MutantTest(QemuCase):
    """Files with some bytes changed: where both read one, they read the same."""

    count = int(os.environ.get("OS_TEST_QCOW2_MUTANTS", "90"))

    def mutant(self, source: bytes, dice: random.Random) -> bytes:
        file = bytearray(source)
        # Header, list of tables, first table and the begin of the data.
        places = ((0, 112), (0x30000, 0x30010), (0x40000, 0x40400), (0, len(file)))
        for _ in range(dice.randint(1, 4)):
            begin, end = dice.choice(places)
            at = dice.randrange(begin, min(end, len(file)))
            file[at] = dice.choice((0, 1, 0x80, 0xFF, dice.randrange(256)))
        if dice.random() < 0.1:
            del file[dice.randrange(len(file)) :]
        return bytes(file)

    def test_mutants(self) -> None:
        seeds = [
            pathlib.Path(self.made(str(number), *options)).read_bytes()
            for number, options in enumerate(((), ("-c",), ("-c", "-o", "compression_type=zstd")))
        ]
        dice = random.Random(7)
        both = 0
        path, out = self.folder / "mutant", self.folder / "out"
        for number in range(self.count):
            path.write_bytes(self.mutant(seeds[number % len(seeds)], dice))
            try:
                mine = self.read(str(path))
            except DiskRefused:
                continue
            out.unlink(missing_ok=True)
            # Only what reaches for no other file comes so far.
            done = qemu_img("convert", "-f", "qcow2", "-O", "raw", str(path), str(out))
            if done.returncode == 0:
                both += 1
                self.assertEqual(mine, out.read_bytes(), f"mutant {number}")
        self.assertGreater(both, self.count // 10)
