"""Encryption of secrets with rotatable keys (Fernet: AES-128-CBC with HMAC-SHA256)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import fernet

from glint.credentials import errors
from glint.credentials.repository import Keys, Repository
from glint.credentials.secrets import SecretDict


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """Ciphers of one state of the folder; ``marks`` tells whether the folder is still like that."""

    marks: object
    primary: fernet.Fernet
    all: fernet.MultiFernet


class Keyring:
    """Encrypts and decrypts with the keys of one folder; safe for use by several threads.

    The folder is looked at before each use, so a running process follows a rotation at once: what
    was read is kept until names, inodes or times of the key files change.

    :param path: the key folder, ``[credentials] key_repository``.
    :param max_active_keys: keys that a rotation keeps, the staged one included; see
        :class:`glint.credentials.repository.Repository`.

    Every method raises :class:`~glint.credentials.errors.KeysUnusable` where the folder is missing,
    readable by others or broken.
    """

    def __init__(self, path: str, *, max_active_keys: int = 3) -> None:
        self._repository = Repository(path, max_active_keys=max_active_keys)
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def path(self) -> str:
        return self._repository.path

    def __repr__(self) -> str:
        return f"Keyring({self.path!r})"

    def setup(self, *, owner: tuple[int, int] | None = None) -> bool:
        """Make the folder with a primary and a staged key.

        :param owner: user id and group id that the folder shall belong to (needs root).
        :returns: False where keys were there already; they are left alone.
        """
        return self._repository.setup(owner=owner)

    def rotate(self, *, purge: bool = True) -> int:
        """Promote the staged key to be the primary one and stage a new one.

        :param purge: remove keys beyond ``max_active_keys``. A secret that was made with a removed
            key is lost, so re-encrypt all rows first: rotate without, re-encrypt, :meth:`purge`.
        :returns: number of the primary key.
        """
        primary = self._repository.rotate()
        if purge:
            self._repository.purge()
        return primary

    def purge(self) -> list[int]:
        """Remove the oldest keys beyond ``max_active_keys``; returns their numbers."""
        return self._repository.purge()

    def check(self) -> None:
        """Raise what :meth:`encrypt` would, without encrypting: for the start of a process."""
        self._current()

    def encrypt(self, secret: Mapping[str, Any]) -> bytes:
        """:param secret: anything that JSON can hold; its size grows by about a half."""
        clear = json.dumps(dict(secret), separators=(",", ":")).encode()
        return self._current().primary.encrypt(clear)

    def decrypt(self, token: bytes) -> SecretDict:
        """:raises SecretUnreadable: none of the keys fits, or the ciphertext was altered."""
        clear = self._attempt(lambda loaded: loaded.all.decrypt(token))
        try:
            value = json.loads(clear)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise errors.SecretUnreadable(path=self.path)
        return SecretDict(value)

    def needs_rotation(self, token: bytes) -> bool:
        """Whether another key than the primary one made ``token``.

        :raises SecretUnreadable: no key made it.
        """
        loaded = self._current()
        try:
            loaded.primary.decrypt(token)
        except fernet.InvalidToken:
            self._attempt(lambda again: again.all.decrypt(token))
            return True
        return False

    def reencrypt(self, token: bytes) -> bytes:
        """The same secret under the primary key; the time in the token stays.

        :raises SecretUnreadable: no key made it.
        """
        return self._attempt(lambda loaded: loaded.all.rotate(token))

    def _attempt(self, use: Callable[[_Loaded], bytes]) -> bytes:
        for fresh in (False, True):
            # Before a secret counts as unreadable, the files are read whatever their marks say.
            loaded = self._current(fresh=fresh)
            with contextlib.suppress(fernet.InvalidToken):
                return use(loaded)
        raise errors.SecretUnreadable(path=self.path)

    def _current(self, *, fresh: bool = False) -> _Loaded:
        with self._lock:
            marks = self._repository.marks()
            if fresh or self._loaded is None or self._loaded.marks != marks:
                self._loaded = _ciphers(marks, self._repository.read())
            return self._loaded


def _ciphers(marks: object, keys: Keys) -> _Loaded:
    ordered = [fernet.Fernet(keys[number]) for number in sorted(keys, reverse=True)]
    return _Loaded(marks=marks, primary=ordered[0], all=fernet.MultiFernet(ordered))
