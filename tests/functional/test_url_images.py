"""Images at URLs: read when they are first wanted, once, and believed only as far as proven."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Callable
from typing import Any

import zstandard

from glint.client import Resource
from tests.functional.base import MIB, change
from tests.functional.filecase import FileCase
from tests.functional.hostile import qcow2
from tests.functional.webserver import WebServer
from tests.minicloud.testcase import some_bytes


class UrlCase(FileCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = self.useFixture(WebServer())

    def at(self, url: str, name: str = "from a URL", **values: Any) -> Resource:
        return self.empty(name, source_url=url, **values)


class UrlTest(UrlCase):
    def test_one_read_for_two_sites(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(5 * MIB + 3)
        sha256 = hashlib.sha256(data).hexdigest()
        url, file = self.web.serve("/image.raw", data, breaks=[2 * MIB])
        image = self.at(url, expected={"sha256": sha256})
        self.assertEqual(("unread", url), (image["state"], image["source_url"]))
        self.assertEqual([], file.gets)
        answer = self.user.http.get(f"/v1/images/{image['id']}/file")
        self.assert_refused(answer, 409, "image.empty")

        self.assert_done(self.user.save(change(image, home), change(image, dair)))

        for glance in (self.alto_images, self.dair_images):
            copy = glance.one("from a URL")
            self.assert_same_bytes(data, copy)
        # One read, and the rest of it after the break.
        self.assertEqual(2, len(file.gets), str(file.gets))
        self.assertEqual([True, False], [sent is None for sent in file.gets])
        image = self.user.client.images.get(image["id"])
        self.assertEqual("ready", image["state"])
        self.assertEqual(hashlib.sha512(data).hexdigest(), image["digests"]["sha512"])
        self.assertEqual(sha256, image["digests"]["sha256"])
        self.assertEqual([], self.files())

    def test_archives_and_unknown_sizes(self) -> None:
        dair = self.user.column("DAIR", self.dair)
        zstd: Callable[[bytes], bytes] = zstandard.ZstdCompressor().compress
        packs: dict[str, Callable[[bytes], bytes]] = {
            "plain": bytes,
            "gz": gzip.compress,
            "bz2": bz2.compress,
            "xz": lzma.compress,
            "zst": zstd,
        }
        for number, (kind, pack) in enumerate(packs.items()):
            data = some_bytes(MIB) + bytes(MIB + number)
            archive = pack(data)
            url, file = self.web.serve(
                f"/image.{kind}", archive, sized=kind != "plain", breaks=[MIB // 2],
            )  # fmt: skip
            if kind == "plain":
                file.breaks = []  # without a length nobody sees a cut
            image = self.at(url, kind)
            self.assert_done(self.user.save(change(image, dair)))
            copy = self.dair_images.one(kind)
            self.assert_same_bytes(data, copy)
        self.wait_files(0)

    def test_what_is_refused_leaves_nothing(self) -> None:
        dair = self.user.column("DAIR", self.dair)
        data = some_bytes(MIB)
        bomb = gzip.compress(bytes(80 * MIB))
        wrong = {"expected": {"sha256": hashlib.sha256(b"other").hexdigest()}}
        packed = gzip.compress(data)
        denied = "http://169.254.169.254/latest/meta-data"
        evil = qcow2(b"/etc/passwd")
        for code, content, options, values in (
            ("content.mismatch", data, {}, wrong),
            ("image.checksum_mismatch", packed, {}, wrong),
            ("image.archive_bomb", bomb, {}, {}),
            ("image.archive_broken", packed[:-100], {}, {}),
            ("image.format_unsafe", evil, {}, {"disk_format": "qcow2"}),
            ("image.format_unsafe", gzip.compress(evil), {}, {"disk_format": "qcow2"}),
            ("image.format_mismatch", data, {}, {"disk_format": "vmdk"}),
            ("address.denied", data, {"redirect": denied}, {}),
            ("source.refused", data, {"status": 403}, {}),
            ("source.refused", data, {"redirect": "/loop"}, {}),
        ):
            url, _ = self.web.serve("/loop", content, **options)
            image = self.at(url, **values)
            one = self.assert_failed(self.user.save(change(image, dair)), code)
            self.assertNotIn("127.0.0.1:9", one["error_detail"])
            self.assertEqual([], self.dair_images.records(), code)
            self.assertEqual([], self.files(), code)
            self.assertEqual("unread", self.user.client.images.get(image["id"])["state"])

    def test_content_that_changes(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(MIB)
        url, file = self.web.serve("/image.raw", data)
        image = self.at(url)
        self.assert_done(self.user.save(change(image, dair)))
        # Nobody has it any more but the URL, which has something else.
        self.dair_images.delete(self.dair_images.one("from a URL")["id"])
        self.user.scan(dair)
        file.data, file.etag = data[::-1], '"two"'
        self.assert_failed(self.user.save(change(image, home)), "content.mismatch")
        self.assertEqual([], self.alto_images.records())
        file.data = data
        self.assert_done(self.user.save(change(image, home)))
        self.assert_same_bytes(data, self.alto_images.one("from a URL"))

    def test_urls_that_are_never_read(self) -> None:
        for url in (
            "ftp://example.org/image",
            "file:///etc/passwd",
            "http:///image",
            "https://user:secret@example.org/image",
            "https://example.org/image#part",
            "https://example.org/an image",
            "https://[::1/image",
        ):
            body = {"name": "x", "disk_format": "raw", "source_url": url}
            answer = self.user.http.post("/v1/images", body)
            self.assert_refused(answer, 400, "image.url_refused")
            self.assertNotIn("secret", answer.text)
