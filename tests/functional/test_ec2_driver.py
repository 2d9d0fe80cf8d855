"""The EC2 driver against the server, and what the server must do for that to prove anything."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import fixtures
import requests
import testtools
from botocore.exceptions import ClientError

from glint import exception
from glint.drivers.addresses import AddressPolicy
from glint.drivers.ec2.driver import EC2Driver
from tests.ec2cloud.fixture import ACCESS_KEY, IRELAND, SECRET_KEY, EC2Cloud
from tests.functional.ec2case import AUTH, BLOCK
from tests.minicloud.testcase import some_bytes
from tests.servers.server import ROOT, Shared
from tests.unit.drivers.fakes import STAMP, image

POLICY = json.loads((ROOT / "doc/source/admin/ec2-policy.json").read_text("utf-8"))
LOOPBACK = AddressPolicy(allowed_networks=["127.0.0.1/32"])


class Body:
    """The bytes of an upload."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[bytes]:
        for begin in range(0, len(self.data), 1 << 20):
            yield self.data[begin : begin + (1 << 20)]


class ServerCase(testtools.TestCase):
    """:ivar cloud: the server"""

    def setUp(self) -> None:
        super().setUp()
        server = self.useFixture(Shared(EC2Cloud)).server
        assert isinstance(server, EC2Cloud)
        self.cloud = server

    def put(self, ident: str, index: int, data: bytes, **more: Any) -> None:
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        values = {
            "SnapshotId": ident,
            "BlockIndex": index,
            "BlockData": data,
            "DataLength": len(data),
            "Checksum": checksum,
            "ChecksumAlgorithm": "SHA256",
        }
        self.cloud.client("ebs").put_snapshot_block(**{**values, **more})

    def refused(self, code: str, call: Any, *args: Any, **given: Any) -> None:
        error = self.assertRaises(ClientError, call, *args, **given)
        self.assertEqual(code, error.response["Error"]["Code"], str(error))

    def driver(self, auth: Any = AUTH, **connection: Any) -> EC2Driver:
        where = {"region": IRELAND, "endpoint": self.cloud.url, **connection}
        made = EC2Driver(where, auth, 30, LOOPBACK)
        self.addCleanup(made.close)
        return made


class ContractTest(ServerCase):
    """What moto alone takes, and Amazon does not."""

    def test_blocks_are_checked(self) -> None:
        ebs = self.cloud.client("ebs")
        made = ebs.start_snapshot(VolumeSize=1, ClientToken="contract")
        again = ebs.start_snapshot(VolumeSize=1, ClientToken="contract")
        ident = made["SnapshotId"]
        self.addCleanup(self.cloud.client().delete_snapshot, SnapshotId=ident)
        self.assertEqual((BLOCK, ident), (made["BlockSize"], again["SnapshotId"]))
        self.refused("ConflictException", ebs.start_snapshot, VolumeSize=2, ClientToken="contract")
        data = some_bytes(BLOCK)
        wrong = base64.b64encode(bytes(32)).decode()
        self.refused("ValidationException", self.put, ident, 0, data, Checksum=wrong)
        self.refused("ValidationException", self.put, ident, 0, data[:-1])
        self.refused("ValidationException", self.put, ident, 2048, data)
        self.refused("ResourceNotFoundException", self.put, "snap-00000000000000001", 0, data)
        self.put(ident, 7, data)
        self.refused("ValidationException", ebs.list_snapshot_blocks, SnapshotId=ident)
        done = {"SnapshotId": ident, "ChangedBlocksCount": 1}
        summed = {"ChecksumAlgorithm": "SHA256", "ChecksumAggregationMethod": "LINEAR"}
        self.refused("ValidationException", ebs.complete_snapshot, **done, **summed, Checksum=wrong)
        self.refused(
            "ValidationException", ebs.complete_snapshot, **{**done, "ChangedBlocksCount": 2}
        )
        linear = hashlib.sha256(hashlib.sha256(data).digest()).digest()
        ebs.complete_snapshot(**done, **summed, Checksum=base64.b64encode(linear).decode())
        self.refused("ValidationException", self.put, ident, 8, data)
        states = [
            self.cloud.client().describe_snapshots(SnapshotIds=[ident])["Snapshots"][0]["State"]
            for _ in range(4)
        ]
        self.assertEqual(("pending", "completed"), (states[0], states[-1]))


