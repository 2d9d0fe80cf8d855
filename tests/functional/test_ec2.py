"""Glance -> EC2 -> another Glance, through the real service."""

from __future__ import annotations

import base64
import hashlib

from glint.client import Resource
from tests.ec2cloud.fixture import SECRET_KEY, VIRGINIA
from tests.functional.base import LONG, MIB, change
from tests.functional.ec2case import BLOCK, PUT, EC2Case
from tests.functional.processes import eventually
from tests.minicloud.testcase import some_bytes

SPARSE = some_bytes(3 * MIB + 17) + bytes(20 * MIB) + some_bytes(MIB, seed=2)
"""Of its 49 blocks, 10 are not all zeros: 7, the one in which the second part begins, and 2."""


class RoundTripTest(EC2Case):
    def test_glance_to_ec2_to_glance(self) -> None:
        home, dair = self.two_columns()
        ireland = self.ec2_column(self.ireland)
        self.ireland.proxy.forget()
        properties = {"architecture": "x86_64", "hw_firmware_type": "uefi", "os_distro": "debian"}
        image = self.registered(home, SPARSE, "traveller", **properties)
        self.assert_done(self.user.save(change(image, ireland)))

        (ami,) = self.ireland.images()
        content = self.ireland.content(ami)
        self.assertEqual(SPARSE, content[: len(SPARSE)])
        self.assertEqual(b"", content[len(SPARSE) :].strip(b"\0"))
        self.assertEqual(
            ("traveller", "x86_64", "uefi", True, "available"),
            tuple(ami[k] for k in ("Name", "Architecture", "BootMode", "EnaSupport", "State")),
        )
        tags = {tag["Key"]: tag["Value"] for tag in ami["Tags"]}
        self.assertEqual(image["id"], tags["glint:image"])
        self.assertEqual("debian", tags["os_distro"])
        held = sum(any(SPARSE[i : i + BLOCK]) for i in range(0, len(SPARSE), BLOCK))
        self.assertEqual(held, self.ireland.proxy.requests("PUT", PUT))
        cell = self.user.cell(image, ireland)
        self.assertEqual(("active", ami["ImageId"]), (cell["status"], cell["remote_id"]))

        # Nothing holds it but EC2 now.
        self.assert_done(self.user.save(change(image, home, False, allow_foreign=True)))
        self.assertEqual([], self.alto_images.records())
        self.assert_done(self.user.save(change(image, dair)))
        copy = self.dair_images.one("traveller")
        self.assertEqual(hashlib.sha512(SPARSE).hexdigest(), copy["os_hash_value"])
        self.assert_same_bytes(SPARSE, copy)

        self.assert_done(self.user.save(change(image, ireland, False)))
        self.assertEqual(([], []), (self.ireland.images(), self.ireland.snapshots()))
        self.assertNotIn(SECRET_KEY, self.glint.log_text())
        self.assertNotIn(SECRET_KEY, self.glint.dump())

    def test_an_ami_that_was_there_before(self) -> None:
        """Its hash is not known until it is read for the first time."""
        data = some_bytes(2 * MIB)
        ami_id = self.planted(data)
        virginia = self.amazon(VIRGINIA)
        ireland = self.ec2_column(self.ireland)
        other = self.ec2_column(virginia, "EC2-N_Virginia")
        image = self.user.register(ireland, ami_id)
        self.assertEqual((1 << 30, "raw"), (image["size"], image["disk_format"]))
        self.assertEqual({}, image["digests"])
        virginia.proxy.forget()
        self.assert_done(self.user.save(change(image, other)))
        (copy,) = virginia.images()
        self.assertEqual(data, virginia.content(copy))
        self.assertEqual(len(data) // BLOCK, virginia.proxy.requests("PUT", PUT))
        whole = hashlib.sha512(data)
        for _ in range(1022):
            whole.update(bytes(MIB))
        digests = self.user.client.images.get(image["id"])["digests"]
        self.assertEqual({"sha512": whole.hexdigest()}, digests)

    def planted(self, data: bytes) -> str:
        """An AMI that somebody else made."""
        ebs = self.ireland.server.client("ebs", self.ireland.region)
        ec2 = self.ireland.server.client("ec2", self.ireland.region)
        snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
        blocks = [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)]
        for index, block in enumerate(blocks):
            ebs.put_snapshot_block(
                SnapshotId=snapshot,
                BlockIndex=index,
                BlockData=block,
                DataLength=BLOCK,
                Checksum=base64.b64encode(hashlib.sha256(block).digest()).decode(),
                ChecksumAlgorithm="SHA256",
            )
        ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(blocks))
        eventually(lambda: self.ireland.snapshots()[0]["State"] == "completed", "the snapshot")
        mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
        ami = ec2.register_image(
            Name="foreign",
            Architecture="x86_64",
            RootDeviceName="/dev/xvda",
            BlockDeviceMappings=[mapping],
        )
        eventually(lambda: self.ireland.images()[0]["State"] == "available", "the AMI")
        return str(ami["ImageId"])


