from __future__ import annotations

import pathlib

import fixtures
import testtools
from oslo_config import cfg

from glint import objects
from glint.cmd import manage
from glint.credentials import Keyring
from glint.db import api, credentials, sites


class CommandCase(testtools.TestCase):
    """Commands in this process, on an SQLite file and a key folder of the test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.keys = self.folder / "keys"
        self.url = f"sqlite:///{self.folder}/glint.db"
        self.config = self.folder / "glint.conf"
        self.configure()
        # The commands set up logging; the test's own is back afterwards.
        self.useFixture(fixtures.FakeLogger())
        self.useFixture(fixtures.MonkeyPatch("oslo_log.log.setup", lambda *args: None))

    def configure(self, **options: str) -> None:
        settings = {
            "database": {"connection": options.pop("connection", self.url), "max_retries": "1"},
            "credentials": {"key_repository": str(self.keys)},
            "DEFAULT": options,
        }
        lines = []
        for group, values in settings.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in values.items())]
        self.config.write_text("\n".join(lines))

    def run_main(self, main: object, *argv: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out = self.useFixture(fixtures.StringStream("out")).stream
        err = self.useFixture(fixtures.StringStream("err")).stream
        with fixtures.MonkeyPatch("sys.stdout", out), fixtures.MonkeyPatch("sys.stderr", err):
            try:
                code = main(["--config-file", str(self.config), *argv], cfg.ConfigOpts())  # type: ignore[operator]
            except SystemExit as error:
                code = error.code
        texts = []
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
            texts.append(stream.read())
        return code, texts[0], texts[1]

    def manage(self, *argv: str) -> tuple[int, str, str]:
        return self.run_main(manage.main, *argv)

    def done(self, *argv: str) -> str:
        code, out, err = self.manage(*argv)
        self.assertEqual((0, ""), (code, err))
        return out

    def refused(self, *argv: str) -> str:
        code, _, err = self.manage(*argv)
        self.assertEqual(1, code)
        self.assertTrue(err.startswith("glint-manage: "), err)
        self.assertNotIn("Traceback", err)
        return err

    def database(self) -> api.Database:
        db = api.Database(self.url)
        self.addCleanup(db.dispose)
        return db

    def add_credentials(self, number: int) -> dict[str, str]:
        """Stored credentials, by id, with their passwords; ids in no order."""
        db, keyring = self.database(), Keyring(str(self.keys))
        scope = objects.Scope("hep", "ada")
        site = sites.create(db, scope, name="DAIR", type="openstack", connection={})
        made = {}
        for index in range(number):
            password = f"planted-{index}"
            row = credentials.create(
                db,
                scope,
                site_id=site.id,
                auth={"username": f"ada{index}"},
                secret=keyring.encrypt({"password": password}),
            )
            made[row.id] = password
        return made

    def stored(self) -> dict[str, bytes]:
        return dict(credentials.all_secrets(self.database(), limit=10**6))
