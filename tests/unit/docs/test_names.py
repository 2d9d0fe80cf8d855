"""What the documentation calls by its name is there: options, files, modules, codes, routes."""

from __future__ import annotations

import configparser
import importlib
import pathlib
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import testtools
from keystoneauth1 import loading

from glint import policies, quotas, states
from glint.exception import catalogue
from tests import documents

apidocs: Any = importlib.import_module("tools.apidocs")

ROOT = documents.ROOT
PAGES = documents.pages()
#: Options of other programs.
NOT_OURS = {
    ("import_filtering_opts", "allowed_ports"),  # Glance
}
TOPS = {"glint", "glint_dashboard", "tests", "tools", "doc", "etc", "devstack", "api-ref", ".ci"}
#: Sections with a login, whose options depend on its type.
LOGINS = ("keystone_authtoken", "oslo_limit")
#: Pages on which a dotted name that begins with ``glint`` is one of Python.
PYTHON = ["contributor", "user/client.rst", "configuration"]


def spoken() -> Iterator[tuple[str, str]]:
    """Page and literal, of all pages."""
    for page in PAGES:
        for text in documents.spoken(page):
            yield str(page.relative_to(ROOT)), text


def sample() -> dict[str, set[str]]:
    """The options of glint.conf, by section, those of the libraries too."""
    found: dict[str, set[str]] = {}
    options: set[str] = set()
    for line in (ROOT / "etc/glint/glint.conf.sample").read_text("utf-8").splitlines():
        if section := re.match(r"^\[(\S+)\]$", line):
            options = found.setdefault(section[1], set())
        elif option := re.match(r"^#?([a-z]\w*) ?=", line):
            options.add(option[1])
    for login in LOGINS:
        found[login] |= {one.dest for one in loading.get_plugin_loader("password").get_options()}
    return found


class OptionsTest(testtools.TestCase):
    def check(self, where: str, section: str, option: str | None) -> None:
        known = sample()
        if (section, option) not in NOT_OURS:
            self.assertIn(section, known, f"{where}: [{section}]")
            if option is not None:
                self.assertIn(option, known[section], f"{where}: [{section}] {option}")

    def test_in_the_text(self) -> None:
        count = 0
        for page, text in spoken():
            if found := re.match(r"^\[(\w+)\](?: (\w+))?", text):
                self.check(page, found[1], found[2])
                count += 1
        self.assertGreater(count, 20)

    def test_in_files(self) -> None:
        """Of the blocks with a caption, those of ``glint.conf``."""
        for page in PAGES:
            for block in documents.blocks(page):
                if block.language == "ini" and "glint.conf" in (block.caption or "glint.conf"):
                    parser = configparser.RawConfigParser(default_section="no such section")
                    parser.read_string(block.text)
                    for section in parser.sections():
                        for option in parser[section]:
                            self.check(block.where, section, option)


class TreeTest(testtools.TestCase):
    def test_paths(self) -> None:
        count = 0
        for page, text in spoken():
            top, slash, _ = text.partition("/")
            if top in TOPS and slash and " " not in text:
                self.assertTrue(self.there(text), f"{page}: {text}")
                count += 1
        self.assertGreater(count, 30)

    def there(self, path: str) -> bool:
        """Whether git would have it, or the build makes it."""
        made = ("doc/build", "api-ref/build")
        return path.startswith(made) or any(ROOT.glob(path.rstrip("/")))

    def test_dotted_names(self) -> None:
        count = 0
        for page, text in spoken():
            place = page.removeprefix("doc/source/")
            if place.startswith(tuple(PYTHON)) and re.match(r"^(glint|tests)\.[\w.]+$", text):
                self.assertTrue(self.importable(text), f"{page}: {text}")
                count += 1
        self.assertGreater(count, 30)

    def importable(self, name: str) -> bool:
        if name in (ROOT / "setup.cfg").read_text("utf-8"):
            return True  # a group of entry points
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            try:
                found = importlib.import_module(".".join(parts[:end]))
            except ModuleNotFoundError:
                continue
            for part in parts[end:]:
                if not hasattr(found, part):
                    return False
                found = getattr(found, part)
            return True
        return False

    def test_files_beside_the_pages(self) -> None:
        for page in PAGES:
            for name in re.findall(r"^\.\. (?:image|figure):: (\S+)$", page.read_text(), re.M):
                self.assertTrue((page.parent / name).resolve().exists(), f"{page}: {name}")

    def test_every_picture_is_used(self) -> None:
        text = "\n".join(page.read_text("utf-8") for page in PAGES)
        for path in (documents.SOURCE / "images").iterdir():
            self.assertIn(f"images/{path.name}", text)


