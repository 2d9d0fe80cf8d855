"""Holds the imports of every module against the floors of the architecture."""

from __future__ import annotations

import ast
import pathlib
import re
import sys
from collections.abc import Iterator

import testtools

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What each part may import from glint, as prefixes of module names; a part may always import
# itself. The pure modules stand on nothing but each other. The plan is one of them; it is named
# apart because drivers, data plane and clients have no business with the policy of the system.
PURE = {"glint.objects", "glint.states", "glint.exception"}
FLOORS: dict[str, set[str]] = {
    "glint.objects": PURE,
    "glint.states": PURE,
    "glint.exception": PURE,
    "glint.plan": PURE | {"glint.methods"},
    "glint.methods": PURE,
    "glint.hours": PURE,
    "glint.quotas": {"glint.exception"},
    "glint.version": set(),
    "glint.conf": set(),
    "glint.context": {"glint.exception"},
    "glint.policies": {"glint.exception"},
    "glint.credentials": {"glint.objects", "glint.exception"},
    # The door and what all drivers share. The drivers themselves are found below it.
    "glint.drivers": {"glint.objects", "glint.exception"},
    "glint.transfer": {"glint.objects", "glint.exception", "glint.drivers.base"},
    # Written by the API, read by conductors: it knows no more than both do.
    "glint.uploads": {"glint.exception"},
    "glint.db": PURE | {"glint.hours", "glint.methods", "glint.plan"},
    "glint.rpc": {"glint.context", "glint.exception"},
    "glint.metrics": PURE | {"glint.db"},
    "glint.api": PURE
    | {
        "glint.context",
        "glint.credentials",
        "glint.db",
        "glint.drivers.base",
        "glint.hours",
        "glint.methods",
        "glint.plan",
        "glint.policies",
        "glint.quotas",
        "glint.rpc",
        "glint.uploads",
        "glint.version",
    },
    "glint.conductor": PURE
    | {
        "glint.context",
        "glint.credentials",
        "glint.db",
        "glint.drivers",
        "glint.metrics",
        "glint.methods",
        "glint.plan",
        "glint.quotas",
        "glint.rpc",
        "glint.transfer",
        "glint.uploads",
        "glint.version",
    },
    "glint.client": set(),
    "glint.osc": {"glint.client"},
    "glint_dashboard": {"glint.client"},
}
# The composition roots put everything together; only the clients are none of their business.
COMPOSITION_ROOTS = ("glint.cmd", "glint.wsgi")
NOT_FOR_ROOTS = {"glint.client", "glint.osc", "glint_dashboard"}

# Libraries that live on one floor only; an empty set means nowhere.
LIBRARY_HOMES: dict[str, set[str]] = {
    "eventlet": set(),
    "oslo_messaging": {"glint.rpc"},
    "prometheus_client": {"glint.metrics"},
    "glanceclient": {"glint.drivers"},
    "boto3": {"glint.drivers"},
    "botocore": {"glint.drivers"},
}
# A part that may use these libraries, and of others only the standard one.
ONLY_LIBRARIES: dict[str, set[str]] = {
    "glint.objects": set(),
    "glint.states": set(),
    "glint.exception": set(),
    "glint.plan": set(),
    "glint.methods": set(),
    # The answers of a keystoneauth1 session are objects of requests.
    "glint.client": {"keystoneauth1", "requests"},
}
MAX_LINES = 400


def within(module: str, prefix: str) -> bool:
    """Whether a module is `prefix` or lies inside the package of that name."""
    return module == prefix or module.startswith(prefix + ".")


def within_any(module: str, prefixes: set[str] | tuple[str, ...]) -> bool:
    return any(within(module, prefix) for prefix in prefixes)


