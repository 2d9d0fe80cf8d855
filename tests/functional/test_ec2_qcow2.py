"""A qcow2 file of Glance's as a disk at EC2, and that disk at another Glance."""

from __future__ import annotations

import hashlib
import pathlib
import shutil
import subprocess

import fixtures
from testtools.content import text_content

from glint.client import Resource
from tests.ec2cloud.fixture import VIRGINIA
from tests.functional.base import LONG, MIB, change
from tests.functional.ec2case import BLOCK, PUT, Amazon, EC2Case
from tests.functional.processes import eventually
from tests.minicloud.testcase import some_bytes
from tests.unit.transfer.qcow2files import Made

CLUSTER = 65536


def qcow2(**more: object) -> Made:
    """A disk of 40 MiB with 2 MiB of data in three places."""
    data = some_bytes(2 * MIB)
    places = [*range(12), *range(200, 212), *range(632, 640)]
    clusters = {
        place: data[number * CLUSTER : (number + 1) * CLUSTER]
        for number, place in enumerate(places)
    }
    return Made(clusters, 40 * MIB, 16, counted=True, **more)  # type: ignore[arg-type]


def held(disk: bytes) -> int:
    """How many blocks of a disk are not all zeros."""
    return sum(any(disk[i : i + BLOCK]) for i in range(0, len(disk), BLOCK))