class ServiceTest(testtools.TestCase):
    def test_error_codes(self) -> None:
        apidocs.errors()  # imports all classes
        known = {entry.code for entry in catalogue.entries()}
        families = {code.partition(".")[0] for code in known} - {"glint"}
        for page, text in spoken():
            found = re.match(r"^([a-z_]+)\.[a-z_]+$", text)
            if found and found[1] in families and not text.endswith((".py", ".rst", ".json")):
                self.assertIn(text, known, page)

    def test_policies(self) -> None:
        known = {rule.name for rule in policies.list_rules()}
        for page, text in spoken():
            if re.match(r"^(site|credential|image|operation|matrix|quota|event)\w*:[a-z_]+$", text):
                self.assertIn(text, known, page)

    def test_routes(self) -> None:
        paths = apidocs.document()["paths"]
        known = {
            (verb, re.sub(r"\{\w+\}", "{}", path))
            for path, verbs in paths.items()
            for verb in verbs
        }
        count = 0
        for page, text in spoken():
            if found := re.match(r"^(GET|POST|PUT|PATCH|DELETE) (/v1/[^?\s]*)", text):
                path = re.sub(r"\{\w+\}", "{}", found[2])
                self.assertIn((found[1].lower(), path), known, page)
                count += 1
        self.assertGreater(count, 3)


class TablesTest(testtools.TestCase):
    """Lists that stand in the code, and are told on a page."""

    def rows(self, page: str, after: str) -> set[str]:
        text = (documents.SOURCE / page).read_text("utf-8").partition(after)[2]
        return set(re.findall(r"(?m)^``(\w+)`` ", text))

    def test_statuses_of_a_cell(self) -> None:
        self.assertEqual(
            set(states.DeploymentStatus), self.rows("user/words.rst", "statuses of a cell")
        )

    def test_extras(self) -> None:
        parser = configparser.ConfigParser()
        parser.read(ROOT / "setup.cfg", "utf-8")
        self.assertEqual(set(parser["extras"]), self.rows("install/index.rst", "Extra"))

    def test_quotas(self) -> None:
        self.assertEqual(set(quotas.RESOURCES), self.rows("admin/quotas.rst", "no limit"))


class LinksTest(testtools.TestCase):
    """References between pages are held by Sphinx; others are looked at, not followed."""

    def test_addresses(self) -> None:
        for page in PAGES:
            for link in re.findall(
                r"<(https?:[^>]*)>`_|(?<![`\w])(https?://[^\s`>\"',)]+)", page.read_text()
            ):
                url = next(filter(None, link))
                parts = urllib.parse.urlsplit(url)
                self.assertRegex(parts.netloc, r"^[\w.-]+(:\d+|:PORT)?$", f"{page}: {url}")

    def test_no_private_places(self) -> None:
        for page in PAGES:
            for word in ("/work/", "/tmp/", "/root/", "/home/"):
                self.assertNotIn(word, page.read_text("utf-8"), str(page))

    def test_pages_are_reached(self) -> None:
        """Every page of doc/source is in a table of contents."""
        listed = set()
        for page in PAGES:
            for tree in re.findall(
                r"\.\. toctree::\n(?:   :.*\n)*\n((?:   .+\n)+)", page.read_text()
            ):
                listed |= {(page.parent / name.strip()).resolve() for name in tree.splitlines()}
        for page in PAGES:
            if documents.SOURCE in page.parents and page != documents.SOURCE / "index.rst":
                self.assertIn(pathlib.Path(page).with_suffix(""), listed)
