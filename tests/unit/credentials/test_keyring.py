from __future__ import annotations

import concurrent.futures
import errno
import json
import os
import pathlib
import subprocess
import sys

import fixtures
import testtools
from cryptography import fernet

from glint.credentials import errors, keyring, repository

SECRET = {"password": "Tr0ub4dor&3", "username": "ada"}


class KeyringCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        home = self.useFixture(fixtures.TempDir()).path
        self.path = pathlib.Path(home) / "glint" / "keys"
        self.keyring = keyring.Keyring(str(self.path))
        self.assertTrue(self.keyring.setup())

    def numbers(self) -> list[int]:
        return sorted(int(path.name) for path in self.path.iterdir())

    def mode(self, path: pathlib.Path) -> int:
        return path.stat().st_mode & 0o777

    def assert_unusable(self, *words: str) -> None:
        for use in (lambda: self.keyring.encrypt(SECRET), self.keyring.check):
            error = self.assertRaises(errors.KeysUnusable, use)
            self.assertEqual("credential.keys_unusable", error.code)
            for word in (str(self.path), *words):
                self.assertIn(word, str(error))


class TestFolder(KeyringCase):
    def test_modes_whatever_the_umask(self) -> None:
        other = keyring.Keyring(str(self.path.parent / "loose"))
        old = os.umask(0)
        try:
            other.setup()
            other.rotate()
        finally:
            os.umask(old)
        self.assertEqual(0o700, self.mode(pathlib.Path(other.path)))
        self.assertEqual({0o600}, {self.mode(p) for p in pathlib.Path(other.path).iterdir()})

    def test_setup_again_changes_nothing(self) -> None:
        before = {path.name: path.read_bytes() for path in self.path.iterdir()}
        self.assertEqual({"0", "1"}, set(before))
        self.assertFalse(self.keyring.setup())
        self.assertEqual(before, {path.name: path.read_bytes() for path in self.path.iterdir()})

    def test_missing_folder(self) -> None:
        self.keyring = keyring.Keyring(str(self.path / "gone"))
        self.assert_unusable("does not exist", "glint-manage credential setup")

    def test_empty_folder(self) -> None:
        for path in self.path.iterdir():
            path.unlink()
        self.assert_unusable("no primary key", "glint-manage credential setup")

    def test_a_file_is_no_folder(self) -> None:
        self.keyring = keyring.Keyring(str(self.path / "1"))
        self.path = self.path / "1"
        self.assert_unusable("not a folder", "key_repository")
        self.assertRaises(errors.KeysUnusable, self.keyring.setup)

    def test_folder_open_to_others(self) -> None:
        for mode in (0o710, 0o740, 0o701, 0o777):
            self.path.chmod(mode)
            self.assert_unusable("open to other users", "chmod 700")
            self.assertRaises(errors.KeysUnusable, self.keyring.rotate)
            self.assertRaises(errors.KeysUnusable, self.keyring.setup)

    def test_key_that_others_can_read_stops_a_running_process(self) -> None:
        token = self.keyring.encrypt(SECRET)
        for name, mode in (("1", 0o640), ("0", 0o604)):
            (self.path / name).chmod(mode)
            self.assert_unusable(f"{self.path}/{name}", "chmod 600", "rotate")
            self.assertRaises(errors.KeysUnusable, self.keyring.decrypt, token)
            (self.path / name).chmod(0o600)
        self.assertEqual(SECRET, self.keyring.decrypt(token))

    def test_broken_key_is_named_and_not_quoted(self) -> None:
        (self.path / "1").write_bytes(b"not-a-key-but-near")
        self.assert_unusable(f"{self.path}/1", "does not hold a Fernet key")
        error = self.assertRaises(errors.KeysUnusable, self.keyring.check)
        self.assertNotIn("not-a-key-but-near", str(error))

    def test_other_files_are_left_alone(self) -> None:
        for name in ("README", ".part", "01", "1.bak", "-1", "²"):
            (self.path / name).write_text("x")
        self.assertEqual(2, self.keyring.rotate())
        self.assertTrue((self.path / "README").exists())
        self.assertEqual(SECRET, self.keyring.decrypt(self.keyring.encrypt(SECRET)))

    def test_as_another_user(self) -> None:
        """What the service says when root made the keys."""
        if os.geteuid() != 0:
            self.addDetail("how", testtools.content.text_content("as the user itself, by mode"))
            (self.path / "1").chmod(0)
            self.assert_unusable("Permission denied", "belongs to")
            return
        self.path.parent.parent.chmod(0o755)
        self.path.parent.chmod(0o755)
        program = (
            "import os, sys; from glint.credentials import errors, Keyring\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: Keyring(sys.argv[1]).check()\n"
            "except errors.KeysUnusable as error: print(error)\n"
        )
        said = _python(program, str(self.path))
        self.assertIn("Permission denied", said)
        # Given to that user, it works; and what root adds by a rotation belongs to it as well.
        os.chown(self.path, 65534, 65534)
        for path in self.path.iterdir():
            os.chown(path, 65534, 65534)
        self.keyring.rotate()
        self.assertEqual({65534}, {path.stat().st_uid for path in self.path.iterdir()})

    def test_setup_for_a_user(self) -> None:
        owner = (os.getuid(), os.getgid()) if os.geteuid() else (65534, 65534)
        other = keyring.Keyring(str(self.path.parent / "theirs"))
        other.setup(owner=owner)
        made = [pathlib.Path(other.path), *pathlib.Path(other.path).iterdir()]
        self.assertEqual({owner}, {(p.stat().st_uid, p.stat().st_gid) for p in made})


