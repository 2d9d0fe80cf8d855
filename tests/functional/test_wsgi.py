"""The other ways to run Glint that the installation guide has, each as it stands there."""

from __future__ import annotations

import configparser
import pathlib
import shlex
from typing import Any

from glint.client import Resource
from tests import documents
from tests.chaos.glint import ScaledGlint
from tests.functional.base import MIB, GlintTestCase, change
from tests.functional.combinations import broker_url, make_database
from tests.functional.filecase import BYTES
from tests.functional.processes import Process, clean_environment, program
from tests.functional.service import LOOPBACK_NETWORK, GlintService
from tests.minicloud import topology
from tests.minicloud.testcase import some_bytes
from tests.servers.mariadb import MariaDB

GUIDE = documents.SOURCE / "install" / "service.rst"


class GuideCase(GlintTestCase):
    """Not a test by itself."""

    def command(self) -> list[str]:
        (command,) = documents.commands(GUIDE, self.id())
        return shlex.split(command)

    def assert_upload_and_copy(self, chunked: bool) -> None:
        """Bytes go through the server, in chunks or not, and reach a site."""
        column = self.user.column("DAIR", self.dair)
        data = some_bytes(2 * MIB + 5)
        made = self.user.http.post("/v1/images", {"name": "from a file", "disk_format": "raw"})
        image: Resource = made.json()["image"]
        sent: Any = iter([data[:MIB], data[MIB:]]) if chunked else data
        path = f"/v1/images/{image['id']}/file"
        answer = self.user.http("PUT", path, data=sent, headers=BYTES)
        self.assertEqual(200, answer.status_code, answer.text)
        self.assert_done(self.user.save(change(image, column)))
        self.assert_same_bytes(data, self.dair_images.one("from a file"))


class GunicornGlint(ScaledGlint):
    """The API under gunicorn, and one conductor.

    :ivar words: what the guide says to type
    """

    words: list[str]

    def make_processes(self) -> list[Process]:
        _, *rest = super().make_processes()
        here = {
            "OS_GLINT_CONFIG_DIR=/etc/glint": f"OS_GLINT_CONFIG_DIR={self.folder}",
            ":9494": f"{topology.LOOPBACK}:{self.port}",
            "gunicorn": program("gunicorn"),
        }
        setting, *command = (here.get(word, word) for word in self.words)
        name, _, value = setting.partition("=")
        environment = clean_environment(self.folder, **{name: value})
        return [Process("glint-api", command, environment, self.folder / "gunicorn.out"), *rest]


class GunicornTest(GuideCase):
    def make_glint(self, folder: pathlib.Path) -> GlintService:
        GunicornGlint.words = self.command()
        settings = {"images": {"upload_dir": folder / "uploads"}}
        database = make_database(MariaDB)
        return GunicornGlint(
            folder,
            self.alto,
            database=database,
            broker=broker_url(),
            conductors=1,
            settings=settings,
        )

    def test_as_in_the_guide(self) -> None:
        self.assert_upload_and_copy(chunked=True)


class GuideGlint(GlintService):
    """``glint-all`` with the configuration of the guide.

    :ivar words: what the guide says to type
    """

    words: list[str]

    def base_settings(self) -> dict[str, dict[str, Any]]:
        """The two files of the page, the later over the earlier."""
        parser = configparser.RawConfigParser(default_section="none")
        first, *_, last = (
            block
            for block in documents.blocks(GUIDE)
            if block.language == "ini" and block.caption in ("/etc/glint/glint.conf", None)
        )
        parser.read_string(first.text)
        parser.read_string(last.text)
        settings = {name: dict(parser[name]) for name in parser.sections()}
        user = self.home.credentials("glint")
        settings["database"]["connection"] = self.connection
        settings["credentials"]["key_repository"] = str(self.keys)
        settings["keystone_authtoken"]["password"] = user.password
        settings["addresses"]["allowed_networks"] = LOOPBACK_NETWORK
        for section in ("home", "keystone_authtoken"):
            for option, value in settings[section].items():
                settings[section][option] = value.replace(
                    "http://controller:5000/v3", self.home.auth_url
                )
        settings["api"] = {"bind_host": topology.LOOPBACK, "port": str(self.port)}
        settings["images"] = {"upload_dir": str(self.folder / "uploads")}
        return settings

    def make_processes(self) -> list[Process]:
        path = program(pathlib.PurePath(self.words[0]).name)
        command = [path, *(str(self.conf) if "/" in word else word for word in self.words[1:])]
        output = self.folder / "glint-all.out"
        return [Process("glint-all", command, clean_environment(self.folder), output)]


class OneProcessTest(GuideCase):
    def make_glint(self, folder: pathlib.Path) -> GlintService:
        words = self.command()
        GuideGlint.words = words[words.index("--") + 1 :]
        return GuideGlint(folder, self.alto)

    def test_as_in_the_guide(self) -> None:
        self.assert_upload_and_copy(chunked=False)
