"""The policies that come with the panels are Glint's own."""

from __future__ import annotations

import pathlib
import re

import testtools
import yaml

import glint_dashboard
from glint import policies

HERE = pathlib.Path(glint_dashboard.__file__).parent


class PoliciesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        text = (HERE / "conf/default_policies.yaml").read_text("utf-8")
        self.shipped = {rule["name"]: rule["check_str"] for rule in yaml.safe_load(text)}

    def test_what_is_shipped_is_what_glint_asks(self) -> None:
        real = {rule.name: rule.check_str for rule in policies.list_rules()}
        wrong = {name for name, check in self.shipped.items() if real.get(name) != check}
        # python -m django dump_default_policies --namespace glint --output-file ...
        self.assertEqual(set(), wrong)

    def test_every_rule_that_the_panels_ask_is_shipped(self) -> None:
        asked = {
            rule
            for path in HERE.rglob("*.py")
            for rule in re.findall(r'"([a-z_]+:[a-z_]+)"', path.read_text("utf-8"))
        }
        self.assertIn("operation:create", asked)
        self.assertEqual(set(), asked - set(self.shipped))