class RoundTheWorldTest(EC2Case):
    """Glance, Ireland, N. Virginia, another Glance."""

    def setUp(self) -> None:
        super().setUp()
        self.virginia = self.amazon(VIRGINIA)
        self.home, self.dair_column = self.two_columns()
        self.in_ireland = self.ec2_column(self.ireland)
        self.in_virginia = self.ec2_column(self.virginia, "EC2-N_Virginia")
        self.made = qcow2()
        self.file, self.disk = self.made.file(), self.made.disk

    def seen(self, column: Resource) -> None:
        """Wait until what the site grants is known."""
        self.user.scan(column)

    def assert_disk(self, amazon: Amazon) -> None:
        """A region holds the disk, and got no more blocks than it has data."""
        (ami,) = amazon.images()
        content = amazon.content(ami)
        self.assertEqual(self.disk, content.ljust(len(self.disk), b"\0"))
        self.assertEqual(1, len(amazon.snapshots()))

    def test_round_the_world(self) -> None:
        image = self.registered(self.home, self.file, "round", disk_format="qcow2")
        self.seen(self.in_ireland)
        plan = self.user.client.operations.plan([change(image, self.in_ireland)])["cells"][0]
        self.assertEqual(("copy", "stream"), (plan["action"], plan["method"]))
        self.assertIn("convert qcow2 -> blocks, about 2.3 MiB, at most $0.0001", plan["reason"])

        self.ireland.proxy.forget()
        self.assert_done(self.user.save(change(image, self.in_ireland)))
        self.assert_disk(self.ireland)
        self.assertEqual(held(self.disk), self.ireland.proxy.requests("PUT", PUT))
        (transfer,) = self.user.transfers(image_id=image["id"])
        self.assertIn("convert qcow2 -> blocks, 2 MiB of 40 MiB", transfer["reason"])
        self.assertEqual(self.home["id"], transfer["source_credential_id"])
        self.assertEqual(len(self.disk), transfer["bytes_total"])
        known = self.user.client.images.get(image["id"])
        digest = hashlib.sha256(self.disk).hexdigest()
        wanted = {"size": len(self.disk), "data": 2 * MIB, "digests": {"sha256": digest}}
        self.assertEqual(wanted, known["disk"])
        self.assertEqual(len(self.file), known["size"])
        cell = self.user.cell(image, self.in_ireland)
        self.assertEqual(["file"], [one["item"] for one in cell["not_carried"]])
        self.user.scan(self.in_ireland)
        self.assertEqual("active", self.user.cell(image, self.in_ireland)["status"])

        # From one region to the other Amazon copies by itself; Glint reads it back for the proof.
        self.seen(self.in_virginia)
        self.virginia.proxy.forget()
        plan = self.user.client.operations.plan([change(image, self.in_virginia)])["cells"][0]
        self.assertEqual(("copy", "native"), (plan["action"], plan["method"]))
        self.assert_done(self.user.save(change(image, self.in_virginia)))
        self.assert_disk(self.virginia)
        self.assertEqual(0, self.virginia.proxy.requests("PUT", PUT))
        self.assertEqual(held(self.disk), self.virginia.proxy.requests("GET", PUT))
        self.assert_method(image, self.in_virginia, "native", "of the same account")

        # A disk cannot give the file back: the last file goes only if that is said.
        away = change(image, self.home, False, allow_foreign=True)
        answer = self.user.http.post("/v1/operations", {"changes": [away]})
        self.assert_refused(answer, 409, "deployment.last_copy")
        self.assert_done(self.user.save({**away, "allow_last_copy": True}))
        self.assert_done(self.user.save(change(image, self.in_ireland, False)))
        self.assertEqual(([], []), (self.ireland.images(), self.ireland.snapshots()))

        self.assert_done(self.user.save(change(image, self.dair_column)))
        copy = self.dair_images.one("round")
        self.assertEqual(("raw", len(self.disk)), (copy["disk_format"], copy["size"]))
        self.assertEqual(hashlib.sha512(self.disk).hexdigest(), copy["os_hash_value"])
        self.user.scan(self.dair_column)
        self.assertEqual("active", self.user.cell(image, self.dair_column)["status"])
        self.assert_same_disk(copy)

    def assert_method(self, image: Resource, column: Resource, method: str, reason: str) -> None:
        found = self.user.transfers(image_id=image["id"])
        (transfer,) = [one for one in found if one["credential_id"] == column["id"]]
        self.assertEqual(method, transfer["method"])
        self.assertIn(reason, transfer["reason"])

    def test_a_copy_that_amazon_refuses_or_breaks_off(self) -> None:
        """Both go on by blocks, and leave nothing."""
        image = self.registered(self.home, self.file, "stubborn", disk_format="qcow2")
        self.assert_done(self.user.save(change(image, self.in_ireland)))
        self.seen(self.in_ireland)
        self.seen(self.in_virginia)
        (source,) = self.ireland.snapshots()
        ec2 = self.ireland.server.client("ec2", self.ireland.region)
        for tag, reason in (("refuse-copy", "forbids it"), ("fail-copy", "became an error")):
            ec2.create_tags(Resources=[source["SnapshotId"]], Tags=[{"Key": tag, "Value": ""}])
            self.assert_done(self.user.save(change(image, self.in_virginia)))
            self.assert_disk(self.virginia)
            ec2.delete_tags(Resources=[source["SnapshotId"]], Tags=[{"Key": tag}])
            found = self.user.transfers(image_id=image["id"])
            last = max(found, key=lambda one: str(one["created_at"]))
            self.assertEqual("stream", last["method"])
            self.assertIn("convert qcow2", last["reason"])
            self.assertIn(reason, last["reason"])
            self.assert_done(self.user.save(change(image, self.in_virginia, False)))
            self.assertEqual(([], []), (self.virginia.images(), self.virginia.snapshots()))

    def assert_same_disk(self, copy: Resource) -> None:
        """QEMU compares the file that it was with what it came to be."""
        if shutil.which("qemu-img") is None:
            self.addDetail("not compared", text_content("no qemu-img: apt-get install qemu-utils"))
            return
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / "before").write_bytes(self.file)
        (folder / "after").write_bytes(self.dair_images.download(copy["id"]))
        done = subprocess.run(
            ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", "before", "after"],
            cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.assertEqual(
            (0, "Images are identical.\n"), (done.returncode, done.stdout), done.stderr
        )

    def test_files_and_disks_in_one_save(self) -> None:
        """The source is read once, for a Glance and for two regions."""
        alto = self.proxied(self.alto)
        packed = qcow2(kind="zlib")
        image = self.registered(self.home, packed.file(), "all", disk_format="qcow2")
        alto.forget()
        columns = (self.in_ireland, self.in_virginia, self.dair_column)
        self.assert_done(self.user.save(*(change(image, column) for column in columns)))
        self.assertEqual(1, alto.requests("GET", r"/file$"))
        self.assert_disk(self.ireland)
        self.assert_disk(self.virginia)
        copy = self.dair_images.one("all")
        self.assertEqual("qcow2", copy["disk_format"])
        self.assert_same_bytes(packed.file(), copy)

    def test_kill_9_while_blocks_are_sent(self) -> None:
        """The file is received again, to prove it; what was noted as there is not sent again."""
        data = some_bytes(LONG)
        places = range(0, 2 * LONG // CLUSTER, 2)
        clusters = {place: data[place * CLUSTER // 2 :][:CLUSTER] for place in places}
        made = Made(clusters, 2 * LONG, 16)
        image = self.registered(self.home, made.file(), "tested", disk_format="qcow2")
        proxy = self.ireland.proxy
        proxy.forget()
        proxy.throttle("PUT", PUT, rate=MIB / 8, leg="request")
        operation = self.user.client.operations.create([change(image, self.in_ireland)])
        proxy.wait_until(lambda: proxy.request_bytes("PUT", PUT) > LONG / 6, timeout=120)
        eventually(self.noted, "a note of how many blocks are there", 120)
        self.glint.kill9()
        (half,) = self.ireland.snapshots()
        noted = self.noted()
        proxy.clear()
        proxy.forget()
        self.glint.start()
        self.assert_done(self.user.wait(operation))
        (ami,) = self.ireland.images()
        self.assertEqual(made.disk, self.ireland.content(ami).ljust(made.size, b"\0"))
        self.assertEqual(half["SnapshotId"], self.ireland.snapshots()[0]["SnapshotId"])
        self.assertLessEqual(proxy.requests("PUT", PUT), held(made.disk) - noted)

    def noted(self) -> int:
        """How many blocks the only snapshot is known to hold."""
        (half,) = self.ireland.snapshots()
        tags = {tag["Key"]: tag["Value"] for tag in half["Tags"]}
        return int(tags.get("glint:held", "0"))
