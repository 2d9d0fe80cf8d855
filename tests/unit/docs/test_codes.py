"""Whatever code Glint writes anywhere, the list of errors tells its cause and its remedy."""

from __future__ import annotations

import ast
import importlib
import re
from typing import Any

import testtools

from glint.exception import catalogue
from tests import documents

apidocs: Any = importlib.import_module("tools.apidocs")

#: What events are called; the second word is what somebody did.
ACTIONS = {"cancel", "create", "delete", "drift", "retry", "save", "update", "upload", "scan"}


class CodesTest(testtools.TestCase):
    def test_all_are_told(self) -> None:
        page = apidocs.errors()
        families = {entry.code.partition(".")[0] for entry in catalogue.entries()} - {"glint"}
        for path in sorted((documents.ROOT / "glint").rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                    continue
                family, dot, what = node.value.partition(".")
                code = dot and re.match(r"^[a-z_]+$", what) and what not in ACTIONS
                if code and family in families and family not in ("database", "manage"):
                    self.assertIn(f"\n{node.value}\n---", page, str(path))

    def test_the_page_for_operators_leads_there(self) -> None:
        page = (documents.SOURCE / "admin" / "troubleshooting.rst").read_text("utf-8")
        self.assertIn("/api/made/errors", page)