def _python(program: str, *args: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *args],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(pathlib.Path(__file__).parents[3]), "PATH": os.environ["PATH"]},
        cwd="/",
    ).stdout


class TestSecrets(KeyringCase):
    def test_there_and_back(self) -> None:
        secret = {"ключ": "ζ\n\0\"'", "n": 1, "nested": {"a": [1, None]}}
        token = self.keyring.encrypt(secret)
        self.assertIsInstance(token, bytes)
        self.assertEqual(secret, self.keyring.decrypt(token))
        self.assertNotIn(b"Tr0ub", self.keyring.encrypt(SECRET))

    def test_same_secret_differs(self) -> None:
        self.assertNotEqual(self.keyring.encrypt(SECRET), self.keyring.encrypt(SECRET))

    def test_tampered(self) -> None:
        token = self.keyring.encrypt(SECRET)
        for at in (10, len(token) // 2, len(token) - 5):
            flipped = b"A" if token[at : at + 1] != b"A" else b"B"
            self.assert_unreadable(token[:at] + flipped + token[at + 1 :])
        self.assert_unreadable(token[:-8])
        self.assert_unreadable(b"")
        self.assert_unreadable(b"\xff\xfe")

    def test_not_an_object(self) -> None:
        key = fernet.Fernet((self.path / "1").read_bytes())
        self.assert_unreadable(key.encrypt(b'["hidden"]'))
        self.assert_unreadable(key.encrypt(b"hidden {"))

    def assert_unreadable(self, token: bytes) -> None:
        error = self.assertRaises(errors.SecretUnreadable, self.keyring.decrypt, token)
        self.assertEqual("credential.secret_unreadable", error.code)
        self.assertIn("anew", str(error))
        shown = f"{error} {error!r} {error.facts} {error.__cause__!r} {error.as_dict()}"
        for hidden in ("hidden", "Tr0ub", token.decode("latin-1") or "\0"):
            self.assertNotIn(hidden, shown)
        self.assertTrue(error.__suppress_context__ or error.__context__ is None)

    def test_keys_of_somebody_else(self) -> None:
        other = keyring.Keyring(str(self.path.parent / "other"))
        other.setup()
        token = other.encrypt(SECRET)
        self.assert_unreadable(token)
        self.assertRaises(errors.SecretUnreadable, self.keyring.needs_rotation, token)
        self.assertRaises(errors.SecretUnreadable, self.keyring.reencrypt, token)

    def test_nothing_shows(self) -> None:
        clear = self.keyring.decrypt(self.keyring.encrypt(SECRET))
        keys = [path.read_text() for path in self.path.iterdir()]
        shown = (
            f"{clear} {clear!r} {clear.copy()} {clear | {'more': 'hush'}} {[clear]} %s"
            f" {self.keyring!r} {vars(self.keyring)}" % clear
        )
        for hidden in (*SECRET.values(), "hush", *keys):
            self.assertNotIn(hidden, shown)
        self.assertIn("'password': '***'", shown)
        self.assertEqual(SECRET, json.loads(json.dumps(clear)))


def _full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestRotation(KeyringCase):
    def test_promotes_and_keeps_three(self) -> None:
        staged = (self.path / "0").read_bytes()
        self.assertEqual(2, self.keyring.rotate())
        self.assertEqual(staged, (self.path / "2").read_bytes())
        self.assertNotEqual(staged, (self.path / "0").read_bytes())
        self.assertEqual([0, 1, 2], self.numbers())
        self.assertEqual(3, self.keyring.rotate())
        self.assertEqual([0, 2, 3], self.numbers())

    def test_without_purge_nothing_is_lost(self) -> None:
        token = self.keyring.encrypt(SECRET)
        for _ in range(4):
            self.keyring.rotate(purge=False)
        self.assertEqual([0, 1, 2, 3, 4, 5], self.numbers())
        self.assertEqual(SECRET, self.keyring.decrypt(token))
        self.assertEqual([1, 2, 3], self.keyring.purge())
        self.assertEqual([0, 4, 5], self.numbers())
        self.assertRaises(errors.SecretUnreadable, self.keyring.decrypt, token)

    def test_reencrypt(self) -> None:
        token = self.keyring.encrypt(SECRET)
        self.assertFalse(self.keyring.needs_rotation(token))
        self.keyring.rotate()
        self.assertTrue(self.keyring.needs_rotation(token))
        fresh = self.keyring.reencrypt(token)
        self.assertFalse(self.keyring.needs_rotation(fresh))
        self.keyring.rotate()
        self.assertEqual(SECRET, self.keyring.decrypt(fresh))
        self.assertRaises(errors.SecretUnreadable, self.keyring.decrypt, token)

    def test_a_running_process_follows(self) -> None:
        """Another process rotates; this one reads and writes with the new keys at once."""
        running = keyring.Keyring(str(self.path))
        running.decrypt(running.encrypt(SECRET))
        program = (
            "import sys; from glint.credentials import Keyring; k = Keyring(sys.argv[1])\n"
            "k.rotate(); print(k.encrypt({'from': 'there'}).decode())"
        )
        for _ in range(3):
            token = _python(program, str(self.path)).strip().encode()
            self.assertEqual({"from": "there"}, running.decrypt(token))
            self.assertFalse(self.keyring.needs_rotation(running.encrypt(SECRET)))

    def test_host_with_the_folder_of_before_reads_the_new(self) -> None:
        """The staged key is why: what the new primary encrypts, all hosts can read already."""
        old = self.path.parent / "other-host"
        subprocess.run(["cp", "-a", str(self.path), str(old)], check=True, timeout=30)
        self.keyring.rotate()
        there = keyring.Keyring(str(old))
        self.assertEqual(SECRET, there.decrypt(self.keyring.encrypt(SECRET)))
        self.assertEqual(SECRET, self.keyring.decrypt(there.encrypt(SECRET)))

    def test_interrupted_between_link_and_new_staged_key(self) -> None:
        os.link(self.path / "0", self.path / "2")
        self.assertEqual(2, self.keyring.rotate())
        self.assertEqual([0, 1, 2], self.numbers())
        self.assertEqual(3, len({path.read_bytes() for path in self.path.iterdir()}))

    def test_no_key_is_missing_when_the_disk_is_full(self) -> None:
        before = {path.read_bytes() for path in self.path.iterdir()}
        with fixtures.MonkeyPatch("os.fsync", _full):
            error = self.assertRaises(errors.KeysUnusable, self.keyring.rotate)
        self.assertIn("No space left", str(error))
        left = {path.name: path.read_bytes() for path in self.path.iterdir()}
        left.pop(".part")
        self.assertEqual({"0", "1", "2"}, set(left))
        self.assertEqual(before, set(left.values()))
        self.assertEqual(2, self.keyring.rotate())

    def test_interrupted_setup(self) -> None:
        (self.path / "0").unlink()
        (self.path / ".part").write_text("half")
        self.assertFalse(self.keyring.setup())
        self.assertEqual(1, self.keyring.rotate())
        self.assertEqual([0, 1], self.numbers())

    def test_many_rotate_while_others_use(self) -> None:
        token = self.keyring.encrypt(SECRET)

        def rotate(_: int) -> int:
            return keyring.Keyring(str(self.path)).rotate(purge=False)

        def use(_: int) -> bool:
            mine = keyring.Keyring(str(self.path))
            return mine.decrypt(token) == SECRET == mine.decrypt(self.keyring.encrypt(SECRET))

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            used = pool.map(use, range(40))
            rotated = pool.map(rotate, range(12))
            self.assertEqual(list(range(2, 14)), sorted(rotated))
            self.assertEqual({True}, set(used))
        self.assertEqual(list(range(14)), self.numbers())
        self.assertEqual(14, len({path.read_bytes() for path in self.path.iterdir()}))

    def test_purge_under_readers(self) -> None:
        """A file that vanishes between listing and reading is no error."""
        token = self.keyring.encrypt(SECRET)
        tokens = [token]

        def churn(_: int) -> None:
            self.keyring.rotate(purge=False)
            tokens[0] = self.keyring.reencrypt(tokens[0])
            self.keyring.purge()

        def read(_: int) -> None:
            keyring.Keyring(str(self.path)).encrypt(SECRET)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            reads = [pool.submit(read, i) for i in range(200)]
            for i in range(20):
                churn(i)
            for future in reads:
                future.result(30)
        self.assertEqual(SECRET, self.keyring.decrypt(tokens[0]))

    def test_somebody_holds_the_folder(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("glint.credentials.repository.LOCK_TIMEOUT", 0.05))
        with repository.Repository(str(self.path))._locked():
            error = self.assertRaises(errors.KeysUnusable, self.keyring.rotate)
        self.assertIn("another process", str(error))
        self.assertEqual(2, self.keyring.rotate())

    def test_two_keys_at_least(self) -> None:
        self.assertRaises(ValueError, keyring.Keyring, str(self.path), max_active_keys=1)
