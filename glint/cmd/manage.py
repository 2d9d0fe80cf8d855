"""``glint-manage``: what an operator does with the database and the keys."""

from __future__ import annotations

import argparse
import datetime
import grp
import pwd
import sys
from collections.abc import Callable, Sequence

from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_db import options as db_options
from oslo_log import log
from sqlalchemy import exc as sa_exc

from glint import exception
from glint.api.users import Users
from glint.cmd import reencryption, users
from glint.conf import register_opts
from glint.credentials import Keyring, masking
from glint.db import conductors, history, migration
from glint.db.api import Database

#: Does what the command says; returns the exit code.
Command = Callable[[cfg.ConfigOpts], int]

#: A conductor that was not seen for so many seconds is shown as silent.
SILENT_AFTER = 60

EPILOGS = {
    "sync": """
Makes the tables, or brings them up to date. Run it once after the installation and after each
upgrade, before the services start. Make a copy of the database first: there is no way back but the
copy. Several hosts may run it at once; one of them does the work.
""",
    "setup": """
Makes the key folder ([credentials] key_repository) with a first and a staged key. Run it once, as
the user that the services run as, or as root with --owner. Then bring the folder to all hosts, and
keep a copy of it apart from the database's copies: without the keys all stored credentials are
lost, and with keys and database together they are readable.
""",
    "rotate": """
Makes the staged key the primary one, stages a new one, encrypts all stored secrets with the primary
key, and removes the oldest keys when that has succeeded. Services may run meanwhile and notice by
themselves. With several hosts: run it on one, then bring the folder to the others (before the next
rotation); they know the new primary key already, because it was staged in their folders. When it
was interrupted, run it again.
""",
    "set": """
Writes the user to [api] http_basic_user_file, with a hash of the password, which is asked for, or
read from stdin where that is no terminal. Services notice by themselves.
""",
}


class Refusal(exception.GlintError):
    """The command cannot be carried out as it was given."""

    code, status, title = "manage.refused", 400, "Refused"


def main(argv: Sequence[str] | None = None, conf: cfg.ConfigOpts = cfg.CONF) -> int:
    """Entry point; returns the exit code: 0 done, 1 not done and a sentence on stderr."""
    configure(conf, sys.argv[1:] if argv is None else argv)
    command: Command = conf.command.run
    try:
        return command(conf)
    except exception.GlintError as error:
        return _fail(str(error))
    except (db_exc.DBError, sa_exc.SQLAlchemyError) as error:
        said = masking.mask(str(error)).splitlines()[0]
        return _fail(f"The database failed: {said}")


def configure(conf: cfg.ConfigOpts, argv: Sequence[str]) -> None:
    """Read files and command line. Logs go to the terminal, whatever the service's files say:

    run by root, the command would leave a log file that the service cannot write.
    """
    log.register_options(conf)
    db_options.set_defaults(conf)
    register_opts(conf)
    conf.register_cli_opt(
        cfg.SubCommandOpt("command", title="Commands", handler=_add_commands, help="What to do.")
    )
    conf(argv, project="glint", prog="glint-manage")
    for option in ("log_file", "log_dir", "log_config_append"):
        conf.set_override(option, None)
    for option in ("use_syslog", "use_journal"):
        conf.set_override(option, False)
    conf.set_override("use_stderr", True)
    conf.set_override("default_log_levels", [*conf.default_log_levels, "alembic=WARNING"])
    log.setup(conf, "glint")
    masking.install()


