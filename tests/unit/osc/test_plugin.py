from __future__ import annotations

import argparse
import configparser
import importlib
import pathlib
import re
import shlex
import subprocess
import sys
import types
from typing import Any

import testtools
from keystoneauth1 import noauth, session
from osc_lib import exceptions
from osc_lib.command import command

from glint.osc import base, plugin

ROOT = pathlib.Path(__file__).parents[3]


def commands() -> dict[str, type[Any]]:
    """Every command of setup.cfg with its class."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    section = config["entry_points"]["openstack.image_distribution.v1"]
    found = {}
    for line in section.strip().splitlines():
        name, _, target = line.partition(" = ")
        module, _, kind = target.partition(":")
        found[name.strip()] = getattr(importlib.import_module(module), kind)
    return found


class TestCommands(testtools.TestCase):
    def test_every_command_has_a_parser_and_help(self) -> None:
        app: Any = types.SimpleNamespace()
        for name, kind in commands().items():
            with self.subTest(name):
                made = kind(app, None)
                self.assertIsInstance(made, base.Glint)
                self.assertTrue(made.get_description().strip())
                self.assertIn("usage", made.get_parser(name).format_help())

    def test_every_help_has_an_example_of_its_own(self) -> None:
        """One that the command's own parser takes."""
        app: Any = types.SimpleNamespace()
        for name, kind in commands().items():
            words = name.split("_")
            with self.subTest(name):
                text = " ".join(kind(app, None).get_description().split())
                found = re.findall(rf"Examples?: openstack {' '.join(words)}(?: |;|$)", text)
                self.assertEqual(1, len(found), text)
                for line in text.partition("Example")[2].partition(": ")[2].split("; "):
                    argv = shlex.split(line)
                    self.assertEqual(["openstack", *words], argv[: len(words) + 1])
                    kind(app, None).get_parser(name).parse_args(argv[len(words) + 1 :])

    def test_every_argument_is_explained(self) -> None:
        app: Any = types.SimpleNamespace()
        for name, kind in commands().items():
            for action in kind(app, None).get_parser(name)._actions:
                self.assertTrue(action.help, f"{name} {action.option_strings or action.dest}")

    def test_every_command_class_is_registered(self) -> None:
        registered = set(commands().values())
        for path in (ROOT / "glint" / "osc").glob("*.py"):
            module = importlib.import_module(f"glint.osc.{path.stem}")
            kinds = [k for k in vars(module).values() if isinstance(k, type)]
            for kind in kinds:
                if issubclass(kind, command.Command) and hasattr(kind, "take_action"):
                    own = kind.__module__ == module.__name__
                    final = "take_action" in vars(kind) and not kind.__name__.startswith("_")
                    self.assertTrue(kind in registered or not (own and final), kind)

    def test_no_secret_can_be_an_argument(self) -> None:
        allowed = {"password_file", "password_env"}
        app: Any = types.SimpleNamespace()
        for name, kind in commands().items():
            for action in kind(app, None).get_parser(name)._actions:
                if "password" in action.dest or "secret" in action.dest:
                    self.assertIn(action.dest, allowed)


class TestPlugin(testtools.TestCase):
    def manager(self, version: str = "1.0", endpoint: str | None = None) -> Any:
        return types.SimpleNamespace(
            _api_version={plugin.API_NAME: version},
            _cli_options=types.SimpleNamespace(get_endpoint=lambda service: endpoint),
            session=session.Session(auth=noauth.NoAuth(endpoint="http://auth.example")),
            region_name="ALTO",
            interface="internal",
        )

    def test_client_is_made_for_the_users_choice(self) -> None:
        service = plugin.make_client(self.manager()).http.service

        self.assertEqual("image-distribution", service.service_type)
        self.assertEqual("ALTO", service.region_name)
        self.assertEqual("internal", service.interface)
        self.assertEqual("1.0", service.default_microversion)

    def test_version_without_minor(self) -> None:
        service = plugin.make_client(self.manager("1")).http.service
        self.assertEqual("1.0", service.default_microversion)

    def test_endpoint_without_a_catalogue(self) -> None:
        self.assertEqual(
            "http://glint.example/v1",
            plugin.make_client(self.manager(endpoint="http://glint.example")).http.base(),
        )
        self.assertEqual("http://auth.example/v1", plugin.make_client(self.manager()).http.base())

    def test_versions(self) -> None:
        for good in ("1", "1.0", "1.7"):
            self.assertTrue(plugin.check_api_version(good))
        for bad in ("2", "2.0", "latest", "1.x", ""):
            self.assertRaises(exceptions.CommandError, plugin.check_api_version, bad)

    def test_option(self) -> None:
        parser = plugin.build_option_parser(argparse.ArgumentParser())

        options = parser.parse_args(["--os-image-distribution-api-version", "1.3"])

        self.assertEqual("1.3", options.os_image_distribution_api_version)
        self.assertIsNone(parser.parse_args([]).os_image_distribution_api_version)

    def test_every_start_of_openstack_stays_light(self) -> None:
        code = (
            "import sys, glint.osc.plugin; sys.exit(any(m in sys.modules for m in"
            " ('requests', 'glint.client', 'tqdm', 'osc_lib.utils', 'keystoneauth1')))"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False)
        self.assertEqual(0, done.returncode)
