"""Secrets are planted, everything is done with them, and then looked for everywhere."""

from __future__ import annotations

import base64
import json
import pathlib

from tests.functional.base import MIB, GlintTestCase, change
from tests.functional.planted import SecretsCase
from tests.minicloud.testcase import some_bytes


class SecretsTest(SecretsCase):
    def test_nowhere(self) -> None:
        self.walk()
        answers = self.answers()
        self.assertIn("carrier", answers)
        self.assert_none_in("the API's answers", answers)
        self.assert_no_token_in("the API's answers", answers)
        self.glint.stop()
        log = self.glint.log_text()
        self.assertIn(" DEBUG ", log)
        self.assert_none_in("the log", log)
        self.assert_no_token_in("the log", log)
        dump = self.glint.dump()
        self.assertIn("carrier", dump)
        self.assert_none_in("the database", dump)
        # There are secrets, and they are encrypted.
        self.assertIn(b"gAAAAA".hex().upper(), dump)
        for path in self.glint.folder.rglob("*"):
            if path.is_file() and path != self.glint.conf:
                self.assert_none_in(path.name, path.read_bytes().decode(errors="replace"))

    def test_what_is_looked_for_would_be_found(self) -> None:
        secret = self.plant("test")
        for text in (secret, repr({"password": secret}), json.dumps([secret])):
            self.assertRaises(AssertionError, self.assert_none_in, "a text", text)
        for lead in ("", "u:", "user:"):
            coded = base64.b64encode(f"{lead}{secret}".encode()).decode()
            self.assertRaises(AssertionError, self.assert_none_in, "a header", coded)
        token = str(self.user.session.get_token())
        self.assertRaises(AssertionError, self.assert_no_token_in, "a header", token)


class KeysTest(GlintTestCase):
    def test_rotated_under_a_running_service(self) -> None:
        home, dair = self.two_columns()
        before = sorted(path.name for path in self.glint.keys.iterdir())
        self.glint.manage("credential", "rotate")
        self.assertNotEqual(before, sorted(path.name for path in self.glint.keys.iterdir()))
        for credential in (home, dair):
            self.user.client.credentials.verify(credential["id"])
        image = self.registered(home, some_bytes(MIB), "after")
        self.assert_done(self.user.save(change(image, dair)))
        self.glint.stop()
        self.glint.manage("credential", "rotate")
        self.glint.start()
        self.user.client.credentials.verify(dair["id"])

    def test_modes(self) -> None:
        self.assertEqual(0o700, self.glint.keys.stat().st_mode & 0o777)
        for path in self.glint.keys.iterdir():
            self.assertEqual(0o600, path.stat().st_mode & 0o777, str(path))

    def test_keys_that_others_can_read_are_refused(self) -> None:
        self.glint.stop()
        self.glint.keys.chmod(0o755)
        error = self.assertRaises(RuntimeError, self.glint.start)
        self.assertIn("ended with", str(error))
        said = (self.glint.folder / "glint-all.out").read_text()
        self.assertIn(str(pathlib.Path(self.glint.keys)), said + self.glint.log_text())
        self.assertNotIn("Traceback", said)
