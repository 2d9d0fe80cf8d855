"""Brings all stored secrets under the newest key, while the service runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from glint.credentials import Keyring, errors
from glint.db import credentials as db_credentials
from glint.db.api import Database

BATCH = 100
#: A row that somebody writes in the same moment is met again in the next round.
ROUNDS = 5


@dataclasses.dataclass
class Count:
    """Stored secrets under the primary key, under older ones, and the ids of unreadable ones."""

    current: int = 0
    older: int = 0
    unreadable: list[str] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        return self.current + self.older + len(self.unreadable)


def count(db: Database, keyring: Keyring) -> Count:
    """Look at all secrets; nothing is changed."""
    keyring.check()  # also where no secret is stored yet
    seen = Count()
    for ident, token in _all(db):
        try:
            if keyring.needs_rotation(token):
                seen.older += 1
            else:
                seen.current += 1
        except errors.SecretUnreadable:
            seen.unreadable.append(ident)
    return seen


def reencrypt(db: Database, keyring: Keyring) -> Count:
    """Encrypt with the primary key what was encrypted with another one.

    A row that changes meanwhile is left to whoever changed it and looked at again.

    :returns: how all secrets are afterwards.
    """
    for _ in range(ROUNDS):
        for ident, token in _all(db):
            try:
                if keyring.needs_rotation(token):
                    db_credentials.swap_secret(db, ident, token, keyring.reencrypt(token))
            except errors.SecretUnreadable:
                continue  # counted below
        after = count(db, keyring)
        if after.older == 0:
            break
    return after


def _all(db: Database) -> Iterator[tuple[str, bytes]]:
    after = None
    while batch := db_credentials.all_secrets(db, after=after, limit=BATCH):
        yield from batch
        after = batch[-1][0]
