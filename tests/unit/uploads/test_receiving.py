"""What is received is what was announced, in every way that can be checked."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import Any

import fixtures
import hypothesis
import testtools
from hypothesis import strategies

from glint import exception
from glint.uploads import FormatCheck, UploadFolder, Wanted, receive
from tests.functional.hostile import VMDK_ELSEWHERE, VMDK_OWN, qcow2, vmdk

SHA256 = hashlib.sha256(b"x" * 1000).hexdigest()


class ReceiveTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = UploadFolder(self.useFixture(fixtures.TempDir()).path + "/u", 1 << 30)

    def receive(self, data: bytes, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "disk_format": "raw", "container_format": "bare", "size": None, "expected": {},
            "limit": 10**6,
        }  # fmt: skip
        draft = self.folder.begin(None)
        self.addCleanup(draft.drop)
        return receive(io.BytesIO(data).read, draft, Wanted(**{**values, **changes}))

    def test_digests(self) -> None:
        got = self.receive(b"x" * 1000, size=1000, expected={"sha256": SHA256})
        self.assertEqual(1000, got.size)
        self.assertEqual(SHA256, got.digests["sha256"])
        self.assertEqual(hashlib.sha512(b"x" * 1000).hexdigest(), got.digests["sha512"])

    def test_refused(self) -> None:
        data = b"x" * 1000
        for kind, changes in (
            (exception.UploadSizeMismatch, {"size": 999}),
            (exception.UploadSizeMismatch, {"size": 1001}),
            (exception.ImageTooLarge, {"limit": 999}),
            (exception.ImageTooLarge, {"limit": 999, "size": 1000}),
            (exception.ChecksumMismatch, {"expected": {"md5": "0" * 32}}),
            (exception.FormatMismatch, {"disk_format": "qcow2"}),
            (exception.FormatMismatch, {"disk_format": "iso"}),
        ):
            self.assertRaises(kind, lambda c=changes: self.receive(data, **c))
        self.assertRaises(exception.UploadCut, self.receive, b"")

    def test_a_container_is_not_looked_into(self) -> None:
        self.assertEqual(5, self.receive(b"ova..", disk_format="vmdk", container_format="ova").size)


class FormatTest(testtools.TestCase):
    def check(self, data: bytes, declared: str, piece: int = 65536) -> None:
        check = FormatCheck(declared)
        for begin in range(0, len(data), piece):
            check.feed(data[begin : begin + piece])
        check.finish()

    def test_good_ones(self) -> None:
        for data, declared in (
            (b"anything" * 1000, "raw"),
            (b"anything" * 1000, "aki"),
            (qcow2(), "qcow2"),
            (vmdk(VMDK_OWN), "vmdk"),
        ):
            for piece in (511, 65536, len(data)):
                self.check(data, declared, piece)

    def test_hostile_ones(self) -> None:
        for kind, data, declared in (
            (exception.FormatUnsafe, qcow2(b"/etc/passwd"), "qcow2"),
            (exception.FormatUnsafe, qcow2(features=4), "qcow2"),
            (exception.FormatUnsafe, vmdk(VMDK_ELSEWHERE), "vmdk"),
            (exception.FormatMismatch, qcow2(), "raw"),
            (exception.FormatMismatch, qcow2(), "aki"),
            (exception.FormatMismatch, qcow2(), "vmdk"),
            (exception.FormatMismatch, vmdk(VMDK_OWN), "qcow2"),
        ):
            for piece in (511, 65536, len(data)):
                self.assertRaises(kind, self.check, data, declared, piece)

    @hypothesis.settings(max_examples=60, deadline=None, database=None)
    @hypothesis.given(
        strategies.sampled_from([qcow2(b"/x"), vmdk(VMDK_ELSEWHERE), qcow2(), vmdk(VMDK_OWN)]),
        strategies.lists(
            strategies.tuples(strategies.integers(0, 2047), strategies.integers(0, 255)),
            max_size=8,
        ),
        strategies.sampled_from(["raw", "qcow2", "vmdk", "vhdx", "iso", "luks"]),
    )
    def test_altered_headers_are_accepted_or_refused_and_nothing_else(
        self, data: bytes, changes: list[tuple[int, int]], declared: str
    ) -> None:
        altered = bytearray(data[:200_000])
        for place, value in changes:
            altered[place] = value
        with contextlib.suppress(exception.ContentError):
            self.check(bytes(altered), declared)