class DriverTest(ServerCase):
    def made(self, driver: EC2Driver, data: bytes, **more: Any) -> str:
        """A copy, proven as far as this class does, and named."""
        wish = image(size=len(data), **more)
        remote_id = driver.create(wish, STAMP)
        driver.upload(remote_id, Body(data))
        driver.finish(remote_id, wish)
        final = driver.final_id(remote_id)
        self.addCleanup(driver.delete, final)
        return final

    def test_two_of_one_name(self) -> None:
        driver = self.driver()
        data = some_bytes(BLOCK + 1)
        first, second = (self.made(driver, data, name="twin") for _ in range(2))
        names = [
            one["Name"]
            for one in self.cloud.client().describe_images(ImageIds=[first, second])["Images"]
        ]
        self.assertEqual({"twin", "twin (img-1)"}, set(names))
        self.assertEqual({"twin"}, {driver.get_image(one).name for one in (first, second)})

    def test_a_copy_is_listed_only_as_unfinished_until_it_is_named(self) -> None:
        driver = self.driver()
        remote_id = driver.create(image(size=5), STAMP)
        self.addCleanup(driver.delete, remote_id)
        self.assertEqual("saving", driver.get_image(remote_id).status)
        driver.upload(remote_id, Body(b"12345"))
        self.assertEqual("active", driver.get_image(remote_id).status)
        for listed in (*driver.list_images(), *driver.stamped(STAMP.deployment_id)):
            self.assertEqual((remote_id, "saving", STAMP), (listed.id, listed.status, listed.stamp))
        self.assertEqual([], driver.stamped("another"))

    def test_an_image_that_ends(self) -> None:
        soon = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=400)
        ami = self.made(self.driver(), b"12345", properties={"provided_until": str(soon)})
        (record,) = self.cloud.client().describe_images(ImageIds=[ami])["Images"]
        self.assertEqual(f"{soon}T00:00:00Z", record["DeprecationTime"])
        self.assertEqual("active", self.driver().get_image(ami).status)

    def test_a_body_that_breaks(self) -> None:
        driver = self.driver()
        remote_id = driver.create(image(size=4 * BLOCK), STAMP)

        class Broken(Body):
            def __iter__(self) -> Iterator[bytes]:
                yield b"x" * BLOCK
                raise exception.Cancelled

        self.assertRaises(exception.Cancelled, driver.upload, remote_id, Broken(b"x" * 4 * BLOCK))

        class Short(Body):
            def __len__(self) -> int:
                return 4 * BLOCK

        self.assertRaises(exception.StreamBroken, driver.upload, remote_id, Short(b"x" * BLOCK))
        self.assertEqual("saving", driver.get_image(remote_id).status)
        driver.delete(remote_id)
        self.assertRaises(exception.SiteImageNotFound, driver.get_image, remote_id)
        self.assertEqual(([], []), self.cloud.left())

    def test_addresses_that_are_not_allowed(self) -> None:
        where = {"region": IRELAND, "endpoint": self.cloud.url}
        strict = EC2Driver(where, AUTH, 30)
        self.addCleanup(strict.close)
        self.assertRaises(exception.AddressDenied, strict.probe)
        self.assertRaises(exception.AddressDenied, strict.verify)
        self.assertRaises(exception.AddressDenied, lambda: [*strict.list_images()])

    def test_nobody_listens(self) -> None:
        gone = self.driver(endpoint="http://127.0.0.1:1")
        self.assertRaises(exception.SiteUnreachable, gone.probe)


class PermissionsTest(ServerCase):
    """With signatures and IAM policies enforced."""

    def setUp(self) -> None:
        super().setUp()
        self.iam = self.cloud.client("iam")

    def enforce(self) -> None:
        self.addCleanup(self._auth, "1000000")
        self._auth("0")

    def _auth(self, after: str) -> None:
        url = f"{self.cloud.url}/moto-api/reset-auth"
        requests.post(url, data=after, timeout=30).raise_for_status()

    def key(self, without: str = "") -> dict[str, str]:
        """A key of a user with the documented policy, less one permission."""
        policy = json.loads(json.dumps(POLICY))
        for statement in policy["Statement"]:
            statement["Action"] = [one for one in statement["Action"] if one != without]
        policy["Statement"].append(
            {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
        )
        name = f"glint-{uuid.uuid4()}"
        self.iam.create_user(UserName=name)
        document = json.dumps(policy)
        self.iam.put_user_policy(UserName=name, PolicyName="glint", PolicyDocument=document)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "auth_type": "access_key",
            "access_key_id": key["AccessKeyId"],
            "secret_access_key": key["SecretAccessKey"],
        }

    def test_the_documented_policy_suffices(self) -> None:
        driver = self.driver(self.key())
        self.enforce()
        self.assertEqual("123456789012", driver.verify().project_id)
        data = some_bytes(2 * BLOCK)
        wish = image(size=len(data))
        remote_id = driver.create(wish, STAMP)
        driver.upload(remote_id, Body(data))
        driver.finish(remote_id, wish)
        ami = driver.final_id(remote_id)
        self.assertEqual([ami], [one.id for one in driver.list_images()])
        self.assertEqual(data[:BLOCK], driver.open(ami).read(BLOCK))
        driver.delete(ami)
        self.assertEqual([], [*driver.list_images()])

    def test_each_missing_permission_is_named(self) -> None:
        for lacking in ("ebs:PutSnapshotBlock", "ec2:RegisterImage", "ec2:DescribeSnapshots"):
            driver = self.driver(self.key(lacking))
            self.enforce()
            error = self.assertRaises(exception.SiteForbidden, driver.verify)
            self.assertIn(f"missing are {lacking}.", str(error))
            self._auth("1000000")

    def test_a_wrong_secret(self) -> None:
        key = {**self.key(), "secret_access_key": "wrong" * 8}
        self.enforce()
        self.assertRaises(exception.SiteCredentialsRejected, self.driver(key).verify)


class RoleTest(ServerCase):
    def test_a_session_of_a_role_leaves_no_trace_in_logs(self) -> None:
        logs = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        role = {
            "auth_type": "assume_role",
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "role_arn": "arn:aws:iam::210987654321:role/glint",
            "external_id": "an-external-id-0815",
        }
        driver = self.driver(role)
        self.assertEqual("210987654321", driver.verify().project_id)
        session = driver._login.secrets()
        self.assertEqual(4, len(session))
        for secret in session:
            self.assertNotIn(secret, logs.output)
