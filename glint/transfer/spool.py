"""A folder that keeps the contents of images for a while, so that a source is not read again.

What is in it was proven when it was written: size and hash of every file are those of its name.
Nothing else is trusted: a destination proves what it holds, whatever the bytes came from.

Processes may share the folder. What is kept is one file per content, complete from the moment it
has its name (``rename``); what is being written is a ``.part`` on which its writer holds a lock.
What is kept changes only under a lock on the folder. Readers keep files open, so that removing one
harms nobody.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import logging
import os
import pathlib
import re
import stat
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence

from glint import exception
from glint.transfer.spoolfile import Content, Draft

LOG = logging.getLogger(__name__)

#: Hashes that are believed to name one content only. A site may still tell md5.
ALGORITHMS = frozenset(
    {"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"}
)

#: Bytes of the file system that are left free.
HEADROOM = 64 * 1024 * 1024

#: Seconds that anybody waits for the lock on the folder; it is held for a few renames only.
PATIENCE = 5.0

_KEPT = re.compile(
    r"(?P<key>[0-9a-f]{32}-[a-z0-9_]{1,16}-[0-9a-f]{56,128})"
    r"\.(?P<size>[0-9]{1,19})\.(?P<mtime>[0-9]{1,20})"
)
_PART = re.compile(r"[0-9a-f]{32}\.(?P<size>[0-9]{1,19})\.part")


class Unusable(exception.SiteError):
    """Nothing can be kept; copies go on without."""

    code = "transfer.spool_unusable"
    template = "The spool {folder} cannot be used: {reason}."
    remedy = (
        "The operator mends what the reason names; until then images are streamed without a spool."
    )


class _Altered(OSError):
    """Somebody else wrote to a kept file."""


@dataclasses.dataclass(frozen=True)
class _Kept:
    """A file, as its name tells: size in bytes, times in nanoseconds."""

    name: str
    key: str
    size: int
    mtime: int
    used: int


class Spool:
    """The folder. Safe for use by several threads, and processes.

    :param folder: made with mode 0700 where it is not there; its parent must be.
    :param limit: bytes that all files together may have, those being written included.
    :raises Unusable: the folder belongs to somebody else, or others can read it.
    """

    def __init__(self, folder: str, limit: int) -> None:
        self._folder = pathlib.Path(folder)
        self._limit = limit
        self._refused: set[str] = set()
        with self._guarded():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            state = self._folder.stat()
            if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
                raise OSError("it must be a folder of Glint's own user, with mode 0700")
            with self._locked():
                self._parts()

    def find(self, owner: str, digests: Mapping[str, str], size: int | None) -> Content | None:
        """A content that can be read, by any of its digests; close it after use.

        :param owner: who may read it: whoever put it in. A digest alone gives nobody a content, or
            the spool would hand an image to any project that claims to have one with its hash.
        :param digests: algorithm -> hex digest; hostile values find nothing.
        :param size: bytes that the content must have; None: any.
        """
        keys = {_key(owner, algorithm, digest) for algorithm, digest in digests.items()}
        try:
            found = [kept for kept in self._kept() if kept.key in keys]
        except OSError as error:
            LOG.warning("The spool cannot be looked at: %s", error)
            return None
        for kept in found:
            if size in (None, kept.size) and kept.name not in self._refused:
                try:
                    return Content(kept.name, kept.size, self._open(kept))
                except _Altered as error:
                    LOG.warning("%s in the spool is removed: %s", kept.name, error)
                    self.discard(kept.name)
                except OSError as error:
                    LOG.warning("%s in the spool is not used: %s", kept.name, error)
        return None

    def discard(self, name: str) -> None:
        """Never serve it again: its bytes were found to be wrong, or cannot be read."""
        self._refused.add(name)
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            LOG.error("Remove %s from the spool by hand: %s", name, error)

    def begin(self, size: int) -> Draft:
        """Room for a content of ``size`` bytes; what was not used for longest makes way for it.

        :raises Unusable: there is not so much room.
        """
        with self._guarded(), self._locked():
            self._make_room(size)
            path = self._folder / f"{uuid.uuid4().hex}.{size}.part"
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return Draft(self, fd, path, size)

    def adopt(self, part: pathlib.Path, owner: str, algorithm: str, digest: str) -> bool:
        """A written file becomes a kept one; use ``Draft.keep``.

        :returns: False where another writer was faster, or the hash does not name it safely.
        """
        key = _key(owner, algorithm, digest)
        with self._guarded(), self._locked():
            if key is None or key in {kept.key for kept in self._kept()}:
                return False
            os.utime(part, ns=(time.time_ns(), part.stat().st_mtime_ns))
            state = part.stat()
            part.rename(self._folder / f"{key}.{state.st_size}.{state.st_mtime_ns}")
            return True

    # Below here errors of the disk are OSErrors.

    def _open(self, kept: _Kept) -> int:
        """:raises _Altered: it is not what was put in."""
        fd = os.open(self._folder / kept.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            state = os.fstat(fd)
            if not stat.S_ISREG(state.st_mode) or state.st_size != kept.size:
                raise _Altered(f"it has {state.st_size} bytes now")
            if state.st_mtime_ns != kept.mtime:
                raise _Altered("it was changed since it was proven")
            os.utime(fd, ns=(time.time_ns(), kept.mtime))  # it is used now
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)  # reads ahead twice as far
        except OSError:
            os.close(fd)
            raise
        return fd

    def _make_room(self, size: int) -> None:
        kept = sorted(self._kept(), key=lambda item: item.used)
        parts = self._parts()
        held = sum(item.size for item in kept)
        disk = os.statvfs(self._folder)
        # What others have begun will fill up.
        free = disk.f_bavail * disk.f_frsize - HEADROOM - sum(size - now for size, now in parts)
        room = min(self._limit - held - sum(size for size, _now in parts), free)
        if size > room + held:
            raise OSError(f"there is no room for {size} bytes")
        for item in kept:
            if size <= room:
                return
            LOG.info("%s leaves the spool", item.name)
            (self._folder / item.name).unlink(missing_ok=True)
            room += item.size

    def _kept(self) -> Sequence[_Kept]:
        found = []
        for path in list(self._folder.iterdir()):
            match = _KEPT.fullmatch(path.name)
            if match is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                used = path.lstat().st_atime_ns
                size, mtime = int(match["size"]), int(match["mtime"])
                found.append(_Kept(path.name, match["key"], size, mtime, used))
        return found

    def _parts(self) -> Sequence[tuple[int, int]]:
        """What is being written: announced and present bytes. What nobody writes is removed."""
        found = []
        for path in list(self._folder.iterdir()):
            match = _PART.fullmatch(path.name)
            if match is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    LOG.info("%s was left in the spool by a process that died", path.name)
                    path.unlink()
                except BlockingIOError:
                    found.append((int(match["size"]), os.fstat(fd).st_size))
                finally:
                    os.close(fd)
        return found

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """The lock on the folder, among threads and processes."""
        path = self._folder / ".lock"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + PATIENCE
            while not _try_lock(fd):
                if time.monotonic() > deadline:
                    raise TimeoutError("its lock is held by another process for too long")
                time.sleep(0.01)
            yield
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unusable(folder=self._folder, reason=error) from error


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _key(owner: str, algorithm: str, digest: str) -> str | None:
    """The name under which a content is kept; None where its hash does not name it safely."""
    algorithm, digest = algorithm.lower(), digest.lower()
    if algorithm not in ALGORITHMS or not re.fullmatch(r"[0-9a-f]+", digest):
        return None
    if len(digest) != 2 * hashlib.new(algorithm).digest_size:
        return None
    return f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}-{algorithm}-{digest}"
