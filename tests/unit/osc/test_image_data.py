"""Images from sites, files and URLs, and into files."""

from __future__ import annotations

import hashlib
import os
import pathlib
import threading
from typing import Any

import fixtures

from glint.osc.image_data import CreateImage, SaveImage
from tests.unit.client.base import GLINT
from tests.unit.osc.base import AT_ALTO, IMAGE, OscTestCase


class TestCreate(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("credentials", AT_ALTO)
        self.http.post(f"{GLINT}/v1/images", json={"image": IMAGE}, status_code=201)

    def test_from_a_site(self) -> None:
        shown = self.json(CreateImage, "--site-image", "r", "--credential", "ALTO")
        self.assertEqual(IMAGE, shown)
        self.assertEqual({"credential_id": AT_ALTO["id"], "remote_id": "r"}, self.body())

    def test_a_site_says_the_rest_itself(self) -> None:
        what = ("--site-image", "r", "--credential", "ALTO")
        for option, value in {
            "--name": "n", "--disk-format": "raw", "--container-format": "bare", "--size": "1",
            "--checksum": "md5:0", "--property": "a=b", "--tag": "t", "--min-disk": "0",
            "--min-ram": "0",
        }.items():  # fmt: skip
            said = self.fails(CreateImage, *what, option, value)
            self.assertIn(f"{option} does not go with --site-image", said)
        self.assertIn("needs --credential", self.fails(CreateImage, *what[:2]))
        self.assertEqual([], [request for request in self.sent() if request.method == "POST"])

    def test_from_a_url_with_labels(self) -> None:
        url = "https://web.example/pub/Debian-13.QCOW2.xz?mirror=1"
        self.command(
            CreateImage,
            *("--url", url, "--property", "b=x=y", "--tag", "t", "--tag", "t", "--size", "7"),
            *("--min-disk", "2", "--min-ram", "0", "--container-format", "bare"),
        )
        wished = {
            "name": "Debian-13", "disk_format": "qcow2", "source_url": url, "expected": {},
            "properties": {"b": "x=y"}, "tags": ["t"], "size": 7, "min_disk": 2, "min_ram": 0,
            "container_format": "bare",
        }  # fmt: skip
        self.assertEqual(wished, self.body())

    def test_wrong_arguments(self) -> None:
        url = ("--url", "https://web.example/image")
        self.assertIn("--disk-format", self.fails(CreateImage, *url))
        raw = (*url, "--disk-format", "raw")
        self.assertIn("no checksum", self.fails(CreateImage, *raw, "--checksum", "9f86"))
        self.assertIn("KEY=VALUE", self.fails(CreateImage, *raw, "--property", "a"))
        self.assertIn("leave --credential", self.fails(CreateImage, *raw, "--credential", "ALTO"))
        self.assertIn("--name", self.fails(CreateImage, "--file", "-", "--disk-format", "raw"))

    def test_files_that_are_none(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / "empty.raw").touch()
        for name, why in (("gone.raw", "No such file"), (".", "directory"), ("empty.raw", "empty")):
            self.assertIn(why, self.fails(CreateImage, "--file", str(folder / name)))
        self.assertEqual([], self.sent())

    def test_a_refused_upload_leaves_no_row(self) -> None:
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "a.raw")
        path.write_bytes(b"data")
        self.refuse("PUT", f"/images/{IMAGE['id']}/file", 413, "image.too_large", "Too large.")
        deleted = self.http.delete(f"{GLINT}/v1/images/{IMAGE['id']}", status_code=204)
        self.assertIn("image.too_large", self.fails(CreateImage, "--file", str(path)))
        self.assertTrue(deleted.called_once)
        self.refuse("DELETE", f"/images/{IMAGE['id']}", 409, "image.in_use", "Busy.")
        self.assertIn("image.too_large", self.fails(CreateImage, "--file", str(path)))
        self.assertIn("stays in the catalogue: Busy.", self.err.getvalue())


class TestSave(OscTestCase):
    data = b"data" * 1000

    def setUp(self) -> None:
        super().setUp()
        self.serve("images", IMAGE)
        tag = f'"sha512:{hashlib.sha512(self.data).hexdigest()}"'
        headers = {"ETag": tag, "Content-Length": str(len(self.data))}
        url = f"{GLINT}/v1/images/{IMAGE['id']}/file"
        self.http.get(url, content=self.data, headers=headers)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def save(self, path: pathlib.Path) -> None:
        self.command(SaveImage, "--file", str(path), "rescue")

    def test_a_file_and_what_a_link_names(self) -> None:
        target, link = self.folder / "saved", self.folder / "link"
        link.symlink_to(target)
        target.write_bytes(b"old")
        self.save(link)
        self.assertEqual(self.data, target.read_bytes())
        self.assertTrue(link.is_symlink())
        self.assertEqual(["link", "saved"], sorted(p.name for p in self.folder.iterdir()))

    def test_a_pipe_stays_one(self) -> None:
        pipe, got = self.folder / "pipe", []
        os.mkfifo(pipe)
        reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
        reader.start()
        self.save(pipe)
        reader.join(60)
        self.assertEqual([self.data], got)
        self.assertTrue(pipe.is_fifo())

    def test_no_room(self) -> None:
        said = self.fails(SaveImage, "--file", "/dev/full", "rescue")
        self.assertIn("No space left on device", said)
        self.assertTrue(pathlib.Path("/dev/full").is_char_device())

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        self.useFixture(fixtures.MonkeyPatch("os.fsync", full))
        said = self.fails(SaveImage, "--file", str(self.folder / "saved"), "rescue")
        self.assertIn("No space left on device. Nothing is left of it. (client.file_failed)", said)
        self.assertEqual([], [*self.folder.iterdir()])

    def test_a_folder(self) -> None:
        self.assertIn("Is a directory", self.fails(SaveImage, "--file", "/", "rescue"))