def _add_commands(subparsers: argparse._SubParsersAction) -> None:
    db = _subject(subparsers, "db", "The tables in the database.")
    _command(db, "sync", db_sync, "Make the tables or bring them up to date.")
    _command(db, "version", db_version, "Print the version of the tables.")
    _command(db, "check", db_check, "Exit with 1 where the tables are not those of this Glint.")
    keys = _subject(subparsers, "credential", "The keys that encrypt stored credentials.")
    setup = _command(keys, "setup", credential_setup, "Make the key folder.")
    setup.add_argument(
        "--owner",
        metavar="USER[:GROUP]",
        help="give the folder to this user (as root); else it belongs to who runs the command",
    )
    _command(keys, "rotate", credential_rotate, "Change the keys and re-encrypt all secrets.")
    _command(keys, "check", credential_check, "Exit with 1 where a stored secret is unreadable.")
    people = _subject(subparsers, "user", "Users of a Glint without Keystone (http_basic).")
    put = _command(people, "set", user_set, "Add a user, or give one another password.")
    put.add_argument("user", metavar="NAME")
    put.add_argument("--project", required=True, help="the project whose images it works with")
    put.add_argument(
        "--role",
        action="append",
        choices=["reader", "member", "manager", "admin"],
        help="what it may do (several are possible; default: member and reader)",
    )
    _command(people, "remove", user_remove, "Remove a user.").add_argument("user", metavar="NAME")
    _command(people, "list", user_list, "List the users with their projects and roles.")
    service = _subject(subparsers, "service", "The processes of Glint.")
    _command(service, "list", service_list, "List the conductors and when they were seen last.")
    operation = _subject(subparsers, "operation", "The history of saves.")
    purge = _command(operation, "purge", operation_purge, "Let go of history that is over.")
    purge.add_argument(
        "--older-than",
        metavar="DAYS",
        type=int,
        required=True,
        help="how long it must have been over; for example 90",
    )


def _subject(
    subparsers: argparse._SubParsersAction, name: str, text: str
) -> argparse._SubParsersAction:
    parser = subparsers.add_parser(name, help=text, description=text)
    return parser.add_subparsers(metavar="ACTION", required=True)


def _command(
    subparsers: argparse._SubParsersAction, name: str, run: Command, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=text, description=text, epilog=EPILOGS.get(name)
    )
    parser.set_defaults(run=run)
    return parser


def _fail(sentence: str) -> int:
    print(f"glint-manage: {sentence}", file=sys.stderr)
    return 1


def _url(conf: cfg.ConfigOpts) -> str:
    url: str | None = conf.database.connection
    if not url:
        raise Refusal("No database: set [database] connection in glint.conf.")
    return url


def _database(conf: cfg.ConfigOpts) -> Database:
    _check(migration.versions(_url(conf)))
    return Database(_url(conf))


def _keyring(conf: cfg.ConfigOpts) -> Keyring:
    return Keyring(conf.credentials.key_repository)


# Commands.


def db_sync(conf: cfg.ConfigOpts) -> int:
    """See :data:`EPILOGS`."""
    before = migration.upgrade(_url(conf))
    if before.current:
        print(f"The tables are up to date (version {before.needed}).")
    else:
        print(f"The tables are at version {before.needed} now (before: {before.found or 'none'}).")
    return 0


def db_version(conf: cfg.ConfigOpts) -> int:
    """Print what :func:`glint.db.migration.versions` finds."""
    print(migration.versions(_url(conf)).found or "none")
    return 0


def db_check(conf: cfg.ConfigOpts) -> int:
    """Compare the version of the tables with the one that this Glint needs."""
    versions = migration.versions(_url(conf))
    _check(versions)
    print(f"The tables are up to date (version {versions.needed}).")
    return 0


def _check(versions: migration.Versions) -> None:
    if not versions.current:
        raise Refusal(
            f"The tables are at version {versions.found or 'none'}, and this Glint needs"
            f" {versions.needed}. Run: glint-manage db sync"
        )


def credential_setup(conf: cfg.ConfigOpts) -> int:
    """See :data:`EPILOGS`."""
    keyring = _keyring(conf)
    wish = conf.command.owner
    if keyring.setup(owner=_owner(wish) if wish else None):
        print(f"Made a first and a staged key in {keyring.path}. Keep a copy of the folder.")
    else:
        print(f"There are keys in {keyring.path} already; nothing was changed.")
    return 0


