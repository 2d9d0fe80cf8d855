from __future__ import annotations

import datetime
import io
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Callable

import fixtures
import sqlalchemy as sa
import testtools

from glint import exception
from glint.api import users
from glint.cmd import manage, reencryption
from glint.credentials import Keyring
from glint.db import conductors, credentials, migration, models, processes
from tests import documents
from tests.unit.cmd import base


class TestDatabase(base.CommandCase):
    def test_from_nothing_to_head_and_again(self) -> None:
        self.assertEqual("none\n", self.done("db", "version"))
        said = self.refused("db", "check")
        self.assertIn("version none", said)
        self.assertIn("glint-manage db sync", said)
        head = migration.versions(self.url).needed
        self.assertIn(f"version {head} now (before: none)", self.done("db", "sync"))
        self.assertIn("up to date", self.done("db", "sync"))
        self.assertEqual(f"{head}\n", self.done("db", "version"))
        self.assertIn("up to date", self.done("db", "check"))

    def test_no_command_works_on_missing_tables(self) -> None:
        self.done("credential", "setup")
        for command in (("credential", "rotate"), ("credential", "check"), ("service", "list")):
            self.assertIn("glint-manage db sync", self.refused(*command))
        self.assertEqual({"0", "1"}, {path.name for path in self.keys.iterdir()})

    def test_newer_schema_is_left_alone(self) -> None:
        self.done("db", "sync")
        with self.database().engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '999'"))
        self.assertIn("999", self.refused("db", "sync"))
        self.assertIn("never downgraded", self.refused("db", "sync"))
        self.assertIn("999", self.refused("db", "check"))

    def test_failed_upgrade_leaves_nothing_on_sqlite(self) -> None:
        class Broken(Exception):
            pass

        def stamp(*args: object, **kwargs: object) -> None:
            raise Broken

        with fixtures.MonkeyPatch("alembic.runtime.migration.HeadMaintainer.update_to_step", stamp):
            self.assertRaises(Broken, migration.upgrade, self.url)
        with self.database().engine.connect() as connection:
            self.assertEqual([], sa.inspect(connection).get_table_names())
        self.done("db", "sync")

    def test_urls_that_cannot_work(self) -> None:
        for url, word in (
            ("", "No database"),
            ("nonsense", "Could not parse"),
            ("oracle://u:planted@h/x", "this kind of database"),
            ("mysql+nodriver://u:planted@h/x", "Can't load plugin"),
            (f"sqlite:///{self.folder}/no/such/folder/x.db", "unable to open"),
        ):
            self.configure(connection=url)
            said = self.refused("db", "sync")
            self.assertIn(word, said)
            self.assertNotIn("planted", said)

    def test_database_away(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("glint.db.migration.CONNECT_ATTEMPTS", 1))
        self.useFixture(fixtures.MonkeyPatch("oslo_db.sqlalchemy.engines.time.sleep", _no_sleep))
        self.configure(connection="mysql+pymysql://glint:planted@127.0.0.1:1/glint")
        for command in (("db", "sync"), ("db", "version"), ("credential", "check")):
            said = self.refused(*command)
            self.assertIn("does not answer", said)
            self.assertNotIn("planted", said)

    def test_logs_stay_out_of_the_services_file(self) -> None:
        """Run by root, the command would leave a file that the service cannot write."""
        log = self.folder / "glint.log"
        self.configure(log_file=str(log))
        done = subprocess.run(
            [sys.executable, "-m", "glint.cmd.manage", "--config-file", self.config, "db", "sync"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertFalse(log.exists())
        self.assertEqual("", done.stderr)

    def test_several_at_once(self) -> None:
        command = [sys.executable, "-m", "glint.cmd.manage", "--config-file", str(self.config)]
        command += ["db", "sync"]
        runs = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        said = [run.communicate(timeout=120) for run in runs]
        self.assertEqual([0, 0, 0], [run.returncode for run in runs], str(said))
        self.assertEqual(1, sum("before: none" in out for out, _ in said), str(said))


def _no_sleep(seconds: float) -> None:
    """In place of time.sleep."""


class TestKeys(base.CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.done("db", "sync")

    def test_setup(self) -> None:
        self.assertIn("Keep a copy", self.done("credential", "setup"))
        self.assertEqual(0o700, stat.S_IMODE(self.keys.stat().st_mode))
        before = {path.name: path.read_bytes() for path in self.keys.iterdir()}
        self.assertIn("nothing was changed", self.done("credential", "setup"))
        self.assertEqual(before, {path.name: path.read_bytes() for path in self.keys.iterdir()})

    def test_setup_for_a_user(self) -> None:
        me = pwd.getpwuid(os.getuid()).pw_name
        self.done("credential", "setup", "--owner", me)
        self.assertEqual(os.getuid(), (self.keys / "1").stat().st_uid)
        for owner in ("no-such-user", f"{me}:no-such-group"):
            self.assertIn("no-such", self.refused("credential", "setup", "--owner", owner))

    def test_rotate_without_keys(self) -> None:
        for command in ("rotate", "check"):
            self.assertIn("glint-manage credential setup", self.refused("credential", command))

    def test_keys_that_others_can_read(self) -> None:
        self.done("credential", "setup")
        (self.keys / "1").chmod(0o644)
        for command in ("rotate", "check", "setup"):
            self.assertIn("chmod 600", self.refused("credential", command))

    def test_rotate_reencrypts_all(self) -> None:
        self.done("credential", "setup")
        passwords = self.add_credentials(7)
        self.useFixture(fixtures.MonkeyPatch("glint.cmd.reencryption.BATCH", 3))
        running = Keyring(str(self.keys))
        for round_number in range(4):
            before = self.stored()
            said = self.done("credential", "rotate")
            self.assertIn("All 7 stored secrets", said)
            after = self.stored()
            self.assertEqual(set(passwords), set(after))
            self.assertEqual(set(), set(before.values()) & set(after.values()))
            keyring = Keyring(str(self.keys))
            self.assertEqual({False}, {keyring.needs_rotation(t) for t in after.values()})
            # A process that runs all the while reads the old and the new.
            for ident, password in passwords.items():
                self.assertEqual({"password": password}, running.decrypt(after[ident]))
            self.assertEqual(round_number >= 1, "Removed the keys" in said)
        self.assertEqual({"0", "4", "5"}, {path.name for path in self.keys.iterdir()})
        self.assertIn("All 7 stored secrets are readable; 0", self.done("credential", "check"))

    def test_unreadable_secret_stops_before_anything_changes(self) -> None:
        self.done("credential", "setup")
        passwords = self.add_credentials(2)
        stranger = Keyring(str(self.folder / "stranger"))
        stranger.setup()
        (first, _) = passwords
        db = self.database()
        foreign = stranger.encrypt({"password": "x"})
        credentials.swap_secret(db, first, self.stored()[first], foreign)
        before = self.stored()
        for command in ("rotate", "check"):
            said = self.refused("credential", command)
            self.assertIn(
                f"1 of 2 stored secrets are not readable with the keys (credentials {first})", said
            )
            self.assertNotIn(foreign.decode(), said)
        self.assertEqual(before, self.stored())
        self.assertEqual({"0", "1"}, {path.name for path in self.keys.iterdir()})

    def test_interrupted_rotation_loses_nothing(self) -> None:
        """The database goes away in the middle, three times; then it is done."""
        self.done("credential", "setup")
        passwords = self.add_credentials(5)

        def fail_at(limit: int) -> Callable[..., bool]:
            calls = []

            def swap(*args: object) -> bool:
                calls.append(args)
                if len(calls) > limit:
                    raise exception.GlintError("the database went away")
                return credentials_swap(*args)  # type: ignore[arg-type]

            return swap

        credentials_swap = credentials.swap_secret
        for limit in (0, 2, 4):
            with fixtures.MonkeyPatch("glint.db.credentials.swap_secret", fail_at(limit)):
                self.assertIn("went away", self.refused("credential", "rotate"))
            self.assertIn("All 5 stored secrets are readable", self.done("credential", "check"))
        self.done("credential", "rotate")
        self.assertEqual({"0", "4", "5"}, {path.name for path in self.keys.iterdir()})
        keyring = Keyring(str(self.keys))
        found = {
            ident: keyring.decrypt(token)["password"] for ident, token in self.stored().items()
        }
        self.assertEqual(passwords, found)

    def test_a_row_that_changes_meanwhile_keeps_its_new_secret(self) -> None:
        self.done("credential", "setup")
        passwords = self.add_credentials(3)
        changed = next(iter(passwords))
        db = self.database()
        swap = credentials.swap_secret
        interfered: list[bool] = []

        def interfere(pool: object, ident: str, old: bytes, new: bytes) -> bool:
            if ident == changed and not interfered:
                # A host whose folder still has the former primary key writes the row.
                former = Keyring(str(self.folder / "former"))
                fresh = former.encrypt({"password": "newer"})
                interfered.append(swap(db, ident, old, fresh))
            return swap(pool, ident, old, new)  # type: ignore[arg-type]

        subprocess.run(["cp", "-a", self.keys, self.folder / "former"], check=True, timeout=30)
        with fixtures.MonkeyPatch("glint.db.credentials.swap_secret", interfere):
            self.assertIn("All 3", self.done("credential", "rotate"))
        self.assertEqual([True], interfered)
        token = self.stored()[changed]
        keyring = Keyring(str(self.keys))
        self.assertEqual({"password": "newer"}, keyring.decrypt(token))
        self.assertFalse(keyring.needs_rotation(token))

    def test_rows_that_others_keep_writing(self) -> None:
        """Then no key is removed, and the command says so."""
        self.done("credential", "setup")
        self.add_credentials(1)
        self.done("credential", "rotate")
        with fixtures.MonkeyPatch("glint.db.credentials.swap_secret", lambda *args: False):
            said = self.refused("credential", "rotate")
        self.assertIn("No key was removed", said)
        self.assertEqual({"0", "1", "2", "3"}, {path.name for path in self.keys.iterdir()})
        self.assertIn("1 are under older keys", self.done("credential", "check"))


class TestCount(testtools.TestCase):
    def test_total(self) -> None:
        self.assertEqual(4, reencryption.Count(current=1, older=2, unreadable=["x"]).total)


class TestService(base.CommandCase):
    def test_list(self) -> None:
        self.done("db", "sync")
        db = self.database()
        conductors.beat(db, "c1-id", "host-one")
        conductors.beat(db, "c2-id", "host-two")
        late = models.utcnow() - datetime.timedelta(seconds=manage.SILENT_AFTER + 30)
        with db.writer() as session:
            session.execute(
                sa.update(processes.Conductor)
                .where(processes.Conductor.id == "c2-id")
                .values(beat_at=late)
            )
        header, one, two = self.done("service", "list").splitlines()
        self.assertEqual(["ID", "HOST", "STARTED", "(UTC)", "SEEN", "STATE"], header.split())
        self.assertEqual(["c1-id", "host-one", "up"], [*one.split()[:2], one.split()[-1]])
        self.assertEqual(["c2-id", "host-two", "silent"], [*two.split()[:2], two.split()[-1]])


class TestUsage(base.CommandCase):
    def test_usage_errors(self) -> None:
        for argv in ((), ("db",), ("bogus",), ("db", "bogus"), ("credential",), ("service",)):
            code, _, err = self.manage(*argv)
            self.assertEqual(2, code, str(argv))
            self.assertIn("usage: glint-manage", err)

    def test_help_explains(self) -> None:
        for argv, word in (
            (("db", "sync"), "no way back"),
            (("credential", "setup"), "keep a copy"),
            (("credential", "rotate"), "several hosts"),
        ):
            code, out, _ = self.manage(*argv, "--help")
            self.assertEqual(0, code)
            self.assertIn(word, " ".join(out.split()))


class TestUsers(base.CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "users"
        self.config.write_text(f"[api]\nhttp_basic_user_file = {self.file}\n")
        self.useFixture(fixtures.MonkeyPatch("glint.api.users.COST", 10))

    def set(self, name: str, password: str, *more: str) -> tuple[int, str, str]:
        with fixtures.MonkeyPatch("sys.stdin", io.StringIO(f"{password}\n")):
            return self.manage("user", "set", name, "--project", "red", *more)

    def test_a_life(self) -> None:
        code, out, _ = self.set("alice", "wonderland")
        self.assertEqual((0, True), (code, "was added" in out))
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))
        self.set("root", "r00t", "--role", "admin", "--role", "member")
        _, out, _ = self.set("alice", "looking-glass")
        self.assertIn("was changed", out)
        found = users.Users(str(self.file))
        self.assertIsNone(found.authenticate("alice", b"wonderland"))
        self.assertIsNotNone(found.authenticate("alice", b"looking-glass"))
        shown = self.done("user", "list")
        self.assertEqual(
            [["NAME", "PROJECT", "ROLES"], ["alice", "red", "member,reader"],
             ["root", "red", "admin,member"]],
            [line.split() for line in shown.splitlines()],
        )  # fmt: skip
        self.done("user", "remove", "alice")
        self.assertEqual(["root"], list(found.read()))
        self.assertIn("No user", self.refused("user", "remove", "alice"))
        self.assertEqual(["glint.conf", "users"], sorted(p.name for p in self.folder.iterdir()))

    def test_the_mode_that_the_operator_chose_stays(self) -> None:
        self.set("alice", "wonderland")
        self.file.chmod(0o640)
        self.set("bob", "builder")
        self.assertEqual(0o640, stat.S_IMODE(self.file.stat().st_mode))

    def test_refusals(self) -> None:
        for name, password, word in (
            ("a:b", "x", "no name"), ("alice", "", "bytes"), ("alice", "x" * 73, "bytes"),
        ):  # fmt: skip
            code, _, err = self.set(name, password)
            self.assertEqual((1, True), (code, word in err), err)
        self.assertFalse(self.file.exists())
        self.assertIn("No such file", self.refused("user", "list"))
        self.set("alice", "wonderland")
        self.file.chmod(0o644)
        self.assertIn("0644", self.set("bob", "builder")[2])


class TestHistory(base.CommandCase):
    def test_purge(self) -> None:
        self.done("db", "sync")
        page = documents.SOURCE / "admin" / "maintenance.rst"
        (command,) = documents.commands(page, self.id())
        said = self.done(*command.split()[1:])
        self.assertIn("Removed 0 operations, 0 transfers and 0 events", said)

    def test_days_that_cannot_be_meant(self) -> None:
        self.done("db", "sync")
        for days in ("0", "-3", "99999999"):
            self.refused("operation", "purge", f"--older-than={days}")
