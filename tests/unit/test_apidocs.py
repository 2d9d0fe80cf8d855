"""The pages that are made of the code: whole, and readable by docutils."""

from __future__ import annotations

import importlib
import json
import pathlib
from typing import Any

import fixtures
import testtools

from glint.api import versions
from glint.exception import catalogue

apidocs: Any = importlib.import_module("tools.apidocs")


class PagesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        apidocs.write(self.folder)

    def page(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def test_every_route_is_told(self) -> None:
        text, spec = self.page("routes.rst"), json.loads(self.page("openapi.json"))
        for path, entry in spec["paths"].items():
            for verb in set(entry) - {"parameters"}:
                self.assertIn(f"\n{verb.upper()} {path}\n", text)

    def test_every_code_is_told(self) -> None:
        text = self.page("errors.rst")
        for entry in catalogue.entries():
            if not entry.code.startswith(("manage.", "database.")):
                self.assertIn(f"\n{entry.code}\n---", text)
        self.assertNotRegex(text, r"Remedy: \n")

    def test_personas(self) -> None:
        text = self.page("personas.rst")
        row = text[text.index("* - ``GET /v1/sites?all_projects=true``") :].split("* -")[1]
        self.assertEqual(["\\-"] * 4 + ["yes"], row.split()[3::2])
        for version in versions.VERSIONS:
            self.assertIn(f"\n{version}\n---", self.page("history.rst"))
