"""The parts of the EC2 driver that need no server: blocks, names, tags, formats, errors."""

from __future__ import annotations

import base64
import datetime
import hashlib
import logging
import threading
from typing import Any

import testtools
from botocore import exceptions as boto
from hypothesis import given, settings
from hypothesis import strategies as st

from glint import exception
from glint.drivers.ec2 import mapping, records, session
from glint.drivers.ec2.blocks import BLOCK, Writer, in_blocks
from glint.drivers.ec2.errors import ErrorMap
from glint.drivers.ec2.reading import SnapshotSource
from tests.unit.drivers.fakes import STAMP, image

SNAPSHOT = "snap-0123456789abcdef0"


class BlocksTest(testtools.TestCase):
    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.integers(0, 3 * BLOCK), max_size=6))
    def test_any_chunks_become_blocks(self, sizes: list[int]) -> None:
        chunks = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
        blocks = [*in_blocks(chunks)]
        self.assertTrue(all(len(block) == BLOCK for block in blocks))
        whole = b"".join(chunks)
        self.assertEqual(-(-len(whole) // BLOCK), len(blocks))
        joined = b"".join(blocks)
        self.assertEqual(whole, joined[: len(whole)])
        self.assertEqual(b"", joined[len(whole) :].strip(b"\0"))

    def test_zeros_are_not_sent_and_the_sum_is_in_index_order(self) -> None:
        sent: dict[int, str] = {}
        second = threading.Event()

        def put(index: int, block: bytes, checksum: str) -> None:
            if index == 0:
                second.wait(60)  # it comes last
            sent[index] = checksum
            if index == 2:
                second.set()

        writer = Writer(put, 4)
        self.addCleanup(writer.close)
        contents = [b"a" * BLOCK, bytes(BLOCK), b"c" * BLOCK]
        for index, block in enumerate(contents):
            writer.add(index, block)
        count, checksum = writer.finish()
        digests = [hashlib.sha256(contents[i]).digest() for i in (0, 2)]
        self.assertEqual([2, 0], [*sent])
        self.assertEqual(base64.b64encode(digests[0]).decode(), sent[0])
        self.assertEqual(2, count)
        linear = hashlib.sha256(b"".join(digests)).digest()
        self.assertEqual(base64.b64encode(linear).decode(), checksum)

    def test_what_a_block_raises_ends_it(self) -> None:
        def put(index: int, block: bytes, checksum: str) -> None:
            raise exception.SiteBusy(reason="not now")

        writer = Writer(put, 2)
        self.addCleanup(writer.close)
        writer.add(0, b"a" * BLOCK)
        self.assertRaises(exception.SiteBusy, writer.finish)
        self.assertRaises(exception.SiteBusy, writer.add, 1, bytes(BLOCK))

    def test_a_stop_frees_whoever_waits_for_room(self) -> None:
        gate = threading.Event()
        self.addCleanup(gate.set)

        def put(index: int, block: bytes, checksum: str) -> None:
            gate.wait(60)

        writer = Writer(put, 1)
        self.addCleanup(writer.close)
        for index in range(2):
            writer.add(index, b"a" * BLOCK)
        threading.Timer(0.1, writer.stop, [exception.Cancelled()]).start()
        self.assertRaises(exception.Cancelled, writer.add, 2, b"a" * BLOCK)
        self.assertRaises(exception.Cancelled, writer.finish)


class ReadingTest(testtools.TestCase):
    """A snapshot with blocks 1 and 3, read as an image of 4 blocks and a bit."""

    size = 4 * BLOCK + 5

    def setUp(self) -> None:
        super().setUp()
        self.blocks = {1: b"b" * BLOCK, 3: b"d" * BLOCK}
        self.checksums: dict[int, str] = {}
        self.pages: list[dict[str, Any]] | None = None

    def call(self, operation: str, **given_: Any) -> dict[str, Any]:
        if operation == "list_snapshot_blocks":
            if self.pages is not None:
                return self.pages.pop(0)
            first = given_.get("StartingBlockIndex", 0)
            listed = [{"BlockIndex": i, "BlockToken": str(i)} for i in self.blocks if i >= first]
            return {"BlockSize": BLOCK, "Blocks": listed}
        data = self.blocks[given_["BlockIndex"]]
        right = base64.b64encode(hashlib.sha256(data).digest()).decode()
        return {
            "BlockData": data,
            "Checksum": self.checksums.get(given_["BlockIndex"], right),
        }

    def read(self, offset: int = 0, piece: int = 1 << 20) -> bytes:
        source = SnapshotSource(self.call, SNAPSHOT, self.size, offset, 4)
        self.addCleanup(source.close)
        data = b""
        while more := source.read(piece):
            data += more
        return data

    def test_holes_are_zeros(self) -> None:
        whole = bytes(BLOCK) + b"b" * BLOCK + bytes(BLOCK) + b"d" * BLOCK + bytes(5)
        self.assertEqual(whole, self.read())
        for offset in (1, BLOCK, 2 * BLOCK + 7, 4 * BLOCK, self.size):
            self.assertEqual(whole[offset:], self.read(offset, 100_003), str(offset))

    def test_a_block_that_is_not_what_its_checksum_says(self) -> None:
        self.checksums[3] = "no"
        self.assertRaises(exception.StreamBroken, self.read)

    def test_lists_that_make_no_sense(self) -> None:
        entry = {"BlockIndex": 1, "BlockToken": "1"}
        page = {"BlockSize": BLOCK, "Blocks": [entry], "NextToken": "again"}
        for pages in (
            [{"BlockSize": 512, "Blocks": []}],
            [{"BlockSize": BLOCK, "Blocks": [entry, entry]}],
            [page, page],
            [page, {**page, "Blocks": []}],
        ):
            self.pages = [dict(one) for one in pages]
            self.assertRaises(exception.SiteError, self.read)

    def test_closed(self) -> None:
        source = SnapshotSource(self.call, SNAPSHOT, self.size, 0, 4)
        source.close()
        source.close()
        self.assertRaises(exception.StreamBroken, source.read, 1)


class RecordsTest(testtools.TestCase):
    AMI: dict[str, Any] = {
        "ImageId": "ami-0123456789abcdef0",
        "Name": "x",
        "State": "available",
        "Architecture": "arm64",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": SNAPSHOT}}],
    }
    VOLUME = {"SnapshotId": SNAPSHOT, "VolumeSize": 2}

    def tagged(self, **tags: str) -> dict[str, Any]:
        pairs = [{"Key": k.replace("__", ":"), "Value": v} for k, v in tags.items()]
        return {**self.AMI, "Tags": pairs}

    def test_a_foreign_one_is_its_whole_volume(self) -> None:
        found = records.from_ami(self.tagged(glint__size="5", os_distro="debian"), self.VOLUME)
        self.assertEqual((2 << 30, "active", None), (found.size, found.status, found.stamp))
        self.assertEqual({"os_distro": "debian", "architecture": "aarch64"}, found.properties)
        self.assertEqual((None, None), (found.os_hash_algo, found.os_hash_value))

    def test_a_copy_of_glints_has_the_size_of_its_image(self) -> None:
        tags = {n.replace(":", "__"): v for n, v in records.stamp_tags(STAMP).items()}
        found = records.from_ami(self.tagged(**tags, glint__size="5"), self.VOLUME)
        self.assertEqual((5, STAMP), (found.size, found.stamp))
        odd = records.from_ami(self.tagged(**tags, glint__size="-5"), self.VOLUME)
        self.assertEqual(2 << 30, odd.size)
        huge = records.from_ami(self.tagged(**tags, glint__size="9" * 18), self.VOLUME)
        self.assertEqual(2 << 30, huge.size)

    def test_its_snapshot_is_gone(self) -> None:
        self.assertEqual("killed", records.from_ami(self.AMI, None).status)

    def test_what_is_no_image(self) -> None:
        second = {"Ebs": {"SnapshotId": "snap-00000000000000001"}}
        two = [*self.AMI["BlockDeviceMappings"], second]
        changes: list[dict[str, Any]] = [
            {"ImageId": "../etc"},
            {"ImageId": None},
            {"BlockDeviceMappings": []},
            {"BlockDeviceMappings": two},
        ]
        for change in changes:
            self.assertRaises(ValueError, records.from_ami, {**self.AMI, **change}, self.VOLUME)

    def test_names(self) -> None:
        self.assertEqual("plain (1) [x]", records.ami_name("plain (1) [x]", "abcdef0123"))
        self.assertEqual("bl_h (abcdef01)", records.ami_name("bl\u00e4h", "abcdef0123", True))
        self.assertEqual(" (abcdef01)", records.ami_name("\n", "abcdef0123").replace("_", ""))
        long = records.ami_name("n" * 300, "abcdef0123", True)
        self.assertEqual((128, True), (len(long), long.endswith("(abcdef01)")))

    def test_until_when_an_image_is_kept_up(self) -> None:
        now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        for properties, found in (
            ({}, None),
            (
                {"provided_until": "2027-12-31"},
                datetime.datetime(2027, 12, 31, tzinfo=datetime.UTC),
            ),
            (
                {"end_of_life": "2026-02-01T00:00:00Z"},
                datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC),
            ),
        ):
            self.assertEqual(found, records.deprecation(image(properties=properties), now))
        for value, reason in (("none", "no date"), ("2025-12-31", "ten"), ("2099-01-01", "ten")):
            refused = records.deprecation(image(properties={"provided_until": value}), now)
            self.assertIn(reason, getattr(refused, "reason", ""))

    def test_what_tags_cannot_carry_is_told(self) -> None:
        properties = {f"p{n:02}": "v" for n in range(60)} | {"architecture": "x86_64"}
        properties |= {"big": "v" * 257, "aws:x": "v", "glint_image": "foreign"}
        tags, refused = records.carried_tags(
            image(properties=properties, tags=("t",), protected=True, min_ram=1),
            records.stamp_tags(STAMP),
        )
        self.assertEqual(50, len(tags))
        items = {one.item for one in refused}
        self.assertLessEqual(
            {"properties.big", "properties.aws:x", "tags.t", "protected", "min_ram"}, items
        )
        self.assertNotIn("properties.architecture", items)
        self.assertEqual(STAMP.image_id, tags["glint:image"])


class MappingTest(testtools.TestCase):
    def test_what_is_known(self) -> None:
        plain = mapping.registration({})
        self.assertEqual(("x86_64", True), (plain["Architecture"], plain["EnaSupport"]))
        self.assertNotIn("BootMode", plain)
        arm = mapping.registration({"architecture": "aarch64"})
        self.assertEqual(("arm64", "uefi"), (arm["Architecture"], arm["BootMode"]))
        old = mapping.registration({"hw_firmware_type": "bios", "root_device_name": "/dev/sda1"})
        self.assertEqual(("legacy-bios", "/dev/sda1"), (old["BootMode"], old["RootDeviceName"]))
        tpm = mapping.registration({"hw_firmware_type": "uefi", "hw_tpm_version": "2.0"})
        self.assertEqual("v2.0", tpm["TpmSupport"])

    def test_what_is_not_is_refused_by_name(self) -> None:
        for name, value in (
            ("architecture", "s390x"),
            ("hw_firmware_type", "coreboot"),
            ("hw_tpm_version", "1.2"),
            ("hw_tpm_version", "2.0"),
            ("vm_mode", "xen"),
            ("root_device_name", "/dev/../etc"),
        ):
            error = self.assertRaises(
                exception.SiteFormatRefused, mapping.registration, {name: value}
            )
            self.assertIn(name.removesuffix("_version").replace("hw_tpm", "TPM"),
                          str(error).replace("hw_tpm_version", "TPM"))  # fmt: skip

    def test_and_back(self) -> None:
        properties = {"architecture": "aarch64", "hw_firmware_type": "uefi"}
        self.assertEqual(properties, mapping.properties_of(mapping.registration(properties)))


class ErrorsTest(testtools.TestCase):
    SECRET = "sEcReT/of+the/tests/0123456789abcdefABCD"

    def read(self, code: str, message: str = "words", status: int = 400) -> exception.SiteError:
        answer: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        errors = ErrorMap("https://ec2.example.org", lambda: [self.SECRET])
        return errors.from_exception(boto.ClientError(answer, "DescribeImages"), "ami-1")

    def test_codes(self) -> None:
        for code, kind in (
            ("UnauthorizedOperation", exception.SiteForbidden),
            ("AccessDeniedException", exception.SiteForbidden),
            ("AuthFailure", exception.SiteCredentialsRejected),
            ("ExpiredTokenException", exception.SiteCredentialsRejected),
            ("InvalidAMIID.NotFound", exception.SiteImageNotFound),
            ("InvalidSnapshot.NotFound", exception.SiteImageNotFound),
            ("ResourceNotFoundException", exception.SiteImageNotFound),
            ("RequestThrottledException", exception.SiteBusy),
            ("RequestLimitExceeded", exception.SiteBusy),
            ("ConcurrentSnapshotLimitExceeded", exception.SiteBusy),
            ("SnapshotLimitExceeded", exception.SiteQuotaExceeded),
            ("ServiceQuotaExceededException", exception.SiteQuotaExceeded),
            ("InvalidSnapshot.InUse", exception.SiteConflict),
            ("InvalidAMIName.Malformed", exception.SiteFormatRefused),
            ("ValidationException", exception.SiteError),
        ):
            self.assertIs(kind, type(self.read(code)), code)
        self.assertIs(exception.SiteBusy, type(self.read("503", status=503)))
        self.assertIs(exception.SiteAddressWrong, type(self.read("404", status=404)))

    def test_a_skewed_clock_is_named(self) -> None:
        error = self.read("SignatureDoesNotMatch", "Signature not yet current: 2026 is still ...")
        self.assertIn("clocks", str(error))

    def test_no_secret_and_no_markup(self) -> None:
        error = self.read("AuthFailure", f"<b>key</b> {self.SECRET}")
        self.assertNotIn(self.SECRET, str(error))
        self.assertNotIn("<b>", str(error))

    def test_the_library_is_silent(self) -> None:
        logger = logging.getLogger("botocore.endpoint")
        before = logger.level
        self.addCleanup(logger.setLevel, before)
        logger.setLevel(logging.DEBUG)
        session.hush()
        self.assertFalse(logger.isEnabledFor(logging.DEBUG))
        self.assertFalse(logging.getLogger("botocore.auth").isEnabledFor(logging.DEBUG))
