"""The pages about the command line tell what the commands are."""

from __future__ import annotations

import ast
import configparser
import shlex
import types
from typing import Any

import testtools

from glint.osc import base
from tests.unit.osc.test_plugin import ROOT, commands

USER = ROOT / "doc" / "source" / "user"


class TestSession(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = (USER / "session.txt").read_text()
        self.typed = [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]

    def test_it_is_what_the_tool_records(self) -> None:
        tree = ast.parse((ROOT / "tools" / "record_session.py").read_text())
        (script,) = (
            ast.literal_eval(node.value.func.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and getattr(node.targets[0], "id", "") == "SESSION"
        )
        lines = script.strip().splitlines()
        self.assertLess(len(lines), 10)
        self.assertEqual([shlex.split(line)[:4] for line in lines],
                         [shlex.split(line)[:4] for line in self.typed])  # fmt: skip

    def test_its_commands_are_understood(self) -> None:
        app: Any = types.SimpleNamespace()
        for line in self.typed:
            words = shlex.split(line)[1:]
            (name,) = (n for n in commands() if words[: n.count("_") + 1] == n.split("_"))
            parser = commands()[name](app, None).get_parser(name)
            parser.parse_args(words[name.count("_") + 1 :])

    def test_it_ends_with_a_full_matrix(self) -> None:
        shown = self.text.split("$ openstack glint matrix show\n")[-1].partition("$ ")[0]
        rows = [line.split("|")[1:-1] for line in shown.splitlines() if line.startswith("|")]
        self.assertEqual(4, len(rows))
        for row in rows[1:]:
            self.assertEqual(["X", "X"], [cell.strip() for cell in row[1:]])


class TestReference(testtools.TestCase):
    def test_it_is_made_of_the_entry_points(self) -> None:
        """So it holds every command, with the help of its own parser."""
        config = configparser.ConfigParser()
        config.read(ROOT / "setup.cfg")
        text = (USER / "cli-reference.rst").read_text()
        group = text.partition(".. autoprogram-cliff:: ")[2].splitlines()[0]
        self.assertIn(group, config["entry_points"])
        self.assertIn(":command: glint *", text)
        conf = (ROOT / "doc" / "source" / "conf.py").read_text()
        self.assertIn('"cliff.sphinxext"', conf)

    def test_every_number_has_a_unit_and_every_default_is_told(self) -> None:
        units = {
            base.positive: {"SECONDS"},
            base.count: {"N", "BYTES"},
            base.whole: {"GB", "MB"},
        }
        app: Any = types.SimpleNamespace()
        for name, kind in commands().items():
            for action in kind(app, None).get_parser(name)._actions:
                if action.container.title in _CLIFFS:
                    continue
                label = f"{name} {action.option_strings}"
                if action.type in units:
                    self.assertIn(action.metavar, units[action.type], label)
                else:
                    self.assertNotIn(action.type, (int, float), label)
                if action.default not in (None, False, True, [], {}, "==SUPPRESS=="):
                    self.assertIn("default", str(action.help), label)


#: Groups of options that cliff adds to every command that shows something.
_CLIFFS = {"output formatters", "table formatter", "JSON formatter", "CSV Formatter",
           "shell formatter"}  # fmt: skip
