"""Uploads and downloads as the API answers them."""

from __future__ import annotations

import hashlib
import io
import pathlib
from collections.abc import Iterator
from typing import Any

import webob

from glint import exception
from glint.db import conductors, models
from glint.uploads import UploadFolder
from tests.unit.api.base import ApiTestCase

DATA = bytes(range(256)) * 5000
TAG = f'"sha512:{hashlib.sha512(DATA).hexdigest()}"'


class Stream:
    """What a conductor gives."""

    def __init__(self, data: bytes, offset: int, size: int | None = None) -> None:
        self.size = len(DATA) if size is None else size
        self._data = data[offset:]
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for begin in range(0, len(self._data), 100_000):
            yield self._data[begin : begin + 100_000]

    def close(self) -> None:
        self.closed = True


class FilesTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.uploads = UploadFolder(f"{self.folder}/uploads", 10 * len(DATA))
        self.app = self.make_app(uploads=self.uploads)
        self.streams: list[Stream] = []
        self.held = DATA

        def open_image(image_id: str, offset: int) -> Stream:
            self.streams.append(Stream(self.held, offset))
            return self.streams[-1]

        self.conductor.open_image = open_image  # type: ignore[attr-defined]

    def empty(self, **values: Any) -> str:
        body = {"name": "new", "disk_format": "raw", **values}
        made = self.call("POST", "/v1/images", body, expect=201).body["image"]
        self.assertEqual("empty", made["state"])
        return f"/v1/images/{made['id']}"

    def put(self, url: str, data: bytes, who: str = "alice", **headers: str) -> webob.Response:
        request = webob.Request.blank(f"{url}/file", method="PUT", body=data)
        request.headers.update({"X-Auth-Token": who, "Content-Type": "application/octet-stream"})
        request.headers.update(headers)
        return request.get_response(self.app)

    def get(self, url: str, **headers: str) -> webob.Response:
        request = webob.Request.blank(f"{url}/file")
        request.headers.update({"X-Auth-Token": "alice", **headers})
        return request.get_response(self.app)

    def files(self) -> int:
        folder = pathlib.Path(self.folder, "uploads")
        return len([path for path in folder.iterdir() if path.name not in ("store", ".lock")])

    def assert_code(self, code: str, status: int, answer: webob.Response) -> None:
        self.assertEqual((status, code), (answer.status_int, answer.json["errors"][0]["code"]))

    def test_bodies_of_requests_to_create(self) -> None:
        for body in (
            {},
            {"name": "x"},
            {"name": "x", "disk_format": "RAW!"},
            {"name": "x", "disk_format": "raw", "credential_id": "c"},
            {"credential_id": "c", "remote_id": "r", "name": "x"},
            {"name": "x", "disk_format": "raw", "expected": {"sha256": "00"}},
            {"name": "x", "disk_format": "raw", "expected": {"crc32": "00000000"}},
            {"name": "x", "disk_format": "raw", "size": 0},
            {"name": "x", "disk_format": "raw", "properties": {"glint_image": "x"}},
        ):
            self.refused("request.invalid", 400, "POST", "/v1/images", body)
        self.assertEqual(0, self.rows(models.Image))

    def test_upload(self) -> None:
        url = self.empty()
        answer = self.put(url, DATA)
        self.assertEqual(200, answer.status_int, answer.text)
        self.assertEqual(TAG, f'"sha512:{answer.json["image"]["os_hash_value"]}"')
        self.assertEqual(1, self.files())
        self.assert_code("image.has_content", 409, self.put(url, DATA))
        self.call("DELETE", url, expect=204)
        self.assertEqual(0, self.files())

    def test_walls_and_broken_requests(self) -> None:
        url = self.empty()
        for code, status, answer in (
            ("image.not_found", 404, self.put(url, DATA, who="carol")),
            ("request.forbidden", 403, self.put(url, DATA, who="rita")),
            ("request.content_type", 415, self.put(url, DATA, **{"Content-Type": "text/plain"})),
            ("upload.incomplete", 400, self.put(url, b"")),
        ):
            self.assert_code(code, status, answer)
        request = webob.Request.blank(f"{url}/file?credential_id=x", method="PUT", body=DATA)
        request.headers["X-Auth-Token"] = "alice"
        answer = request.get_response(self.app)
        self.assert_code("credential.not_found", 404, answer)
        request = webob.Request.blank(f"{url}/file", method="PUT")
        request.body_file = io.BytesIO(DATA[:1000])
        request.content_length = len(DATA)
        request.headers.update(
            {"X-Auth-Token": "alice", "Content-Type": "application/octet-stream"}
        )
        self.assert_code("upload.incomplete", 400, request.get_response(self.app))
        self.assertEqual(0, self.files())

    def test_conductors_with_another_folder(self) -> None:
        url = self.empty()
        conductors.beat(self.db, "one", "host-one", store=self.uploads.store)
        conductors.beat(self.db, "two", "host-two", store="another")
        answer = self.put(url, DATA)
        self.assert_code("upload.not_configured", 409, answer)
        self.assertIn("host-two", answer.text)
        self.assertNotIn("host-one", answer.text)
        conductors.leave(self.db, "two")
        self.assertEqual(200, self.put(url, DATA).status_int)

    def test_a_row_that_vanishes_meanwhile(self) -> None:
        url = self.empty()

        class Vanishing(io.BytesIO):
            def read(inner, size: int | None = -1) -> bytes:
                if inner.tell() == 0:
                    self.call("DELETE", url, expect=204)
                return super().read(size)

        request = webob.Request.blank(f"{url}/file", method="PUT")
        request.body_file = Vanishing(DATA)
        request.content_length = len(DATA)
        request.headers.update(
            {"X-Auth-Token": "alice", "Content-Type": "application/octet-stream"}
        )
        self.assert_code("image.not_found", 404, request.get_response(self.app))
        self.assertEqual(0, self.files())

    def test_download(self) -> None:
        url = self.empty()
        self.put(url, DATA)
        whole = self.get(url)
        self.assertEqual((200, DATA, TAG), (whole.status_int, whole.body, whole.headers["ETag"]))
        part = self.get(url, Range="bytes=7-70000")
        self.assertEqual((206, DATA[7:70001]), (part.status_int, part.body))
        self.assertEqual(304, self.get(url, **{"If-None-Match": f'"x", {TAG}'}).status_int)
        self.assert_code("request.range", 416, self.get(url, Range=f"bytes={len(DATA)}-"))
        self.assertTrue(all(stream.closed for stream in self.streams))

    def test_a_wrong_one_never_ends_well(self) -> None:
        url = self.empty()
        self.put(url, DATA)
        self.held = DATA[:-1] + b"?"
        answer = self.get(url)
        sent: list[bytes] = []
        self.assertRaises(exception.ContentMismatch, sent.extend, answer.app_iter)
        self.assertLess(len(b"".join(sent)), len(DATA))
        self.held = DATA[:-1]
        self.assertRaises(exception.StreamBroken, list, self.get(url).app_iter)
        self.assertTrue(all(stream.closed for stream in self.streams))
        self.assertIn("broken off", self.log.output)
