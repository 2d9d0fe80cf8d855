"""What setup.cfg, requirements.txt and the pages about them say is true of the code."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import pathlib
import re
import sys

import testtools

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Parts whose libraries come with extras, by how their path below the root begins; the first fits.
TEST_EXTRAS = ["test", "cli", "dashboard", "demo", "mysql", "postgresql"]
EXTRAS = {
    "glint/osc": ["cli"],
    "glint_dashboard": ["dashboard"],
    "tests/minicloud/testcase.py": TEST_EXTRAS,
    "tests/minicloud/horizon/": ["demo", "dashboard"],
    "tests/minicloud/": ["demo"],
    "tests/": TEST_EXTRAS,
    "tools/demo": ["cli", "demo"],
    "tools/": TEST_EXTRAS,
}
# Scripts import their neighbours by their bare names.
SCRIPTS = ("tools/*.py", "tests/*/*.py")
OURS = {"glint", "glint_dashboard", "tests"} | {
    path.stem for pattern in SCRIPTS for path in ROOT.glob(pattern)
}
# Needed without being imported: by the build, as part of glint.conf.
NOT_IMPORTED = {"pbr", "oslo-concurrency"}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    return parser


def names(lines: str) -> set[str]:
    """Distribution names in the lines of a requirements file or of an extra, normalised."""
    found = set()
    for line in lines.splitlines():
        if match := re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line):
            found.add(normal(match[1]))
    return found - {"glint"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required() -> set[str]:
    return names((ROOT / "requirements.txt").read_text("utf-8"))


def extras() -> dict[str, set[str]]:
    return {name: names(lines) for name, lines in setup_cfg()["extras"].items()}


def libraries(path: pathlib.Path) -> set[str]:
    """Top-level names that a file imports, without Glint's own and the standard library's."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - OURS


def allowed_in(path: pathlib.Path) -> set[str]:
    """Distributions that a file may use."""
    place = path.relative_to(ROOT).as_posix()
    names_of_extras = next((EXTRAS[part] for part in EXTRAS if place.startswith(part)), [])
    return required().union(*(extras()[name] for name in names_of_extras))


class PackagingTest(testtools.TestCase):
    """Each test reads the files of the checkout as they are."""

    def test_every_entry_point_leads_to_something(self) -> None:
        for group, lines in setup_cfg()["entry_points"].items():
            for line in filter(None, map(str.strip, lines.splitlines())):
                name, _, value = (part.strip() for part in line.partition("="))
                point = importlib.metadata.EntryPoint(name, value, group)
                self.assertIsNotNone(point.load(), line)

    def test_the_installed_entry_points_are_those_of_setup_cfg(self) -> None:
        declared = {
            (group, line.partition("=")[0].strip())
            for group, lines in setup_cfg()["entry_points"].items()
            for line in filter(None, map(str.strip, lines.splitlines()))
        }
        installed = {
            (point.group, point.name)
            for point in importlib.metadata.distribution("glint").entry_points
        }
        self.assertEqual(declared, installed, "pip install -e . again")

    def test_what_is_imported_is_required(self) -> None:
        owners = importlib.metadata.packages_distributions()
        files = [
            path
            for pattern in ("glint*/**/*.py", "tests/**/*.py", "tools/*.py")
            for path in sorted(ROOT.glob(pattern))
        ]
        found = [
            f"{path.relative_to(ROOT)}: {library}"
            for path in files
            for library in sorted(libraries(path))
            if not {normal(owner) for owner in owners.get(library, [])} & allowed_in(path)
        ]
        self.assertEqual([], found)

    def test_what_is_required_is_imported(self) -> None:
        owners = importlib.metadata.packages_distributions()
        used = {
            normal(owner)
            for path in (ROOT / "glint").rglob("*.py")
            for library in libraries(path)
            for owner in owners.get(library, [])
        }
        self.assertEqual(set(), required() - used - NOT_IMPORTED)

    def test_every_dependency_has_its_reason(self) -> None:
        page = (ROOT / "doc/source/contributor/dependencies.rst").read_text("utf-8").lower()
        everything = required().union(*extras().values())
        without = {
            name
            for name in everything
            if name not in normal(page) and not name.startswith("types-")
        }
        self.assertEqual(set(), without)

    def test_every_dependency_is_pinned(self) -> None:
        pins = names((ROOT / "constraints.txt").read_text("utf-8"))
        docs = names((ROOT / "doc/requirements.txt").read_text("utf-8"))
        self.assertEqual(set(), required().union(docs, *extras().values()) - pins)