def module_name(path: pathlib.Path) -> str:
    """The dotted name of a file of this checkout."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_files(*folders: str) -> list[pathlib.Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(tree: ast.AST, known: set[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a module imports, inside functions too.

    `from a import b` counts as `a.b` when that is one of the `known` modules. A literal name given
    to import_module() counts, so that nobody gets around the table by accident.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in known or base == "glint" else base
        elif isinstance(node, ast.Call) and node.args:
            function = ast.unparse(node.func).rpartition(".")[2]
            argument = node.args[0]
            if (
                function in ("import_module", "__import__")
                and isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
            ):
                yield node.lineno, argument.value


def touches_global_conf(tree: ast.AST) -> Iterator[int]:
    """Lines that use oslo.config's global object."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "CONF":
            yield node.lineno
        elif isinstance(node, ast.ImportFrom) and any(a.name == "CONF" for a in node.names):
            yield node.lineno


def floor_of(module: str) -> str | None:
    """The part that a module belongs to, or None."""
    return next((part for part in (*FLOORS, *COMPOSITION_ROOTS) if within(module, part)), None)


def driver_of(module: str, known: set[str]) -> str | None:
    """The one driver that a module is part of: a package directly below glint.drivers."""
    parts = module.split(".")
    package = ".".join(parts[:3])
    if parts[:2] != ["glint", "drivers"] or len(parts) < 3:
        return None
    return package if any(name.startswith(package + ".") for name in known) else None


def may_import(part: str, module: str, target: str, known: set[str]) -> bool:
    """Whether the floors let `module`, which belongs to `part`, import `target` of Glint."""
    if part in COMPOSITION_ROOTS:
        return not within_any(target, NOT_FOR_ROOTS)
    if within(target, part):
        other = driver_of(target, known)
        return other is None or other == driver_of(module, known)
    return within_any(target, FLOORS[part])


def violations(module: str, source: str, known: set[str]) -> list[str]:
    """What is wrong with the imports of one module, as sentences."""
    part = floor_of(module)
    if module == "glint":
        part = "glint.version"  # the root package imports nothing of its own
    if part is None:
        return [f"{module}: has no floor; give it a row in {__name__}"]
    tree = ast.parse(source)
    found = []
    for line, target in sorted(set(imported(tree, known))):
        library = target.partition(".")[0]
        if target.startswith("."):
            found.append(f"{module}:{line}: relative import")
        elif library in ("glint", "glint_dashboard"):
            if not may_import(part, module, target, known):
                found.append(f"{module}:{line}: {part} may not import {target}")
        elif library in LIBRARY_HOMES and not within_any(module, LIBRARY_HOMES[library]):
            found.append(f"{module}:{line}: {library} is not for {part}")
        elif (
            part in ONLY_LIBRARIES and library not in ONLY_LIBRARIES[part] | sys.stdlib_module_names
        ):
            found.append(f"{module}:{line}: {part} may not use {library}")
    if part not in COMPOSITION_ROOTS:
        found += [f"{module}:{line}: global CONF" for line in touches_global_conf(tree)]
    return found


class FloorsTest(testtools.TestCase):
    """The checkout as it is."""

    def test_every_module_keeps_to_its_floor(self) -> None:
        files = python_files("glint", "glint_dashboard")
        known = {module_name(path) for path in files}
        self.assertIn("glint.objects", known)
        found = [
            sentence
            for path in files
            for sentence in violations(module_name(path), path.read_text("utf-8"), known)
        ]
        self.assertEqual([], found)

    def test_the_dashboard_reaches_the_client_through_one_file(self) -> None:
        doors = [
            module_name(path)
            for path in python_files("glint_dashboard")
            for _, target in imported(ast.parse(path.read_text("utf-8")), set())
            if within(target, "glint")
        ]
        self.assertLessEqual(len(set(doors)), 1, doors)

    def test_one_kind_of_cloud_is_known_to_its_driver_only(self) -> None:
        """What others have to know of it, they learn through the driver's door."""
        words = re.compile(r"\bec2\b|\bamazon|\bami-|\bsnap-", re.IGNORECASE)
        found = [
            f"{module_name(path)}:{number}: {line.strip()}"
            for path in python_files("glint")
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if words.search(line) and not within(module_name(path), "glint.drivers.ec2")
        ]
        # Only the address of a metadata service, which no driver may reach.
        self.assertEqual([], [one for one in found if "fd00:ec2::" not in one])

    def test_nothing_imports_eventlet(self) -> None:
        found = [
            f"{path.relative_to(ROOT)}:{line}"
            for path in python_files("glint", "glint_dashboard", "tests", "tools")
            for line, target in imported(ast.parse(path.read_text("utf-8")), set())
            if within(target, "eventlet")
        ]
        self.assertEqual([], found)

    def test_no_file_is_a_heap(self) -> None:
        found = {
            str(path.relative_to(ROOT)): lines
            for path in python_files("glint", "glint_dashboard", "tests", "tools")
            if (lines := len(path.read_text("utf-8").splitlines())) > MAX_LINES
        }
        self.assertEqual({}, found)


