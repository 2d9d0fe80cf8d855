"""What people get wrong at the command line, and what goes wrong under it.

Exit code 1, a sentence that says what to do, and nothing left behind: here or at the service.
"""

from __future__ import annotations

import os
import pathlib
import re

from tests.functional.base import MIB, WAIT
from tests.functional.cli import Cli
from tests.functional.filecase import FileCase
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.testcase import some_bytes

#: What asks how an operation stands.
OPERATION = r"/v1/operations/[^/]+$"


class WaitTest(Cli, FileCase):
    def setUp(self) -> None:
        super().setUp()
        self.proxy_of_glint: FaultProxy = self.proxy(self.glint.url)
        self.register(self.proxy_of_glint.url)
        self.addCleanup(self.register, self.glint.url)
        home, _ = self.two_columns()
        self.registered(home, some_bytes(MIB), "waited for")
        self.deploy = ("glint", "deploy", "waited for", "--to", "DAIR", "--wait", str(WAIT))

    def register(self, url: str) -> None:
        self.alto.register_service("image-distribution", "glint", url)

    def test_a_token_that_ends_in_mid_wait(self) -> None:
        """A new one is asked for, and the wait goes on."""
        self.proxy_of_glint.answer("GET", OPERATION, 401)

        done = self.run_cli(*self.deploy, "-f", "json")

        self.assertEqual("done", done.json()[0]["State"])
        asked = self.proxy_of_glint.seen("GET", OPERATION)
        self.assertEqual([401, 200], [one.status for one in asked[:2]])

    def test_a_login_that_ends_in_mid_wait(self) -> None:
        """The command ends and says how to go on; the work does not end."""
        self.proxy_of_glint.answer("GET", OPERATION, 401, times=None)

        said = self.run_cli(*self.deploy, code=1).err

        self.assertIn("401", said)
        found = re.search(r"The operation goes on. See: openstack glint operation wait (\S+)", said)
        assert found is not None, said
        self.proxy_of_glint.clear()
        operation = self.user.client.operations.get(found.group(1))
        self.assert_done(self.user.wait(operation))


class FilesTest(Cli, FileCase):
    def nothing_is_left(self) -> None:
        self.assertEqual([], list(self.user.client.images.list()))
        self.assertEqual([], self.files())

    def refused(self, *arguments: str, says: str) -> None:
        said = self.run_cli("glint", *arguments, code=1).err
        self.assertIn(says, said)

    def test_a_disk_that_is_full(self) -> None:
        """Here: a limit on the size of files, which is met in the same way."""
        home = self.user.home(self.alto)
        data = some_bytes(5 * MIB)
        self.registered(home, data, "large")
        folder = pathlib.Path(self.glint.folder / "home")
        folder.mkdir()
        target = folder / "large.raw"
        target.write_bytes(b"an older one")
        limit = ("sh", "-c", 'ulimit -f 4096 && exec "$@"', "sh")  # blocks of 512 bytes

        save = ("glint", "image", "save", "large", "--file", str(target))
        said = self.run_cli(*save, code=1, before=limit).err

        self.assertIn("File too large. Nothing is left of it. (client.file_failed)", said)
        self.assertEqual([target], [*folder.iterdir()])
        self.assertEqual(b"an older one", target.read_bytes())
        self.run_cli(*save)
        self.assertEqual(data, target.read_bytes())

    def test_files_that_cannot_be_sent(self) -> None:
        folder = pathlib.Path(self.glint.folder)
        empty, closed = folder / "empty.raw", folder / "closed.raw"
        empty.touch()
        create = ("image", "create", "--disk-format", "raw", "--name", "n", "--file")
        self.refused(*create, str(empty), says="empty.raw is empty.")
        self.refused(*create, str(folder), says="Is a directory")
        self.refused(*create, str(folder / "nowhere"), says="No such file or directory")
        if os.geteuid() != 0:
            closed.write_bytes(b"data")
            closed.chmod(0)
            self.refused(*create, str(closed), says="Permission denied")
        # Standard input that ends at once: only the service can tell.
        self.refused(*create, "-", says="(400, ")
        self.nothing_is_left()

    def test_a_service_that_is_too_old(self) -> None:
        version = ("--os-image-distribution-api-version", "1.999")
        said = self.run_cli(*version, "glint", "site", "list", code=1).err
        self.assertRegex(said, r"This Glint has versions 1\.0 to 1\.\d+ of its API")
        self.assertIn("have the service upgraded", said)
