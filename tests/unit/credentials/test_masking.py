from __future__ import annotations

import io
import json
import logging

import testtools
from oslo_config import cfg
from oslo_log import formatters
from oslo_log import log as oslo_log
from oslo_utils import strutils

from glint.credentials import masking

TOKEN = "gAAAAABnYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo-_0123456789"
PLANTED = "pl4nt3d"

SAMPLES = (
    f"X-Auth-Token: {PLANTED}",
    f"x-auth-token={PLANTED}",
    f"curl -g -i -X GET http://c/v3 -H \"X-Subject-Token: {PLANTED}\" -H 'Accept: a/b'",
    f"{{'X-Service-Token': '{PLANTED}', 'Accept': '*/*'}}",
    f'{{"X-Auth-Token": "{PLANTED}"}}',
    f"('X-Auth-Token', '{PLANTED}')",
    f"Authorization: Basic {PLANTED}",
    f"Authorization: AWS4-HMAC-SHA256 Credential={PLANTED}/x, Signature={PLANTED}",
    f"Cookie: sessionid={PLANTED}",
    f"mysql+pymysql://glint:{PLANTED}@db.example.org/glint?charset=utf8mb4",
    f"rabbit://glint:{PLANTED}@mq1:5672,glint:{PLANTED}@mq2:5672//",
    f"https://s3.example.org/b/k?X-Amz-Credential={PLANTED}%2F&X-Amz-Signature={PLANTED}&a=b",
    f"https://swift/v1/a?temp_url_sig={PLANTED}&temp_url_expires=1",
    f'{{"auth": {{"password": "{PLANTED}"}}}}',
    f'{{"application_credential_secret": "{PLANTED}", "application_credential_id": "i"}}',
    f"{{'secret_access_key': '{PLANTED}'}}",
    f'{{"application_credential": {{"secret": "{PLANTED}", "name": "n"}}}}',
    f"password={PLANTED}",
    f"Keyword(password='{PLANTED}', name='x')",
    f"admin_password = {PLANTED}",
    f"[home]\npassword: {PLANTED}\n",
    f'{{"password": "a\\"{PLANTED}"}}',
    f"{{'password': \"it's {PLANTED}\"}}",
    f"{{'auth_token': b'{PLANTED}'}}",
    f"mysql://glint:with@{PLANTED}@db/glint",
    f"--os-password {PLANTED}",
    f"key:\n-----BEGIN RSA PRIVATE KEY-----\n{PLANTED}\n-----END RSA PRIVATE KEY-----\nend",
)


#: Keys of other projects' files, which never pass through Glint.
NOT_OURS = {"encrypted_key", "new_pass"}


class TestMask(testtools.TestCase):
    def test_planted_secrets_are_gone(self) -> None:
        for sample in SAMPLES:
            self.assertNotIn(PLANTED, masking.mask(sample), sample)
            self.assertIn(masking.MASK, masking.mask(sample))
            quoted = json.dumps({"message": sample})
            self.assertNotIn(PLANTED, masking.mask(quoted), quoted)

    def test_fernet_tokens_are_gone_wherever(self) -> None:
        self.assertEqual("token *** of ada", masking.mask(f"token {TOKEN} of ada"))
        self.assertEqual("b'***'", masking.mask(f"b'{TOKEN}=='"))

    def test_neighbours_stay(self) -> None:
        said = masking.mask("{'X-Auth-Token': 'x', 'Accept': '*/*', \"password\": \"y\", 'n': 'z'}")
        self.assertEqual(
            "{'X-Auth-Token': '***', 'Accept': '*/*', \"password\": \"***\", 'n': 'z'}", said
        )
        self.assertEqual('{"secret": "***", "n": 1}', masking.mask('{"secret": "s", "n": 1}'))
        self.assertEqual("password=*** host=db", masking.mask("password=x host=db"))

    def test_every_name_that_oslo_knows(self) -> None:
        for name in strutils._SANITIZE_KEYS:
            if name.endswith(("password", "pass", "secret", "token", "_key", "passphrase")):
                for form in ('{{"{}": "{}"}}', "{} = {}", "{}='{}'", "--{} {}"):
                    sample = form.format(name, PLANTED)
                    if name not in NOT_OURS:
                        self.assertNotIn(PLANTED, masking.mask(sample), sample)

    def test_the_rest_stays_readable(self) -> None:
        for plain in (
            "transfer 5f0c of image cirros (20 MiB) to DAIR is active",
            "GET https://keystone.example.org:5000/v3/auth/tokens 200",
            "the password was rejected; give another secret",
            "glint:9494 answers, mail ops@example.org",
            "time 12:30:01, see https://docs.example.org/a@b",
            "sha512 gAAAA",
        ):
            self.assertEqual(plain, masking.mask(plain))
        url = masking.mask("mysql://glint:x@db.example.org/glint")
        self.assertEqual("mysql://glint:***@db.example.org/glint", url)


class TestLogs(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.written = io.StringIO()
        self.handler = logging.StreamHandler(self.written)
        self.log = logging.Logger("glint.test")
        self.log.addHandler(self.handler)

    def log_all(self) -> str:
        for sample in SAMPLES:
            self.log.info("said %s", sample)
            self.log.info(sample)
        self.log.info({"password": PLANTED})
        self.log.info("a dictionary %s", {"auth": {"password": PLANTED}})
        try:
            raise ValueError(f"no login with mysql://glint:{PLANTED}@db/glint and {TOKEN}")
        except ValueError:
            self.log.exception("failed")
        return self.written.getvalue()

    def assert_masked(self, text: str) -> None:
        self.assertNotIn(PLANTED, text)
        self.assertNotIn("gAAAA", text)
        self.assertIn("Traceback", text)
        self.assertIn("ValueError: no login with mysql://glint:***@db/glint", text)

    def test_the_net_is_needed(self) -> None:
        self.assertIn(PLANTED, self.log_all())

    def test_plain_handler(self) -> None:
        masking.install(self.log)
        self.assert_masked(self.log_all())

    def test_formatters_of_oslo_log(self) -> None:
        conf = cfg.ConfigOpts()
        oslo_log.register_options(conf)
        conf([])
        for inner in (formatters.ContextFormatter(config=conf), formatters.JSONFormatter()):
            self.handler.setFormatter(inner)
            masking.install(self.log)
            self.assert_masked(self.log_all())

    def test_twice_is_once(self) -> None:
        masking.install(self.log)
        first = self.handler.formatter
        masking.install(self.log)
        self.assertIs(first, self.handler.formatter)

    def test_traceback_for_the_journal(self) -> None:
        masking.install(self.log)
        seen: list[str] = []
        self.handler.emit = lambda record: seen.extend(  # type: ignore[method-assign]
            (self.handler.format(record), str(record.exc_text))
        )
        self.log_all()
        self.assertIn("Traceback", seen[-1])
        self.assertNotIn(PLANTED, seen[-1])