class CheckerTest(testtools.TestCase):
    """The check itself: made-up modules, each with one thing wrong."""

    KNOWN = {
        "glint.api.app",
        "glint.db.api",
        "glint.drivers.base",
        "glint.drivers.ec2.driver",
        "glint.drivers.glance.driver",
        "glint.drivers.glance.session",
        "glint.objects",
        "glint.rpc.client",
        "glint.transfer.fanout",
    }

    def assert_caught(self, module: str, source: str) -> None:
        self.assertEqual(1, len(violations(module, source, self.KNOWN)), f"{module}: {source}")

    def assert_allowed(self, module: str, source: str) -> None:
        self.assertEqual([], violations(module, source, self.KNOWN))

    def test_wrong_floor(self) -> None:
        self.assert_caught("glint.db.api", "from glint.api import app")
        self.assert_caught("glint.db.api", "import glint.conductor.engine")
        self.assert_caught("glint.objects", "from glint import db")
        self.assert_caught("glint.transfer.fanout", "from glint.drivers.glance import driver")
        self.assert_caught("glint.api.app", "from glint.drivers.glance import driver")
        self.assert_caught("glint.osc.site", "from glint.api import app")
        self.assert_caught("glint.client.v1", "from glint import objects")
        self.assert_caught("glint.cmd.manage", "import glint.client")
        self.assert_caught("glint.api.app", "import glint.conf.opts")
        self.assert_caught("glint_dashboard.views", "import glint.db.api")

    def test_hidden_imports(self) -> None:
        self.assert_caught("glint.db.api", "def f():\n    from glint.api import app")
        self.assert_caught("glint.db.api", "importlib.import_module('glint.api.app')")
        self.assert_caught("glint.db.api", "from .. import api")

    def test_a_driver_and_another_driver(self) -> None:
        self.assert_caught("glint.drivers.ec2.driver", "from glint.drivers.glance import session")
        self.assert_caught("glint.drivers.base", "from glint.drivers.glance import driver")
        self.assert_allowed(
            "glint.drivers.glance.driver",
            "from glint.drivers import base\nfrom glint.drivers.glance import session",
        )

    def test_libraries(self) -> None:
        self.assert_caught("glint.api.app", "import oslo_messaging")
        self.assert_caught("glint.rpc.client", "from eventlet import greenthread")
        self.assert_caught("glint.conductor.engine", "from glanceclient.v2 import client")
        self.assert_caught("glint.client.v1", "import oslo_utils")
        self.assert_caught("glint.objects", "import sqlalchemy")
        self.assert_allowed("glint.rpc.client", "import oslo_messaging")
        self.assert_allowed("glint.client.v1", "import json\nfrom keystoneauth1 import adapter")

    def test_global_configuration(self) -> None:
        self.assert_caught("glint.api.app", "from oslo_config import cfg\nx = cfg.CONF.debug")
        self.assert_caught("glint.api.app", "from oslo_config.cfg import CONF")
        self.assert_allowed("glint.cmd.manage", "from oslo_config import cfg\ncfg.CONF()")

    def test_a_part_without_a_floor(self) -> None:
        self.assert_caught("glint.utils", "import json")

    def test_what_the_floors_allow(self) -> None:
        self.assert_allowed("glint.api.app", "from glint.db import api\nimport glint.objects")
        self.assert_allowed("glint.wsgi.api", "from glint.api import app\nimport glint.conf")
        self.assert_allowed("glint_dashboard.api", "from glint.client import v1")
