"""Which permissions a credential lacks, found out without changing anything.

EC2's own calls are asked for a dry run. EBS direct knows none: there a snapshot that does not exist
is meant, and a refusal for lack of permission looks otherwise than that it is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glint.drivers.ec2.blocks import BLOCK
from glint.drivers.ec2.errors import code_of
from glint.drivers.ec2.session import Login
from glint.exception import SiteForbidden

_SNAPSHOT, _IMAGE = "snap-00000000000000000", "ami-00000000000000000"
_DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
_MAPPING = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": _SNAPSHOT}}
_BLOCK: dict[str, Any] = {"SnapshotId": _SNAPSHOT, "BlockIndex": 0}
_TAG = [{"Key": "glint:probe", "Value": ""}]

#: Permission -> service, operation, arguments.
_CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ec2:DescribeImages": ("ec2", "describe_images", {"Owners": ["self"]}),
    "ec2:DescribeSnapshots": ("ec2", "describe_snapshots", {"OwnerIds": ["self"]}),
    "ebs:ListSnapshotBlocks": ("ebs", "list_snapshot_blocks", {"SnapshotId": _SNAPSHOT}),
    "ebs:GetSnapshotBlock": ("ebs", "get_snapshot_block", {**_BLOCK, "BlockToken": "none"}),
    "ec2:RegisterImage": (
        "ec2",
        "register_image",
        {"Name": "glint probe", "RootDeviceName": "/dev/xvda", "BlockDeviceMappings": [_MAPPING]},
    ),
    "ec2:DeregisterImage": ("ec2", "deregister_image", {"ImageId": _IMAGE}),
    "ec2:EnableImageDeprecation": (
        "ec2",
        "enable_image_deprecation",
        {"ImageId": _IMAGE, "DeprecateAt": "2099-01-01T00:00:00Z"},
    ),
    "ec2:DeleteSnapshot": ("ec2", "delete_snapshot", {"SnapshotId": _SNAPSHOT}),
    "ec2:CopySnapshot": (
        "ec2",
        "copy_snapshot",
        {"SourceRegion": "us-east-1", "SourceSnapshotId": _SNAPSHOT},
    ),
    "ec2:CreateTags": ("ec2", "create_tags", {"Resources": [_SNAPSHOT], "Tags": _TAG}),
    "ebs:PutSnapshotBlock": (
        "ebs",
        "put_snapshot_block",
        {
            **_BLOCK,
            "BlockData": b"",
            "DataLength": BLOCK,
            "Checksum": "none",
            "ChecksumAlgorithm": "SHA256",
        },
    ),
    "ebs:CompleteSnapshot": (
        "ebs",
        "complete_snapshot",
        {"SnapshotId": _SNAPSHOT, "ChangedBlocksCount": 0},
    ),
    # More than the largest volume: nothing can begin.
    "ebs:StartSnapshot": ("ebs", "start_snapshot", {"VolumeSize": 1_000_000}),
}
READING = frozenset(
    {
        "ec2:DescribeImages",
        "ec2:DescribeSnapshots",
        "ebs:ListSnapshotBlocks",
        "ebs:GetSnapshotBlock",
    }
)


def missing(login: Login) -> list[str]:
    """The permissions that the credential lacks.

    :raises SiteError: the site is not reached, or rejects the credential.
    """
    return [*_missing(login)]


def _missing(login: Login) -> Iterator[str]:
    for permission, (service, operation, arguments) in _CALLS.items():
        dry = {"DryRun": True} if service == "ec2" else {}
        client = login.client(service)
        try:
            getattr(client, operation)(**arguments, **dry)
        except Exception as error:
            code = code_of(error)
            if code in _DENIED:
                yield permission
            elif not code or code in ("AuthFailure", "UnrecognizedClientException"):
                raise login.errors.from_exception(error) from error


def check(login: Login) -> None:
    """:raises SiteForbidden: permissions are missing, each is named."""
    lacking = missing(login)
    if lacking:
        raise SiteForbidden(reason=f"missing are {', '.join(lacking)}")
