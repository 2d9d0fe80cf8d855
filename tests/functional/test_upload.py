"""Files that users upload: kept until a site holds them, and never more than what was sent."""

from __future__ import annotations

import hashlib
import os
import pathlib
import socket
from collections.abc import Iterator

from testtools import content

from tests.functional.base import MIB, change
from tests.functional.filecase import BYTES, FileCase
from tests.functional.hostile import VMDK_ELSEWHERE, VMDK_OWN, qcow2, vmdk
from tests.minicloud.testcase import some_bytes


class UploadTest(FileCase):
    def test_a_file_reaches_its_sites(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(3 * MIB + 11)
        sha512 = hashlib.sha512(data).hexdigest()
        image = self.empty("from a file", properties={"os_distro": "debian"}, tags=["new"])
        self.assertEqual(("empty", "file", None), (image["state"], image["origin"], image["size"]))
        self.assert_refused(
            self.user.http.post("/v1/operations", {"changes": [change(image, dair)]}),
            409,
            "image.empty",
        )

        answer = self.put(image, data)

        self.assertEqual(200, answer.status_code, answer.text)
        image = answer.json()["image"]
        self.assertEqual(
            ("ready", len(data), "sha512", sha512),
            (image["state"], image["size"], image["os_hash_algo"], image["os_hash_value"]),
        )
        self.assertIsNone(answer.json()["operation_id"])
        self.assert_refused(self.put(image, data), 409, "image.has_content")
        # What was answered with 200 is not lost, whatever is killed.
        self.glint.kill9()
        self.glint.start()
        self.assert_done(self.user.save(change(image, home), change(image, dair)))
        for glance in (self.alto_images, self.dair_images):
            copy = glance.one("from a file")
            self.assert_same_bytes(data, copy)
            self.assertEqual(data, glance.download(copy["id"]))
            self.assertEqual(("debian", ["new"]), (copy["os_distro"], copy["tags"]))
        # The sites are the source from now on.
        self.wait_files(0)

    def test_with_a_first_site_and_in_chunks(self) -> None:
        dair = self.user.column("DAIR", self.dair)
        data = some_bytes(2 * MIB + 5)
        image = self.empty(
            "in chunks",
            expected={
                "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                "sha256": hashlib.sha256(data).hexdigest().upper(),
            },
        )

        def chunks() -> Iterator[bytes]:
            for begin in range(0, len(data), 70001):
                yield data[begin : begin + 70001]

        answer = self.put(image, chunks(), f"?credential_id={dair['id']}")

        self.assertEqual(200, answer.status_code, answer.text)
        self.assert_done(self.user.wait({"id": answer.json()["operation_id"]}))
        self.assert_same_bytes(data, self.dair_images.one("in chunks"))

    def test_what_is_refused_leaves_nothing(self) -> None:
        data = some_bytes(MIB)
        other = hashlib.sha256(b"other").hexdigest()
        outside = vmdk(VMDK_ELSEWHERE)
        for code, status, body, values in (
            ("image.checksum_mismatch", 400, data, {"expected": {"sha256": other}}),
            ("upload.size_mismatch", 400, data, {"size": MIB - 1}),
            ("upload.size_mismatch", 400, data, {"size": MIB + 1}),
            ("image.format_mismatch", 400, data, {"disk_format": "qcow2"}),
            ("image.format_mismatch", 400, qcow2(), {"disk_format": "raw"}),
            ("image.format_mismatch", 400, qcow2(), {"disk_format": "vmdk"}),
            ("image.format_unsafe", 400, qcow2(b"/etc/passwd"), {"disk_format": "qcow2"}),
            ("image.format_unsafe", 400, qcow2(features=4), {"disk_format": "qcow2"}),
            ("image.format_unsafe", 400, outside, {"disk_format": "vmdk"}),
        ):
            image = self.empty(**values)
            for sent in (body, iter([body[:1000], body[1000:]])):
                self.assert_refused(self.put(image, sent), status, code)
            self.assertEqual("empty", self.user.client.images.get(image["id"])["state"])
            self.assertEqual([], self.files(), code)
        image = self.empty(disk_format="qcow2")
        self.assertEqual(200, self.put(image, qcow2()).status_code)
        image = self.empty(disk_format="vmdk")
        self.assertEqual(200, self.put(image, vmdk(VMDK_OWN)).status_code)

    def test_the_same_content_twice(self) -> None:
        data = some_bytes(MIB)
        first, second = self.empty("first"), self.empty("second")
        self.assertEqual(200, self.put(first, data).status_code)
        error = self.assert_refused(self.put(second, data), 409, "image.same_content")
        self.assertIn(first["id"], error["detail"])
        self.assertEqual(1, len(self.files()))
        self.user.client.images.delete(first["id"])
        self.assertEqual([], self.files())

    def test_cut_and_killed(self) -> None:
        image = self.empty()
        token = str(self.user.session.get_token())
        for header in (f"Content-Length: {64 * MIB}", "Transfer-Encoding: chunked"):
            chunked = header.startswith("T")
            head = (
                f"PUT /v1/images/{image['id']}/file HTTP/1.1\r\nHost: glint\r\n"
                f"X-Auth-Token: {token}\r\nContent-Type: {BYTES['Content-Type']}\r\n"
                f"{header}\r\n\r\n"
            )
            piece = some_bytes(MIB)
            if chunked:
                piece = f"{MIB:x}\r\n".encode() + piece + b"\r\n"
            with socket.create_connection(("127.0.0.1", self.glint.port), 30) as sock:
                sock.sendall(head.encode() + piece * 3)
                self.wait_files(1)
            self.wait_files(0)
            with socket.create_connection(("127.0.0.1", self.glint.port), 30) as sock:
                sock.sendall(head.encode() + piece * 3)
                self.wait_files(1)
                self.glint.kill9()
            self.assertEqual(1, len(self.files()))
            self.glint.start()
            self.wait_files(0)
        self.assertEqual("empty", self.user.client.images.get(image["id"])["state"])
        self.assertEqual(200, self.put(image, some_bytes(MIB)).status_code)

    def test_memory_is_constant(self) -> None:
        """400 MiB go through a process that may grow by 48 MiB, and one chunk may be all of it."""
        block = os.urandom(4 * MIB)
        count = 100

        def whole() -> Iterator[bytes]:
            for number in range(count):
                yield number.to_bytes(4, "big") + block[4:]

        self.assertEqual(200, self.put(self.empty("warm up"), some_bytes(MIB)).status_code)
        before = self.memory("VmRSS")
        image = self.empty("large")
        answer = self.put(image, whole())
        self.assertEqual(200, answer.status_code, answer.text)
        self.assertEqual(count * len(block), answer.json()["image"]["size"])
        grown = (self.memory("VmHWM") - before) / MIB
        self.addDetail("grown", content.text_content(f"{grown:.1f} MiB"))
        self.assertLess(grown, 48)
        read = 0
        with self.user.http("GET", f"/v1/images/{image['id']}/file", stream=True) as answer:
            for piece in answer.iter_content(MIB):
                read += len(piece)
        self.assertEqual(count * len(block), read)
        self.assertLess((self.memory("VmHWM") - before) / MIB, 48)

    def memory(self, what: str) -> int:
        """Bytes of Glint's process: VmRSS now, VmHWM the most so far."""
        status = pathlib.Path(f"/proc/{self.glint.processes[0].pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{what}:"))
        return int(line.split()[1]) * 1024


class LimitsTest(FileCase):
    images_settings = {"max_image_size": 4 * MIB, "upload_dir_size": 6 * MIB}

    def test_too_large_and_no_room(self) -> None:
        image = self.empty()
        data = some_bytes(4 * MIB + 1)
        for sent in (data, iter([data])):
            self.assert_refused(self.put(image, sent), 413, "image.too_large")
        huge = some_bytes(40 * MIB)  # more than the server lingers for
        self.assert_refused(self.put(image, iter([huge])), 413, "image.too_large")
        self.assertEqual(200, self.put(image, data[:-1]).status_code)
        self.assert_refused(self.put(self.empty(), data[1:]), 413, "upload.no_room")
        self.assertEqual(1, len(self.files()))
        self.assertEqual(200, self.put(self.empty(), some_bytes(MIB)).status_code)


class NoFolderTest(FileCase):
    has_folder = False

    def test_uploads_are_refused(self) -> None:
        image = self.empty()
        self.assert_refused(self.put(image, b"data"), 409, "upload.not_configured")
        self.assert_refused(
            self.user.http.get(f"/v1/images/{image['id']}/file"), 409, "image.empty"
        )
