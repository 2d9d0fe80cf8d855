"""The base of tests with an EC2 beside the two clouds."""

from __future__ import annotations

import dataclasses
from typing import Any

from glint.client import Resource
from tests.ec2cloud.fixture import ACCESS_KEY, IRELAND, SECRET_KEY, EC2Cloud
from tests.functional.base import GlintTestCase
from tests.minicloud.faultproxy import FaultProxy
from tests.servers.server import Shared

PUT = r"/snapshots/snap-[0-9a-f]+/blocks/\d+"
"""Targets of requests that carry a block."""
BLOCK = 524288
AUTH = {
    "auth_type": "access_key",
    "access_key_id": ACCESS_KEY,
    "secret_access_key": SECRET_KEY,
}


@dataclasses.dataclass(frozen=True)
class Amazon:
    """One region, behind a fault proxy."""

    server: EC2Cloud
    proxy: FaultProxy
    region: str

    def images(self) -> list[dict[str, Any]]:
        """All AMIs of the account."""
        found = self.server.client("ec2", self.region).describe_images(Owners=["self"])
        return list(found["Images"])

    def snapshots(self) -> list[dict[str, Any]]:
        """All snapshots of the account."""
        found = self.server.client("ec2", self.region).describe_snapshots(OwnerIds=["self"])
        return list(found["Snapshots"])

    def content(self, ami: dict[str, Any]) -> bytes:
        """All bytes of an AMI's volume."""
        (mapping,) = ami["BlockDeviceMappings"]
        ident = mapping["Ebs"]["SnapshotId"]
        ebs = self.server.client("ebs", self.region)
        listed = ebs.list_snapshot_blocks(SnapshotId=ident, MaxResults=10000)
        data = bytearray()
        for block in listed["Blocks"]:
            data += bytes(block["BlockIndex"] * BLOCK - len(data))
            data += ebs.get_snapshot_block(SnapshotId=ident, **block)["BlockData"].read()
        return bytes(data)

    def purge(self) -> None:
        """Remove everything."""
        ec2 = self.server.client("ec2", self.region)
        for ami in self.images():
            ec2.deregister_image(ImageId=ami["ImageId"])
        for snapshot in self.snapshots():
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])


class EC2Case(GlintTestCase):
    """Two clouds, an empty EC2 in Ireland, and Glint.

    :ivar ireland: the region
    """

    def setUp(self) -> None:
        super().setUp()
        self.ireland = self.amazon(IRELAND)

    def amazon(self, region: str) -> Amazon:
        """A region of one and the same EC2, through a proxy of its own; empty at the end."""
        server = self.useFixture(Shared(EC2Cloud)).server
        assert isinstance(server, EC2Cloud)
        found = Amazon(server, self.proxy(server.url), region)
        self.addCleanup(found.purge)
        return found

    def ec2_column(self, amazon: Amazon, name: str = "EC2-Ireland", **more: Any) -> Resource:
        """A region as a site, and the access key as a credential."""
        connection = {"region": amazon.region, "endpoint": amazon.proxy.url, **more}
        site = self.user.client.sites.create(name, "ec2", connection)
        return self.user.client.credentials.create(site["id"], AUTH)
