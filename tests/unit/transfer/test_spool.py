"""The spool hands out nothing but what was proven, and never grows over its bounds."""

from __future__ import annotations

import errno
import hashlib
import os
import pathlib
from unittest import mock

import fixtures
import testtools

from glint import exception
from glint.transfer import Sink, Spool, fan_out, spool
from glint.transfer.spoolfile import Content, Draft
from tests.unit.transfer import fakes

OWNER = "project"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class SpoolCase(fakes.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "spool")
        self.spool = Spool(str(self.folder), 1000)

    def files(self) -> list[str]:
        return sorted(p.name for p in self.folder.iterdir() if p.name != ".lock")

    def draft(self, data: bytes, home: Spool | None = None) -> Draft:
        """Written whole, and not yet kept."""
        draft = (home or self.spool).begin(len(data))
        draft.put([data])
        return draft

    def keep(self, data: bytes, owner: str = OWNER) -> bool:
        return self.draft(data).keep(owner, "sha256", sha(data))

    def find(self, data: bytes, owner: str = OWNER, home: Spool | None = None) -> Content | None:
        found = (home or self.spool).find(owner, {"sha256": sha(data)}, len(data))
        if found is not None:
            self.addCleanup(found.close)
        return found

    def read(self, data: bytes) -> bytes | None:
        found = self.find(data)
        return found.open().read(2**20) if found is not None else None


class TestKeeping(SpoolCase):
    def test_what_was_put_in_comes_out(self) -> None:
        data = fakes.content(500)
        self.assertTrue(self.keep(data))
        content = self.find(data)
        assert content is not None
        stream = content.open(100)
        self.assertEqual((500, 100), (stream.size, stream.offset))
        self.assertEqual(data[100:300], stream.read(200))
        self.assertEqual(data[300:], stream.read(10**6))
        self.assertEqual(b"", stream.read(10))
        stream.close()
        stream.close()
        with testtools.ExpectedException(exception.StreamBroken):
            stream.read(1)

    def test_it_outlives_its_process(self) -> None:
        self.keep(b"abc")
        self.assertIsNotNone(self.find(b"abc", home=Spool(str(self.folder), 1000)))

    def test_only_its_owner_finds_it(self) -> None:
        self.keep(b"secret")
        self.assertIsNone(self.find(b"secret", owner="another"))

    def test_size_and_hash_both_name_it(self) -> None:
        self.keep(b"abc")
        digests = {"sha256": sha(b"abc")}
        self.assertIsNone(self.spool.find(OWNER, digests, 4))
        self.assertIsNone(self.spool.find(OWNER, {"sha256": sha(b"abd")}, 3))
        self.assertIsNone(self.spool.find(OWNER, {}, 3))
        other = {"sha512": "0" * 128, "sha256": sha(b"abc").upper()}
        for size in (3, None):
            found = self.spool.find(OWNER, other, size)
            assert found is not None
            found.close()

    def test_folder_and_files_are_for_nobody_else(self) -> None:
        self.draft(b"abc")
        self.keep(b"abcd")
        self.assertEqual(0o700, self.folder.stat().st_mode & 0o777)
        for path in self.folder.iterdir():
            self.assertEqual(0o600, path.stat().st_mode & 0o777, path.name)

    def test_a_folder_that_others_can_read_is_refused(self) -> None:
        self.folder.chmod(0o750)
        with testtools.ExpectedException(spool.Unusable, ".*mode 0700.*"):
            Spool(str(self.folder), 1000)

    def test_a_folder_that_cannot_be_made_is_refused(self) -> None:
        with testtools.ExpectedException(spool.Unusable):
            Spool(str(self.folder / "not" / "there"), 1000)

    def test_a_content_without_bytes(self) -> None:
        self.keep(b"")
        self.assertEqual(b"", self.read(b""))

    def test_a_reader_keeps_what_is_removed(self) -> None:
        data = fakes.content(500)
        self.keep(data)
        content = self.find(data)
        assert content is not None
        stream = content.open()
        self.spool.discard(content.name)
        self.assertEqual([], self.files())
        self.assertEqual(data, stream.read(1000))
        self.assertEqual(data[50:], content.open(50).read(1000))
        content.close()
        with testtools.ExpectedException(exception.StreamBroken):
            content.open()


