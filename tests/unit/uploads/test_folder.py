"""The upload folder: room, locks, and what dead processes leave."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import fixtures
import testtools

from glint import exception
from glint.uploads import UploadFolder

MIB = 1024 * 1024

#: Begins a file, writes to it, tells its name and dies without a word.
_DIES = """
import os, signal, sys
from glint.uploads import UploadFolder
draft = UploadFolder(sys.argv[1], 1 << 30).begin(None)
draft.write(b"half")
draft.sync()
print(draft.name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class FolderTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "uploads")
        self.folder = self.open()

    def open(self, limit: int = 10 * MIB) -> UploadFolder:
        return UploadFolder(str(self.path), limit)

    def files(self) -> list[str]:
        return sorted(p.name for p in self.path.iterdir() if p.name not in ("store", ".lock"))

    def kept(self, data: bytes) -> str:
        draft = self.folder.begin(len(data))
        draft.write(data)
        draft.sync()
        draft.keep()
        return draft.name

    def test_what_is_kept_can_be_read(self) -> None:
        name = self.kept(b"content")
        fd, size = self.open().open(name)
        with open(fd, "rb") as file:
            self.assertEqual((b"content", 7), (file.read(), size))
        self.assertEqual(0o700, self.path.stat().st_mode & 0o777)
        self.assertEqual(0o600, (self.path / name.partition("/")[2]).stat().st_mode & 0o777)
        self.folder.remove(name)
        self.folder.remove(name)
        self.assertRaises(FileNotFoundError, self.folder.open, name)

    def test_every_process_gives_it_the_same_name(self) -> None:
        self.assertEqual(self.folder.store, self.open().store)
        elsewhere = UploadFolder(str(self.path.parent / "other"), MIB)
        self.assertNotEqual(self.folder.store, elsewhere.store)
        self.assertRaises(FileNotFoundError, elsewhere.open, self.kept(b"x"))

    def test_hostile_names(self) -> None:
        store = self.folder.store
        (self.path.parent / "secret.1").write_text("x")
        for name in ("", "x", f"{store}/", f"{store}/../secret.1", f"{store}/store", "../secret.1"):
            self.assertRaises(FileNotFoundError, self.folder.open, name)

    def test_room(self) -> None:
        first = self.folder.begin(6 * MIB)
        self.assertRaises(exception.UploadNoRoom, self.folder.begin, 5 * MIB)
        second = self.folder.begin(4 * MIB)
        first.drop()
        third = self.folder.begin(6 * MIB)
        for draft in (second, third):
            draft.drop()
        self.assertEqual([], self.files())

    def test_more_than_was_announced(self) -> None:
        folder = UploadFolder(str(self.path), 70 * MIB)
        draft = folder.begin(None)
        piece = os.urandom(MIB)

        def write() -> None:
            for _ in range(130):
                draft.write(piece)

        self.assertRaises(exception.UploadNoRoom, write)
        draft.drop()
        self.assertEqual([], self.files())

    def test_only_what_is_neither_locked_nor_named_is_removed(self) -> None:
        named, other = self.kept(b"named"), self.kept(b"not named")
        busy = self.folder.begin(None)
        self.assertEqual(1, self.open().reap(lambda name: name == named))
        left = {named.partition("/")[2], busy.name.partition("/")[2]}
        self.assertEqual(left, set(self.files()))
        self.assertNotIn(other.partition("/")[2], left)
        busy.drop()

    def test_a_process_that_was_killed(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _DIES, str(self.path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.assertEqual(-9, done.returncode, done.stderr)
        self.assertEqual([done.stdout.strip().partition("/")[2]], self.files())
        self.assertEqual(1, self.folder.reap(lambda name: False))
        self.assertEqual([], self.files())

    def test_a_folder_that_others_can_read_is_not_used(self) -> None:
        self.path.chmod(0o750)
        self.assertRaises(exception.UploadsNotPossible, self.open)
        self.assertRaises(exception.UploadsNotPossible, UploadFolder, "/proc/nothing", MIB)