def _owner(wish: str) -> tuple[int, int]:
    name, _, group = wish.partition(":")
    try:
        user = pwd.getpwnam(name)
        return user.pw_uid, grp.getgrnam(group).gr_gid if group else user.pw_gid
    except KeyError as error:
        raise Refusal(f"No such user or group: {error.args[0]}") from None


def credential_rotate(conf: cfg.ConfigOpts) -> int:
    """See :data:`EPILOGS`."""
    keyring, db = _keyring(conf), _database(conf)
    before = reencryption.count(db, keyring)
    if before.unreadable:
        return _fail(f"{_unreadable(before)} No key was changed.")
    primary = keyring.rotate(purge=False)
    print(f"Key {primary} in {keyring.path} is the primary one now; a new key 0 is staged.")
    after = reencryption.reencrypt(db, keyring)
    if after.unreadable:
        return _fail(f"{_unreadable(after)} No key was removed.")
    if after.older:
        return _fail(
            f"{after.older} of {after.total} secrets are under older keys still, because others"
            " kept writing them. No key was removed. Run the command again."
        )
    removed = keyring.purge()
    print(f"All {after.total} stored secrets are encrypted with it.")
    if removed:
        print(f"Removed the keys {', '.join(map(str, removed))}.")
    print("Bring the folder to all other hosts now.")
    return 0


def credential_check(conf: cfg.ConfigOpts) -> int:
    """Try all stored secrets with the keys."""
    seen = reencryption.count(_database(conf), _keyring(conf))
    if seen.unreadable:
        return _fail(_unreadable(seen))
    print(f"All {seen.total} stored secrets are readable; {seen.older} are under older keys.")
    return 0


def _unreadable(seen: reencryption.Count) -> str:
    shown = ", ".join(seen.unreadable[:10]) + (", ..." if len(seen.unreadable) > 10 else "")
    return (
        f"{len(seen.unreadable)} of {seen.total} stored secrets are not readable with the keys"
        f" (credentials {shown}). Bring back the missing key, or delete these credentials."
    )


def user_set(conf: cfg.ConfigOpts) -> int:
    """See :data:`EPILOGS`."""
    path, name = conf.api.http_basic_user_file, conf.command.user
    new = users.put(path, name, conf.command.project, conf.command.role or ["member", "reader"])
    print(f"User {name} {'was added to' if new else 'was changed in'} {path}.")
    return 0


def user_remove(conf: cfg.ConfigOpts) -> int:
    """Take a user out of the file."""
    users.remove(conf.api.http_basic_user_file, conf.command.user)
    print(f"User {conf.command.user} was removed.")
    return 0


def user_list(conf: cfg.ConfigOpts) -> int:
    """Print a line for each user, without the hash."""
    found = Users(conf.api.http_basic_user_file).read()
    lines = [("NAME", "PROJECT", "ROLES")]
    lines += [(one.name, one.project, ",".join(one.roles)) for one in found.values()]
    _print_table(lines)
    return 0


def service_list(conf: cfg.ConfigOpts) -> int:
    """Print a line for each conductor."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    lines = [("ID", "HOST", "STARTED (UTC)", "SEEN", "STATE")]
    for row in conductors.list(_database(conf)):
        age = max(0, round((now - row.beat_at).total_seconds()))
        state = "up" if age <= SILENT_AFTER else "silent"
        started = row.started_at.isoformat(" ", "seconds")
        lines.append((row.id, row.host, started, f"{age} s ago", state))
    _print_table(lines)
    return 0


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())


def operation_purge(conf: cfg.ConfigOpts) -> int:
    """See :data:`EPILOGS`."""
    days = conf.command.older_than
    if days < 1:
        raise Refusal("--older-than must be 1 day or more.")
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    try:
        before = now - datetime.timedelta(days=days)
    except OverflowError:
        raise Refusal(f"--older-than {days} is before the beginning of time.") from None
    gone = history.purge(_database(conf), before)
    print(
        f"Removed {gone.operations} operations, {gone.transfers} transfers and"
        f" {gone.events} events from before {before.isoformat(' ', 'seconds')} UTC."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
