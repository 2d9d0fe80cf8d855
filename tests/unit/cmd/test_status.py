from __future__ import annotations

import json
from typing import Any

from glint.cmd import status
from tests.unit.cmd import base


class TestUpgradeCheck(base.CommandCase):
    def check(self) -> tuple[int, dict[str, Any]]:
        code, out, _ = self.run_main(status.main, "upgrade", "check", "--json")
        return code, {check["check"]: check for check in json.loads(out)["checks"]}

    def assert_failed(self, name: str, *words: str) -> None:
        code, checks = self.check()
        self.assertEqual(2, code)
        self.assertEqual(2, checks[name]["result"])
        for word in words:
            self.assertIn(word, checks[name]["details"])

    def ready(self) -> None:
        self.done("db", "sync")
        self.done("credential", "setup")

    def test_ready(self) -> None:
        self.ready()
        code, checks = self.check()
        self.assertEqual(0, code)
        self.assertEqual({0}, {check["result"] for check in checks.values()})
        self.assertEqual(3, len(checks))

    def test_nothing_made_yet(self) -> None:
        self.assert_failed("Database schema", "version none", "glint-manage db sync")
        self.assert_failed("Credential keys", "does not exist", "glint-manage credential setup")

    def test_loose_keys(self) -> None:
        self.ready()
        self.keys.chmod(0o755)
        self.assert_failed("Credential keys", "open to other users", "chmod 700")

    def test_database_setting(self) -> None:
        self.ready()
        self.configure(connection="")
        self.assert_failed("Transport, database, authentication", "No database")
        self.configure(connection="nonsense://planted@h/x")
        self.assert_failed("Database schema", "cannot be used")
        self.assertNotIn("planted", str(self.check()))

    def test_combination(self) -> None:
        self.ready()
        self.configure(rpc_transport="oslo")
        self.assert_failed("Transport, database, authentication", "SQLite serves one process")

    def test_readable_by_people(self) -> None:
        self.ready()
        code, out, _ = self.run_main(status.main, "upgrade", "check")
        self.assertEqual(0, code)
        self.assertIn("Check: Credential keys", out)
