"""The folder in which uploads wait for their sites. It is no cache: what a row names stays.

A file belongs to the row of the image that names it, as ``store/file``; ``store`` is a random name
of the folder itself, by which every process tells whether it looks into the same one. A file that
is being written is locked by its writer until the row names it, so that nobody removes it before;
one that is neither locked nor named is what a dead process left.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import pathlib
import re
import stat
import uuid
from collections.abc import Callable, Iterator

from glint import exception

LOG = logging.getLogger(__name__)

#: Bytes of the file system that are left free.
HEADROOM = 64 * 1024 * 1024

#: Bytes after which what was written is brought to the disk and out of memory.
SYNC_EVERY = 64 * 1024 * 1024

_FILE = re.compile(r"[0-9a-f]{32}\.(?P<size>[0-9]{1,19})")
_STORE = re.compile(r"[0-9a-f]{32}")


class Draft:
    """A file being written; end it by :meth:`keep` or :meth:`drop`.

    :ivar name: what the image's row is to hold, once everything is written and synced.
    """

    def __init__(self, folder: UploadFolder, path: pathlib.Path, fd: int, announced: int) -> None:
        self.name = f"{folder.store}/{path.name}"
        self._folder = folder
        self._path = path
        self._fd = fd
        self._announced = announced
        self._written = self._synced = 0

    def write(self, chunk: bytes) -> None:
        """:raises UploadNoRoom: the folder, or the disk, is full."""
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            self._written += len(chunk)
            if self._written - self._synced >= SYNC_EVERY:
                self._to_disk()
                if self._written > self._announced:
                    self._folder.check_room(0)
        except OSError as error:
            raise exception.UploadNoRoom(reason=error.strerror or "the disk failed") from error

    def sync(self) -> None:
        """Everything is on the disk, the file's name too.

        :raises UploadNoRoom: it is not.
        """
        try:
            self._to_disk()
            os.fsync(self._fd)
            self._folder.sync()
        except OSError as error:
            raise exception.UploadNoRoom(reason=error.strerror or "the disk failed") from error

    def _to_disk(self) -> None:
        os.fdatasync(self._fd)
        # Else the page cache fills with what nobody reads soon.
        os.posix_fadvise(self._fd, 0, self._written, os.POSIX_FADV_DONTNEED)
        self._synced = self._written

    def keep(self) -> None:
        """A row names it now: it stays."""
        os.close(self._fd)

    def drop(self) -> None:
        """Nothing of it stays."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._fd)


class UploadFolder:
    """:param folder: made with mode 0700 where it is not there; its parent must be.

    :param limit: bytes that all files together may have.
    :ivar store: the folder's own name.
    :raises UploadsNotPossible: it cannot be used.
    """

    def __init__(self, folder: str, limit: int) -> None:
        self._folder = pathlib.Path(folder)
        self._limit = limit
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            state = self._folder.stat()
            if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
                raise OSError("it must be a folder of Glint's own user, with mode 0700")
            self.store = self._name()
        except OSError as error:
            raise exception.UploadsNotPossible(
                reason=f"the folder {folder} cannot be used ({error.strerror or error})"
            ) from error

    def _name(self) -> str:
        """The folder's name, given to it by whoever comes first."""
        path = self._folder / "store"
        with contextlib.suppress(FileNotFoundError):
            return self._read_name(path)
        draft = self._folder / f".store-{uuid.uuid4().hex}"
        draft.write_text(uuid.uuid4().hex, encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            LOG.debug("another process was faster")
        finally:
            draft.unlink()
        self.sync()
        return self._read_name(path)

    @staticmethod
    def _read_name(path: pathlib.Path) -> str:
        name = path.read_text(encoding="ascii").strip()
        if not _STORE.fullmatch(name):
            raise OSError(f"{path} is damaged")
        return name

    def begin(self, announced: int | None) -> Draft:
        """Room for one more.

        :param announced: bytes, None where nobody knows.
        :raises UploadNoRoom: there is not so much.
        """
        with self._locked():
            self.check_room(announced or 0)
            draft = None
            while draft is None:
                draft = self._create(announced or 0)
            return draft

    def _create(self, announced: int) -> Draft | None:
        """A new file; None where :meth:`reap` took it in the moment before it was locked."""
        path = self._folder / f"{uuid.uuid4().hex}.{announced}"
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise exception.UploadNoRoom(reason=error.strerror or "the disk failed") from error
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink == 0:
            os.close(fd)
            return None
        return Draft(self, path, fd, announced)

    def check_room(self, size: int) -> None:
        """:raises UploadNoRoom: ``size`` more bytes do not fit."""
        held = coming = 0
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):
                present, announced = path.stat().st_size, int(path.name.partition(".")[2])
                held += max(present, announced)
                coming += max(0, announced - present)
        if held + size > self._limit:
            raise exception.UploadNoRoom(
                reason=f"{held} of {self._limit} bytes of [images] upload_dir_size are taken"
            )
        disk = os.statvfs(self._folder)
        if coming + size > disk.f_bavail * disk.f_frsize - HEADROOM:
            raise exception.UploadNoRoom(reason="the file system of [images] upload_dir is full")

    def open(self, kept: str) -> tuple[int, int]:
        """A file to read: its descriptor, and its bytes.

        :raises FileNotFoundError: it is not in this folder.
        """
        path = self._path(kept)
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return fd, os.fstat(fd).st_size

    def remove(self, kept: str) -> None:
        """No row names it any more; one that is gone already counts as removed."""
        with contextlib.suppress(FileNotFoundError):
            self._path(kept).unlink()

    def reap(self, is_named: Callable[[str], bool]) -> int:
        """Remove what dead processes left; returns how many files.

        :param is_named: whether a row holds the name; asked only when nobody writes the file.
        """
        count = 0
        for path in self._files():
            with contextlib.suppress(OSError):
                fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if not is_named(f"{self.store}/{path.name}"):
                        path.unlink()
                        count += 1
                finally:
                    os.close(fd)
        if count:
            LOG.info("%d uploads that ended badly were removed", count)
        return count

    def sync(self) -> None:
        """The names of the folder are on the disk."""
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _path(self, kept: str) -> pathlib.Path:
        store, _, name = kept.partition("/")
        if store != self.store or not _FILE.fullmatch(name):
            raise FileNotFoundError(f"{kept} is not in this upload folder")
        return self._folder / name

    def _files(self) -> list[pathlib.Path]:
        return [path for path in self._folder.iterdir() if _FILE.fullmatch(path.name)]

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Two that begin at once must not both take the last room. It is held for moments only."""
        fd = os.open(
            self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
