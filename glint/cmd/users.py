"""``glint-manage user``: the file of users of a Glint without Keystone."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import sys
from collections.abc import Iterator, Mapping

from glint import exception
from glint.api.users import NAME, User, Users, hash_of

HEADER = "# Users of Glint: name:bcrypt hash:project:roles. Written by glint-manage user.\n"


class UserRefused(exception.GlintError):
    """The user cannot be written as it was given."""

    code, status, title = "manage.refused", 400, "Refused"


def put(path: str, name: str, project: str, roles: list[str]) -> bool:
    """Add a user, or change one; its password is asked for, or read from stdin.

    :returns: True: the user is new.
    """
    for one in (name, project, *roles):
        if not NAME.fullmatch(one):
            raise UserRefused(f"{one!r} is no name: letters, digits and _ . @ - are, up to 64.")
    password = _password()
    try:
        made = User(name, hash_of(password), project, tuple(dict.fromkeys(roles)))
    except ValueError as error:
        raise UserRefused(f"That password cannot be used: {error}.") from None
    with _changing(path) as users:
        new = name not in users
        users[name] = made
    return new


def remove(path: str, name: str) -> None:
    """:raises UserRefused: there is no such user."""
    with _changing(path) as users:
        if users.pop(name, None) is None:
            raise UserRefused(f"No user {name!r} is in {path}.")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != given:
        raise UserRefused("These were two passwords. Nothing was changed.")
    return given


@contextlib.contextmanager
def _changing(path: str) -> Iterator[dict[str, User]]:
    """The users, to be changed in the block and then written; one process at a time."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        users = dict(Users(path).read()) if os.path.exists(path) else {}
        yield users
        _write(path, users)
        os.fsync(folder)
    except OSError as error:
        raise UserRefused(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        os.close(folder)


def _write(path: str, users: Mapping[str, User]) -> None:
    """The whole file is there, or the old one still is."""
    part = f"{path}.part"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        if os.path.exists(path):
            # The service must be able to read what root writes.
            facts = os.stat(path)
            if os.geteuid() == 0:
                os.fchown(descriptor, facts.st_uid, facts.st_gid)
            os.fchmod(descriptor, facts.st_mode & 0o640)
        file.write(HEADER + "".join(f"{users[name].line()}\n" for name in sorted(users)))
        file.flush()
        os.fsync(descriptor)
    os.rename(part, path)
