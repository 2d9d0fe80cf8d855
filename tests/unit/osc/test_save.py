"""The file of wishes: its format, names, and what is sent."""

from __future__ import annotations

import io
import json
import pathlib
from typing import Any

import fixtures

from glint.osc.save import Save
from tests.unit.client.base import GLINT
from tests.unit.osc.base import AT_ALTO, AT_DAIR, IMAGE, Terminal
from tests.unit.osc.test_deploy import OTHER, DeployTestCase


class TestFile(DeployTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def file(self, content: Any) -> str:
        path = self.folder / "changes.yaml"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def saved(self, *entries: dict[str, Any]) -> list[tuple[Any, ...]]:
        self.command(Save, "-f", self.file({"changes": list(entries)}))
        keys = ("image_id", "credential_id", "wanted")
        return [tuple(change[key] for key in keys) for change in self.body()["changes"]]

    def wrong(self, content: Any) -> str:
        said = self.fails(Save, "-f", self.file(content))
        self.assertEqual([], [r for r in self.sent() if r.method == "POST"])
        return said

    def test_names_ids_lists_and_all(self) -> None:
        columns = [{**AT_ALTO, "enabled": True}, {**AT_DAIR, "enabled": True}]
        self.http.get(f"{GLINT}/v1/matrix", json={"credentials": columns, "images": []})
        found = self.saved(
            {"image": ["rescue", str(OTHER["id"])], "to": "all"},
            {"image": "rescue", "to": ["DAIR", str(AT_ALTO["id"])]},
        )
        here, there = AT_ALTO["id"], AT_DAIR["id"]
        pairs = [(i["id"], c, True) for i in (IMAGE, OTHER) for c in (here, there)]
        self.assertEqual(pairs, found)

    def test_removal_with_its_switches(self) -> None:
        entry = {"image": "rescue", "from": "DAIR", "to": "ALTO", "allow_foreign": True}
        self.saved(entry)
        added, removed = self.body()["changes"]
        self.assertNotIn("allow_foreign", added)
        self.assertEqual((False, True), (removed["wanted"], removed["allow_foreign"]))

    def test_yaml_and_standard_input(self) -> None:
        text = "changes:\n- image: rescue\n  to: [DAIR]\n"
        self.useFixture(fixtures.MonkeyPatch("sys.stdin", io.StringIO(text)))
        self.command(Save, "--file", "-")
        self.assertEqual(1, len(self.body()["changes"]))

    def test_f_is_the_file_and_the_format(self) -> None:
        path = self.file({"changes": [{"image": "rescue", "to": "DAIR"}]})
        (row,) = self.json(Save, "-f", path)
        self.assertEqual("queued", row["State"])
        self.assertIn("Name the file", self.fails(Save, "-f", "json"))
        self.refused(Save, "--format", path)

    def test_dry_run_saves_nothing(self) -> None:
        plan = {"cells": [], "bytes_to_move": 0, "bytes_to_read": 0}
        self.http.post(f"{GLINT}/v1/operations?dry_run=true", json={"plan": plan})
        path = self.file({"changes": [{"image": "rescue", "to": "DAIR"}]})
        self.command(Save, "-f", path, "--dry-run")
        self.assertIn("Nothing was saved", self.err.getvalue())

    def test_the_place_of_a_mistake_is_said(self) -> None:
        good = {"image": "rescue", "to": "DAIR"}
        for content, place in (
            ({"changes": [good, {**good, "form": "X"}]}, "changes[1]: "),
            ({"changes": [{"image": "rescue"}]}, "changes[0]: "),
            ({"changes": [{**good, "to": [1]}]}, "changes[0].to"),
            ({"changes": [{**good, "allow_foreign": "yes"}]}, "changes[0].allow_foreign"),
            ({"changes": []}, "changes: "),
            ([], "the file: "),
            ("", "the file: "),
            ("a: [", "neither YAML nor JSON in line"),
            ("!!python/object/apply:os.getpid []", "neither YAML nor JSON"),
            ("[" * 10000, "neither YAML nor JSON"),
        ):
            with self.subTest(place):
                self.assertIn(place, self.wrong(content))

    def test_names_that_mean_nothing_or_both(self) -> None:
        self.assertIn("No image", self.wrong({"changes": [{"image": "no", "to": "DAIR"}]}))
        both = {"image": "rescue", "to": "DAIR", "from": "DAIR (hep)"}
        said = self.wrong({"changes": [both]})
        self.assertEqual("rescue at DAIR (hep) is wished both to and from.", said)

    def test_files_that_cannot_be_read(self) -> None:
        self.assertIn("cannot be read", self.fails(Save, "-f", str(self.folder / "missing")))
        self.assertIn("cannot be read", self.fails(Save, "-f", str(self.folder)))
        (self.folder / "big").write_bytes(b" " * ((1 << 20) + 1))
        self.assertIn("larger than", self.fails(Save, "-f", str(self.folder / "big")))
        (self.folder / "bytes").write_bytes(b"\xff\xfe")
        self.assertIn("UTF-8", self.fails(Save, "-f", str(self.folder / "bytes")))
        self.useFixture(fixtures.MonkeyPatch("sys.stdin", Terminal()))
        self.assertIn("the file: ", self.fails(Save, "-f", "-"))
