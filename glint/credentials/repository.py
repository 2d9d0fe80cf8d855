"""A folder of Fernet keys, laid out as Keystone's key repositories are.

Files are named by numbers. ``0`` is the staged key: the next rotation makes it the primary one, so
it can be brought to all hosts before anything is encrypted with it. The highest number is the
primary key, with which is encrypted; all keys decrypt.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import threading
import time
from collections.abc import Iterator

from cryptography import fernet

from glint.credentials import errors

Keys = dict[int, bytes]
Marks = tuple[tuple[int, int, int, int], ...]

STAGED = 0
#: Seconds to wait for another process that works on the folder.
LOCK_TIMEOUT = 30.0
_PART = ".part"
_NUMBER = re.compile("0|[1-9][0-9]{0,8}")


class Repository:
    """Reads and changes one key folder; holds no keys itself.

    :param max_active_keys: keys that :meth:`purge` keeps, the staged one included. With 3 the key
        before the primary one survives one rotation, for hosts that still encrypt with it.
    """

    def __init__(self, path: str, *, max_active_keys: int = 3) -> None:
        if max_active_keys < 2:
            raise ValueError("a staged and a primary key are needed at least")
        self.path = path
        self.max_active_keys = max_active_keys

    # Reading.

    def marks(self) -> Marks:
        """Number, inode, time and size of each key: they differ after every change of the folder.

        :raises KeysUnusable: the folder is missing, has no key, or others can read it.
        """
        self._check_folder()
        found: dict[int, os.stat_result] = {}
        with self._translated(), os.scandir(self.path) as entries:
            for entry in entries:
                # A rotation in another process may remove a file in this moment.
                with contextlib.suppress(FileNotFoundError):
                    if _NUMBER.fullmatch(entry.name):
                        found[int(entry.name)] = entry.stat()
        if max(found, default=STAGED) == STAGED:
            raise self._unusable("it holds no primary key", "Run: glint-manage credential setup")
        for number, status in found.items():
            self._check_private(self._name(number), status, "600")
        return tuple((n, s.st_ino, s.st_mtime_ns, s.st_size) for n, s in sorted(found.items()))

    def read(self) -> Keys:
        """All keys by number.

        :raises KeysUnusable: also where a file cannot be read or holds no key.
        """
        keys: Keys = {}
        for number, *_ in self.marks():
            with contextlib.suppress(FileNotFoundError):  # removed by a rotation meanwhile
                keys[number] = self._read_key(number)
        return keys

    def _read_key(self, number: int) -> bytes:
        name = self._name(number)
        try:
            with open(name, "rb") as file:
                key = file.read(1024).strip()
            fernet.Fernet(key)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unusable(
                f"{name}: {error.strerror}",
                "Run the command as the user that the folder belongs to, or give it to that user",
            ) from None
        except ValueError:
            raise self._unusable(
                f"{name} does not hold a Fernet key", "Bring the file back from your copy"
            ) from None
        return key

    def _check_folder(self) -> None:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            raise self._unusable(
                "the folder does not exist", "Run: glint-manage credential setup"
            ) from None
        except OSError as error:
            raise self._unusable(str(error.strerror)) from None
        if not stat.S_ISDIR(status.st_mode):
            raise self._unusable("it is not a folder", "Set [credentials] key_repository")
        self._check_private(self.path, status, "700")

    def _check_private(self, name: str, status: os.stat_result, wanted: str) -> None:
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise self._unusable(
                f"{name} is open to other users than its owner (mode {mode:04o})",
                f"Run: chmod {wanted} {name}, and rotate the keys if others may have read them",
            )

    def _unusable(self, reason: str, cure: str = "Look at the folder") -> errors.KeysUnusable:
        return errors.KeysUnusable(path=self.path, reason=reason, cure=cure)

    # Changing.

    def setup(self, *, owner: tuple[int, int] | None = None) -> bool:
        """Make the folder, a primary key and a staged one.

        :returns: False where keys are there already.
        """
        with self._translated(), contextlib.suppress(FileExistsError):
            os.makedirs(self.path, mode=0o700)
            os.chmod(self.path, 0o700)
        with self._locked():
            if any(_NUMBER.fullmatch(name) for name in os.listdir(self.path)):
                self.marks()
                return False
            if owner is not None:
                with self._translated():
                    os.chown(self.path, *owner)
            # The staged key last: a folder without it is one that a crash left unfinished.
            self._write(1)
            self._write(STAGED)
        return True

    def rotate(self) -> int:
        """Promote the staged key and stage a new one; nothing is removed.

        A rotation that a crash interrupted is finished, and no other begun: its primary key is new.

        :returns: number of the primary key.
        """
        with self._locked():
            keys = self.read()
            primary = max(keys)
            staged = keys.get(STAGED)
            if staged is not None and staged != keys[primary]:
                primary += 1
                with self._translated():
                    # A link and not a rename: at every moment all keys are in the folder.
                    os.link(self._name(STAGED), self._name(primary))
            self._write(STAGED)
            return primary

    def purge(self) -> list[int]:
        """Remove the oldest keys beyond ``max_active_keys``; returns their numbers."""
        with self._locked():
            numbers = sorted(number for number, *_ in self.marks() if number != STAGED)
            excess = numbers[: max(0, len(numbers) - (self.max_active_keys - 1))]
            with self._translated():
                for number in excess:
                    os.unlink(self._name(number))
                self._sync_folder()
            return excess

    def _name(self, number: int) -> str:
        return os.path.join(self.path, str(number))

    def _write(self, number: int) -> None:
        """Make a new key; it is there whole or not at all, also after a power cut."""
        part = os.path.join(self.path, _PART)
        with self._translated():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "wb") as file:
                if os.geteuid() == 0:
                    # root rotates for the service: the service must be able to read the key.
                    folder = os.stat(self.path)
                    os.fchown(descriptor, folder.st_uid, folder.st_gid)
                file.write(fernet.Fernet.generate_key())
                file.flush()
                os.fsync(descriptor)
            os.rename(part, self._name(number))
            self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process (or thread) at a time changes the folder."""
        self._check_folder()
        with self._translated():
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + LOCK_TIMEOUT
        pause = threading.Event()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._unusable(
                        f"another process holds the folder for more than {LOCK_TIMEOUT:.0f} s",
                        "Wait for it to end and try again",
                    ) from None
                pause.wait(0.02)
            else:
                return

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(
                f"{error.filename or self.path}: {error.strerror}",
                "Run the command as the user that the folder belongs to",
            ) from None
