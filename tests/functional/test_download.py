"""Images that users download through Glint, and the command line around files."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess

import requests

from glint.client import ClientError
from tests.functional.base import MIB, change
from tests.functional.cli import Cli
from tests.functional.faultcase import FILE
from tests.functional.filecase import FileCase
from tests.functional.processes import clean_environment, eventually, program
from tests.functional.webserver import WebServer
from tests.minicloud.testcase import some_bytes


class DownloadTest(FileCase):
    def get(self, image_id: str, **headers: str) -> requests.Response:
        return self.user.http.get(f"/v1/images/{image_id}/file", headers=headers)

    def test_whole_and_in_parts(self) -> None:
        home = self.user.home(self.alto)
        data = some_bytes(3 * MIB + 7)
        image = self.registered(home, data, "at a site")["id"]
        tag = f'"sha512:{hashlib.sha512(data).hexdigest()}"'

        whole = self.get(image)

        self.assertEqual((200, data), (whole.status_code, whole.content))
        self.assertEqual(
            ("application/octet-stream", str(len(data)), tag, "bytes"),
            tuple(
                whole.headers[name]
                for name in ("Content-Type", "Content-Length", "ETag", "Accept-Ranges")
            ),
        )
        size = len(data)
        for wished, begin, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=1000000-2000000", 1000000, 2000001),
            (f"bytes={size - 5}-", size - 5, size),
            ("bytes=-9", size - 9, size),
            (f"bytes=5-{size + 100}", 5, size),
        ):
            part = self.get(image, Range=wished)
            self.assertEqual((206, data[begin:end]), (part.status_code, part.content), wished)
            shown = f"bytes {begin}-{end - 1}/{size}"
            self.assertEqual(shown, part.headers["Content-Range"])
        for ignored in ("bytes=5-1", "bytes=0-1,4-5", "lines=1-2", "bytes=-"):
            self.assertEqual(data, self.get(image, Range=ignored).content, ignored)
        past = self.get(image, Range=f"bytes={size}-")
        self.assert_refused(past, 416, "request.range")
        self.assertEqual(304, self.get(image, **{"If-None-Match": tag}).status_code)
        fresh = self.get(image, **{"Range": "bytes=0-1", "If-Range": tag})
        stale = self.get(image, **{"Range": "bytes=0-1", "If-Range": '"other"'})
        self.assertEqual([206, 200], [fresh.status_code, stale.status_code])
        head = self.user.http("HEAD", f"/v1/images/{image}/file")
        self.assertEqual((200, str(size)), (head.status_code, head.headers["Content-Length"]))
        self.assertEqual(b"", head.content)

    def test_what_is_not_the_image_is_never_whole(self) -> None:
        site = self.proxied(self.alto)
        home = self.user.home(self.alto)
        data = some_bytes(3 * MIB)
        image = self.registered(home, data, "altered")["id"]
        site.flip("GET", FILE, at=MIB, times=None)
        self.assertRaises(requests.exceptions.ChunkedEncodingError, self.get, image)
        self.assertIn("the download is broken off", self.glint.log_text())
        # The client says so, and no file is there.
        target = self.glint.folder / "saved"
        error = self.assertRaises(ClientError, self.user.client.image_files.download, image, target)
        self.assertEqual("client.incomplete", error.code)
        self.assertEqual([], [*self.glint.folder.glob("*saved*")])
        site.clear()
        site.cut("GET", FILE, after=MIB, leg="response")
        self.assertEqual(data, self.get(image).content)  # by range, after the break
        site.clear()
        self.alto_images.delete(self.alto_images.one("altered")["id"])
        self.assert_refused(self.get(image), 502, "transfer.no_source")


class FilesCliTest(Cli, FileCase):
    def test_from_a_file_and_back(self) -> None:
        self.user.column("DAIR", self.dair)
        data = some_bytes(2 * MIB + 1)
        path = self.glint.folder / "Debian 13.raw"
        path.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        what = ("image", "create", "--file", str(path), "--checksum")
        self.run_cli("glint", *what, "sha256:" + "0" * 64, code=1)
        self.assertEqual([], list(self.user.client.images.list()))
        self.assertEqual([], self.files())

        done = self.run_cli(
            "glint", *what, f"sha256:{sha256}", "--credential", "DAIR", "-f", "json",
            "--property", "os_distro=debian",
        )  # fmt: skip

        made = done.json()
        self.assertEqual(("Debian 13", "raw", "ready"), (
            made["name"], made["disk_format"], made["state"]))  # fmt: skip
        eventually(
            lambda: [one["status"] for one in self.dair_images.records()] == ["active"], "a copy"
        )
        target = self.glint.folder / "saved.raw"
        self.run_cli("glint", "image", "save", "--file", str(target), "Debian 13")
        self.assertEqual(data, target.read_bytes())
        full = self.run_cli(
            "glint", "image", "save", "--file", "/nowhere/saved.raw", "Debian 13", code=1
        )
        self.assertIn("cannot be written", full.err)
        web = self.useFixture(WebServer())
        url, file = web.serve("/alpine.qcow2.gz", b"")
        made = self.run_cli("glint", "image", "create", "--url", url, "-f", "json").json()
        self.assertEqual(("alpine", "qcow2", "unread", url), (
            made["name"], made["disk_format"], made["state"], made["source_url"]))  # fmt: skip
        self.assertEqual([], file.gets)

    def test_interrupted_in_mid_upload(self) -> None:
        command = [
            program("openstack"), "glint", "image", "create", "--file", "-", "--name", "piped",
            "--disk-format", "raw",
        ]  # fmt: skip
        output = (self.glint.folder / "cli.out").open("wb")
        self.addCleanup(output.close)
        with subprocess.Popen(
            command,
            env=clean_environment(self.glint.folder, **self.environment()),
            cwd=self.glint.folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        ) as process:
            assert process.stdin is not None
            process.stdin.write(some_bytes(3 * MIB))
            process.stdin.flush()
            self.wait_files(1)
            os.kill(process.pid, signal.SIGINT)
            self.assertNotEqual(0, process.wait(60))
        self.wait_files(0)
        self.assertEqual([], list(self.user.client.images.list()))


class WebDownloadTest(FileCase):
    def test_a_site_fetches_from_the_url_by_itself(self) -> None:
        home, dair = self.two_columns()
        web = self.useFixture(WebServer(self.minicloud.spare_ports[1]))
        data = some_bytes(2 * MIB + 9)
        url, file = web.serve("/image.raw", data)
        image = self.empty("public", source_url=url)
        self.assert_done(self.user.save(change(image, home)))
        self.assertEqual(1, len(file.gets))

        self.assert_done(self.user.save(change(image, dair)))

        copy = self.dair_images.one("public")
        self.assert_same_bytes(data, copy)
        self.assertEqual(data, self.dair_images.download(copy["id"]))
        (done,) = [one for one in self.user.transfers() if one["credential_id"] == dair["id"]]
        self.assertEqual(("import", "done"), (done["method"], done["state"]), str(done))
        self.assertIn("URL", done["reason"])
        self.assertGreater(len(file.gets), 1)

    def test_a_site_that_gets_something_else_is_streamed_to(self) -> None:
        home, dair = self.two_columns()
        web = self.useFixture(WebServer(self.minicloud.spare_ports[1]))
        data = some_bytes(2 * MIB)
        url, file = web.serve("/image.raw", data)
        image = self.empty("altered", source_url=url)
        self.assert_done(self.user.save(change(image, home)))
        file.data = data[::-1]

        self.assert_done(self.user.save(change(image, dair)))

        self.assert_same_bytes(data, self.dair_images.one("altered"))
        (done,) = [one for one in self.user.transfers() if one["credential_id"] == dair["id"]]
        self.assertEqual(("stream", "done"), (done["method"], done["state"]), str(done))
        self.assertEqual(1, len(self.dair_images.records()))