class TestHostileNames(SpoolCase):
    HOSTILE = [
        ("sha256", "../../etc/passwd"),
        ("sha256", "../" * 20 + "0" * 4),
        ("../../sha256", sha(b"x")),
        ("sha256", sha(b"x")[:-1]),
        ("sha256", sha(b"x") + "00"),
        ("sha256", sha(b"x")[:-1] + "\n"),
        ("sha256", sha(b"x")[:-1] + "/"),
        ("sha256", "\u0660" * 64),
        ("sha256", "0" * 10**6),
        ("sha256", ""),
        ("", sha(b"x")),
        ("md5", hashlib.md5(b"x").hexdigest()),  # noqa: S324 - must not be good enough
        ("sha1", hashlib.sha1(b"x").hexdigest()),  # noqa: S324
        ("shake_128", "00" * 32),
        ("sha256\x00", sha(b"x")),
    ]

    def test_they_find_nothing_and_are_not_kept(self) -> None:
        for algorithm, digest in self.HOSTILE:
            with self.subTest(algorithm=algorithm, digest=digest[:80]):
                self.assertIsNone(self.spool.find(OWNER, {algorithm: digest}, None))
                self.assertFalse(self.draft(b"x").keep(OWNER, algorithm, digest))
                self.assertEqual([], self.files())
        self.assertEqual(["spool"], [p.name for p in self.folder.parent.iterdir()])

    def test_owners_become_no_paths(self) -> None:
        for owner in ("../up", "a/b", "\x00", "", "…" * 300):
            with self.subTest(owner=owner[:10]):
                self.keep(owner.encode(), owner=owner)
                self.assertIsNotNone(self.find(owner.encode(), owner=owner))
        self.assertEqual(["spool"], [p.name for p in self.folder.parent.iterdir()])

    def test_links_are_not_followed(self) -> None:
        self.keep(b"abc")
        (name,) = self.files()
        path = self.folder / name
        state = path.stat()
        elsewhere = self.folder.parent / "elsewhere"
        elsewhere.write_bytes(b"xyz")
        os.utime(elsewhere, ns=(state.st_atime_ns, state.st_mtime_ns))
        path.unlink()
        path.symlink_to(elsewhere)
        self.assertIsNone(self.find(b"abc"))

    def test_what_is_not_its_own_stays(self) -> None:
        for name in ("notes.txt", "x.part", "sha256-" + sha(b"x")):
            (self.folder / name).write_bytes(b"z" * 5000)
        Spool(str(self.folder), 10)
        self.keep(b"x" * 900)
        self.assertEqual(4, len(self.files()))


class TestDamage(SpoolCase):
    def setUp(self) -> None:
        super().setUp()
        self.data = fakes.content(500)
        self.keep(self.data)
        self.path = self.folder / self.files()[0]

    def test_a_file_that_was_written_to_is_not_used(self) -> None:
        self.path.write_bytes(fakes.altered(self.data))
        self.assertIsNone(self.find(self.data))
        self.assertEqual([], self.files())

    def test_nor_one_of_another_length(self) -> None:
        kept = self.path.stat().st_mtime_ns
        with self.path.open("ab") as file:
            file.write(b"x")
        os.utime(self.path, ns=(kept, kept))
        self.assertIsNone(self.find(self.data))

    def test_it_can_be_kept_anew(self) -> None:
        self.path.write_bytes(b"short")
        self.assertIsNone(self.find(self.data))
        self.assertTrue(self.keep(self.data))
        self.assertEqual(self.data, self.read(self.data))

    def test_one_found_damaged_by_others_is_never_served_again(self) -> None:
        content = self.find(self.data)
        assert content is not None
        with mock.patch.object(pathlib.Path, "unlink", side_effect=OSError(errno.EPERM, "no")):
            self.spool.discard(content.name)
        self.assertTrue(self.path.exists())
        self.assertIsNone(self.find(self.data))

    def test_a_file_that_shrinks_under_its_reader(self) -> None:
        content = self.find(self.data)
        assert content is not None
        stream = content.open()
        os.truncate(self.path, 100)
        self.assertEqual(self.data[:100], stream.read(1000))
        with testtools.ExpectedException(exception.StreamBroken, ".*from the spool.*too short.*"):
            stream.read(1000)

    def test_a_folder_that_is_gone_finds_nothing(self) -> None:
        self.folder.rename(self.folder.parent / "away")
        self.assertIsNone(self.find(self.data))
        with testtools.ExpectedException(spool.Unusable):
            self.spool.begin(1)