class BrokenTest(EC2Case):
    """What breaks on the way ends with a reason, and with nothing at EC2."""

    def setUp(self) -> None:
        super().setUp()
        self.home = self.user.home(self.alto)
        self.column = self.ec2_column(self.ireland)
        self.data = some_bytes(LONG)
        self.image = self.registered(self.home, self.data, "tested")
        self.ireland.proxy.forget()

    def begun(self, rate: float = 2 * MIB) -> Resource:
        """A Save whose blocks go slowly, some of which are there already."""
        self.ireland.proxy.throttle("PUT", PUT, rate=rate / 16, leg="request")
        operation = self.user.client.operations.create([change(self.image, self.column)])
        self.ireland.proxy.wait_until(
            lambda: self.ireland.proxy.request_bytes("PUT", PUT) > LONG / 6, timeout=60
        )
        return operation

    def assert_copied(self, operation: Resource) -> None:
        self.assert_done(self.user.wait(operation))
        (ami,) = self.ireland.images()
        self.assertEqual(self.data, self.ireland.content(ami))
        self.assertEqual(1, len(self.ireland.snapshots()))
        cell = self.user.cell(self.image, self.column)
        self.assertEqual(("active", ami["ImageId"]), (cell["status"], cell["remote_id"]))

    def assert_nothing_left(self) -> None:
        self.assertEqual(([], []), (self.ireland.images(), self.ireland.snapshots()))

    def test_kill_9_in_mid_upload(self) -> None:
        operation = self.begun()
        (half,) = self.ireland.snapshots()
        tags = {tag["Key"]: tag["Value"] for tag in half["Tags"]}
        self.assertEqual(("pending", self.image["id"]), (half["State"], tags["glint:image"]))
        noted = eventually(self.noted, "a note of how many blocks are there", 60)
        self.glint.kill9()
        self.ireland.proxy.clear()
        self.ireland.proxy.forget()
        self.glint.start()
        self.assert_copied(operation)
        self.assertEqual(half["SnapshotId"], self.ireland.snapshots()[0]["SnapshotId"])
        self.assertLessEqual(self.ireland.proxy.requests("PUT", PUT), LONG // BLOCK - noted)

    def noted(self) -> int:
        """How many blocks the half snapshot is known to hold."""
        (half,) = self.ireland.snapshots()
        tags = {tag["Key"]: tag["Value"] for tag in half["Tags"]}
        return int(tags.get("glint:held", "0"))

    def test_kill_9_and_the_half_snapshot_has_other_blocks(self) -> None:
        """What was left is wrong: that costs an attempt, and no lie comes of it."""
        operation = self.begun()
        (half,) = self.ireland.snapshots()
        eventually(self.noted, "a note of how many blocks are there", 60)
        self.glint.kill9()
        wrong = b"x" * BLOCK
        self.ireland.server.client("ebs", self.ireland.region).put_snapshot_block(
            SnapshotId=half["SnapshotId"],
            BlockIndex=0,
            BlockData=wrong,
            DataLength=BLOCK,
            Checksum=base64.b64encode(hashlib.sha256(wrong).digest()).decode(),
            ChecksumAlgorithm="SHA256",
        )
        self.ireland.proxy.clear()
        self.glint.start()
        self.assert_copied(operation)
        self.assertNotEqual(half["SnapshotId"], self.ireland.snapshots()[0]["SnapshotId"])

    def test_a_cancel_in_mid_upload(self) -> None:
        operation = self.begun()
        answer = self.user.http.post(f"/v1/operations/{operation['id']}/cancel", {})
        self.assertLess(answer.status_code, 300, answer.text)
        self.ireland.proxy.clear()
        self.user.wait(operation)
        self.assert_nothing_left()

    def test_a_bit_that_flips_on_the_way(self) -> None:
        """EC2 compares each block with its checksum; that block is sent again."""
        self.ireland.proxy.flip("PUT", PUT, at=1000, leg="request")
        operation = self.user.client.operations.create([change(self.image, self.column)])
        self.assert_copied(operation)
        (transfer,) = self.user.transfers(image_id=self.image["id"])
        self.assertEqual(1, transfer["attempts"])

    def test_a_storm_of_throttling_and_broken_connections(self) -> None:
        body = b'{"message": "slow down"}'
        headers = {
            "x-amzn-errortype": "RequestThrottledException",
            "Content-Type": "application/json",
        }
        for _ in range(6):
            self.ireland.proxy.answer("PUT", PUT, 400, body=body, headers=headers)
            self.ireland.proxy.cut("PUT", PUT, after=1000, leg="request")
        operation = self.user.client.operations.create([change(self.image, self.column)])
        self.assert_copied(operation)
        (transfer,) = self.user.transfers(image_id=self.image["id"])
        self.assertEqual(1, transfer["attempts"])

    def test_a_key_that_is_revoked_in_mid_upload(self) -> None:
        body = b'{"message": "The security token included in the request is invalid."}'
        headers = {
            "x-amzn-errortype": "UnrecognizedClientException",
            "Content-Type": "application/json",
        }
        self.ireland.proxy.answer("PUT", PUT, 403, body=body, headers=headers, times=None)
        operation = self.user.save(change(self.image, self.column))
        self.assert_failed(operation, "site.credentials_rejected")
        self.assert_nothing_left()

    def test_gone_behind_our_back(self) -> None:
        self.assert_done(self.user.save(change(self.image, self.column)))
        (ami,) = self.ireland.images()
        ec2 = self.ireland.server.client("ec2", self.ireland.region)
        ec2.deregister_image(ImageId=ami["ImageId"])
        self.user.scan(self.column)
        cell = self.user.cell(self.image, self.column)
        self.assertEqual(("drifted", "deployment.missing"), (cell["status"], cell["error_code"]))

    def test_a_format_that_ec2_does_not_take(self) -> None:
        image = self.registered(self.home, b"no real one" * 99, "boxed", container_format="docker")
        answer = self.user.http.post("/v1/operations", {"changes": [change(image, self.column)]})
        self.assert_refused(answer, 409, "deployment.format")
