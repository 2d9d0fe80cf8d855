"""The file with the users of a Glint that has no Keystone (``auth_strategy = http_basic``).

A line per user: ``name:bcrypt hash:project:role,role``; empty lines and lines that begin with ``#``
count for nothing. It is read again when it changes. A file that others may read or write, or that
makes no sense, lets nobody in.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import os
import re
import secrets
import stat
import threading

import bcrypt

from glint import exception

#: Bytes of the file that are accepted.
SIZE_LIMIT = 1024 * 1024

#: Bytes of a password that bcrypt looks at; longer ones are refused, not cut.
PASSWORD_LIMIT = 72

#: Rounds (as a power of two) of new hashes, and those that are accepted: fewer are guessed too
#: soon, more keep a request waiting for seconds.
COST, LEAST_COST, MOST_COST = 12, 10, 14

#: What names of users, projects and roles are made of.
NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")

# Of a random password that was thrown away. Unknown users are held against it, so that they take
# as long as known ones.
_NOBODY = "$2b$12$x2LgEdTdrQ9F4pMMAtHftOSHTKB1RfCYJtFEh4hO35TqwHMMyNPy2"


class UsersUnusable(exception.GlintError):
    """The file is missing, unsafe or broken."""

    code, status, title = "identity.users_unusable", 503, "Service Unavailable"
    template = "The file of users {path} cannot be used: {reason}."
    remedy = "The operator mends what the reason names."


@dataclasses.dataclass(frozen=True)
class User:
    """A line of the file. ``hash`` is no secret that could be used, but is not shown either."""

    name: str
    hash: str = dataclasses.field(repr=False)
    project: str
    roles: tuple[str, ...]

    def line(self) -> str:
        """As it stands in the file."""
        return ":".join((self.name, self.hash, self.project, ",".join(self.roles)))


def hash_of(password: str) -> str:
    """:raises ValueError: bcrypt cannot keep it."""
    raw = password.encode()
    if not raw or len(raw) > PASSWORD_LIMIT or b"\0" in raw:
        raise ValueError(f"a password has 1 to {PASSWORD_LIMIT} bytes")
    return bcrypt.hashpw(raw, bcrypt.gensalt(COST)).decode("ascii")


class Users:
    """Reads the file and checks passwords; threads share one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._mark: object = None
        self._users: dict[str, User] = {}
        # What was right a moment ago is not hashed slowly again: user -> a fast digest, under a
        # key that no one outside of this process has.
        self._proven: dict[User, bytes] = {}
        self._key = secrets.token_bytes(32)

    def read(self) -> dict[str, User]:
        """All users by name, as the file says now.

        :raises UsersUnusable: see the module.
        """
        with self._lock:
            try:
                with open(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
                    facts = os.fstat(file.fileno())
                    mark = (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size)
                    self._check(facts)
                    if mark != self._mark:
                        found = self._parse(file.read(SIZE_LIMIT))
                        self._users, self._mark, self._proven = found, mark, {}
            except OSError as error:
                raise self._unusable(error.strerror or "it cannot be read") from None
            return self._users

    def authenticate(self, name: str, password: bytes) -> User | None:
        """The user, if the password is right. It takes the same time for all wrong ones.

        :raises UsersUnusable: see the module.
        """
        user = self.read().get(name)
        digest = hmac.digest(self._key, password, hashlib.sha256)
        if user is not None and hmac.compare_digest(self._proven.get(user, b""), digest):
            return user
        wrong = len(password) > PASSWORD_LIMIT or b"\0" in password
        expected = user.hash if user is not None else _NOBODY
        right = bcrypt.checkpw(b"-" if wrong else password, expected.encode())
        if user is None or wrong or not right:
            return None
        with self._lock:
            if self._users.get(name) == user:
                self._proven[user] = digest
        return user

    def _check(self, facts: os.stat_result) -> None:
        if not stat.S_ISREG(facts.st_mode):
            raise self._unusable("it is no file")
        if facts.st_mode & 0o037:
            raise self._unusable(
                f"others can read or write it (mode {stat.S_IMODE(facts.st_mode):04o}). Make it"
                " 0600, or 0640 with the group of the service"
            )
        if facts.st_uid not in (0, os.geteuid()):
            raise self._unusable("it belongs neither to root nor to the user of the service")
        if facts.st_size >= SIZE_LIMIT:
            raise self._unusable(f"it has {SIZE_LIMIT} bytes or more")

    def _parse(self, raw: bytes) -> dict[str, User]:
        found: dict[str, User] = {}
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            user = _user(line.strip())
            if user is None or user.name in found:
                what = "is no user" if user is None else "names a user for the second time"
                raise self._unusable(
                    f"line {number} {what}. Write users with: glint-manage user set"
                )
            found[user.name] = user
        return found

    def _unusable(self, reason: str) -> UsersUnusable:
        return UsersUnusable(path=self.path, reason=reason)


def _user(line: str) -> User | None:
    parts = line.split(":")
    if len(parts) != 4:
        return None
    name, digest, project, roles = parts
    names = (name, project, *roles.split(","))
    cost = _HASH.fullmatch(digest)
    if cost is None or not all(NAME.fullmatch(one) for one in names):
        return None
    if not LEAST_COST <= int(cost[1]) <= MOST_COST:
        return None
    return User(name, digest, project, tuple(roles.split(",")))