class TestBounds(SpoolCase):
    def test_what_was_not_used_for_longest_goes_first(self) -> None:
        contents = [bytes([number]) * 300 for number in range(4)]
        for data in contents[:3]:
            self.keep(data)
        self.assertEqual(contents[0], self.read(contents[0]))  # used again
        self.keep(contents[3])
        there = [self.find(data) is not None for data in contents]
        self.assertEqual([True, False, True, True], there)

    def test_it_never_holds_more_than_it_may(self) -> None:
        for number in range(20):
            self.keep(bytes([number]) * (100 + 37 * number % 400))
            self.assertLessEqual(sum(p.stat().st_size for p in self.folder.iterdir()), 1000)
        self.assertIsNotNone(self.files())

    def test_what_is_being_written_counts_whole_from_the_beginning(self) -> None:
        self.keep(b"old" * 100)
        draft = self.spool.begin(800)
        self.addCleanup(draft.drop)
        self.assertIsNone(self.find(b"old" * 100))
        with testtools.ExpectedException(spool.Unusable, ".*no room for 201 bytes.*"):
            self.spool.begin(201)
        draft.drop()
        self.spool.begin(1000).drop()

    def test_what_can_never_fit_evicts_nobody(self) -> None:
        self.keep(b"old")
        with testtools.ExpectedException(spool.Unusable):
            self.spool.begin(1001)
        self.assertIsNotNone(self.find(b"old"))

    def test_the_disk_is_left_some_room(self) -> None:
        self.keep(b"a" * 300)
        self.keep(b"b" * 300)
        real = os.statvfs(self.folder)

        def disk(free: int) -> mock.Mock:
            values = {"f_bavail": free, "f_frsize": 1}
            return mock.Mock(wraps=real, **values)

        with mock.patch.object(os, "statvfs", return_value=disk(spool.HEADROOM - 301)):
            with testtools.ExpectedException(spool.Unusable):
                self.spool.begin(300)  # though both were removed
            self.assertEqual(2, len(self.files()))
            self.spool.begin(200).drop()
        self.assertEqual(0, len(self.files()))
        with mock.patch.object(os, "statvfs", return_value=disk(spool.HEADROOM + 300)):
            begun = self.spool.begin(200)
            self.addCleanup(begun.drop)
            with testtools.ExpectedException(spool.Unusable):
                self.spool.begin(101)  # the other's bytes are still to come
            self.spool.begin(100).drop()

    def test_a_full_disk_costs_the_file_and_nothing_else(self) -> None:
        data = fakes.content(900)
        site = fakes.Site()
        draft = self.spool.begin(len(data))
        real = os.write

        def write(fd: int, piece: memoryview) -> int:
            if draft._file._fd == fd and os.fstat(fd).st_size >= 500:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(fd, piece)

        with mock.patch.object(os, "write", write):
            result = fan_out(
                fakes.Opener(data),
                len(data),
                [site.sink(), Sink(draft.put, helps=lambda _error: True)],
                chunk=100,
            )
        self.assertEqual([True, False], [sink.finished for sink in result.sinks])
        self.assertIn("No space left", str(result.sinks[1].error))
        self.assertEqual(data, bytes(site.got))
        self.assertTrue(result.complete)
        self.assertEqual([], self.files())
        self.assertFalse(draft.keep(OWNER, "sha256", sha(data)))
        self.assertEqual([], self.files())
