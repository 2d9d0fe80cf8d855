"""Every command of the documentation is run by a test, or says why it is not; and it parses."""

from __future__ import annotations

import configparser
import importlib
import inspect
import os
import re

import testtools

from tests import documents
from tests.unit.docs import parsers

ROOT = documents.ROOT
PAGES = documents.pages()
BLOCKS = [block for page in PAGES for block in documents.blocks(page)]
SPOKEN = [(page.relative_to(ROOT), text) for page in PAGES for text in documents.spoken(page)]


class MarksTest(testtools.TestCase):
    def test_all_pages_are_looked_at(self) -> None:
        names = {str(path.relative_to(ROOT)) for path in PAGES}
        wanted = {"README.rst", "CONTRIBUTING.rst", "HACKING.rst", "devstack/README.rst"}
        self.assertEqual(set(), (wanted | {"doc/source/install/service.rst"}) - names)
        self.assertTrue(any(block.commands() for block in BLOCKS))

    def test_every_block_with_commands_says_who_runs_it(self) -> None:
        without = [block.where for block in BLOCKS if block.commands() and not block.mark]
        self.assertEqual([], without, documents.__doc__)

    def test_in_a_console_something_is_typed(self) -> None:
        silent = [one.where for one in BLOCKS if one.language == "console" and not one.commands()]
        self.assertEqual([], silent, "commands stand after '$ ' or '# '")

    def test_other_shells_are_not_used(self) -> None:
        # Their commands would not be found.
        odd = [one.where for one in BLOCKS if one.language in ("bash", "sh", "shell")]
        self.assertEqual([], odd, "write: code-block:: console")

    def test_who_is_said_to_run_it_exists_and_reads_the_page(self) -> None:
        for mark in {block.mark for block in BLOCKS if block.mark}:
            if mark.kind == "run by":
                self.check_runner(mark.text)
            else:
                self.assertGreater(len(mark.text.split()), 3, f"a reason, please: {mark}")

    def check_runner(self, name: str) -> None:
        if name.startswith("tools/"):
            self.assertTrue(os.access(ROOT / name, os.X_OK), name)
            self.assertIn(name, (ROOT / ".ci" / "run").read_text())
            return
        module, case, method = name.rsplit(".", 2)
        found = importlib.import_module(module)
        self.assertTrue(callable(getattr(getattr(found, case), method)), name)
        self.assertRegex(inspect.getsource(found), r"\bdocuments\.|tests\.walk", name)

    def test_a_mark_belongs_to_a_block(self) -> None:
        for page in PAGES:
            written = re.findall(r"^ *\.\. (?:run by|not run)\b.*$", page.read_text(), re.MULTILINE)
            used = {block.mark for block in documents.blocks(page) if block.commands()}
            self.assertGreaterEqual(len(written), len(used - {None}), page)
            for line in written:
                self.assertIn(line.split(": ", 1)[1], {mark.text for mark in used if mark}, line)


class ParsersTest(testtools.TestCase):
    def test_commands_of_blocks(self) -> None:
        count = 0
        for block in BLOCKS:
            for command in block.commands():
                for words in parsers.programs(command):
                    parsers.read(words, whole=True)
                    count += 1
        self.assertGreater(count, 50)

    def test_commands_in_the_text(self) -> None:
        for page, text in SPOKEN:
            if text.split()[0] in parsers.READERS:
                for words in parsers.programs(text):
                    self.read(str(page), words)

    def read(self, page: str, words: list[str]) -> None:
        try:
            parsers.read(words, whole=False)
        except parsers.Misread as error:
            self.fail(f"{page}: {error}")

    def test_what_is_wrong_is_seen(self) -> None:
        for command in (
            "openstack glint image destroy x",
            "openstack glint image list --colour",
            "openstack glint deploy x --at DAIR",
            "openstack --os-clod x glint matrix show",
            "openstack project create",
            "glint-manage db downgrade",
            "glint-manage operation purge --days 90",
            "glint-status upgrade",
            "runuser -u glint -- /opt/glint/bin/glint-conductor --workers 2",
        ):
            (words,) = parsers.programs(command)
            self.assertRaises(parsers.Misread, parsers.read, words, whole=True)

    def test_programs_of_a_line(self) -> None:
        line = "A=1 one $(two -f x) | sudo three > file && runuser -u glint -- four"
        found = list(parsers.programs(line))
        self.assertEqual([["two", "-f", "x"], ["one", "VALUE"], ["three"], ["four"]], found)


class ToolsTest(testtools.TestCase):
    """What contributors type."""

    def everything(self) -> list[tuple[str, str]]:
        typed = [(block.where, text) for block in BLOCKS for text in block.commands()]
        return typed + [(str(page), text) for page, text in SPOKEN]

    def test_environments_of_tox(self) -> None:
        parser = configparser.RawConfigParser()
        parser.read(ROOT / "tox.ini", "utf-8")
        for where, text in self.everything():
            for name in re.findall(r"^tox -e ([\w,]+)", text):
                self.assertIn(f"testenv:{name}", parser.sections(), where)

    def test_modules(self) -> None:
        for where, text in self.everything():
            for name in re.findall(r"^python -m ((?:tests|tools|glint)[\w.]*)", text):
                path = ROOT / name.replace(".", "/")
                there = (path / "__main__.py").exists() or path.with_suffix(".py").exists()
                self.assertTrue(there, f"{where}: {text}")

    def test_scripts(self) -> None:
        for where, text in self.everything():
            for name in re.findall(r"^(?:python )?(tools/[\w./]+)", text):
                self.assertTrue((ROOT / name).exists(), f"{where}: {text}")
