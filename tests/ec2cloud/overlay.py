"""What moto answers about snapshots and images, in place of its own answers."""

from __future__ import annotations

import base64
import fnmatch
from collections.abc import Sequence
from typing import Any, TypeVar

from moto.core.exceptions import JsonRESTError, _RESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.ebs.responses import EBSResponse
from moto.ec2.responses import EC2Response
from moto.iam import access_control

from tests.ec2cloud.state import BLOCK, Image, Region, Snapshot, refuse

T = TypeVar("T")


def _region(response: Any, name: str | None = None) -> Region:
    return Region.of(response.current_account, name or response.region)


def _tags(pairs: Any) -> dict[str, str]:
    return {one["Key"]: one.get("Value", "") for one in pairs or ()}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in sorted(tags.items())]


def _specified(response: Any, kind: str) -> dict[str, str]:
    """The tags that a request gives to things of a kind."""
    found: dict[str, str] = {}
    for one in response._get_param("TagSpecifications", []):
        if one["ResourceType"] == kind:
            found |= _tags(one.get("Tags"))
    return found


def _page(response: Any, things: Sequence[T], default: int) -> tuple[Sequence[T], str | None]:
    """A page as MaxResults and NextToken ask for it."""
    limit = int(response._get_param("MaxResults") or default)
    begin = int(response._get_param("NextToken") or 0)
    end = begin + limit
    return things[begin:end], str(end) if end < len(things) else None


def _matches(response: Any, facts: dict[str, str], tags: dict[str, str]) -> bool:
    for name, wanted in response._filters_from_querystring().items():
        if name == "tag-key":
            values = list(tags)
        elif name.startswith("tag:"):
            values = [tags[name[4:]]] if name[4:] in tags else []
        elif name in facts:
            values = [facts[name]]
        else:
            raise refuse("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not any(fnmatch.fnmatchcase(v, w) for v in values for w in wanted):
            return False
    return True


def _token(snapshot: Snapshot, index: int) -> str:
    return f"token-{snapshot.id}-{index}"


class Blocks(EBSResponse):
    """The EBS direct API."""

    def start_snapshot(self) -> ActionResult:
        with Region.lock:
            made = _region(self).start_snapshot(
                int(self._get_param("VolumeSize")),
                _tags(self._get_param("Tags")),
                self._get_param("Description") or "",
                self._get_param("ClientToken"),
                bool(self._get_param("Encrypted")),
            )
        return ActionResult(
            {
                "SnapshotId": made.id,
                "OwnerId": made.owner,
                "Status": made.state,
                "StartTime": made.started,
                "VolumeSize": made.volume_size,
                "BlockSize": BLOCK,
                "Tags": _pairs(made.tags),
                "Description": made.description,
            }
        )

    def put_snapshot_block(self) -> ActionResult:
        data = self._get_param("BlockData") or b""
        if int(self._get_param("DataLength") or 0) != len(data):
            raise refuse("ValidationException", "The data length is wrong.")
        if self._get_param("ChecksumAlgorithm") != "SHA256":
            raise refuse("ValidationException", "The checksum algorithm is not SHA256.")
        checksum = _region(self).put_block(
            self._get_param("SnapshotId"),
            int(self._get_param("BlockIndex")),
            data,
            self._get_param("Checksum"),
        )
        return ActionResult({"Checksum": checksum, "ChecksumAlgorithm": "SHA256"})

    def complete_snapshot(self) -> ActionResult:
        if self._get_param("Checksum") and self._get_param("ChecksumAggregationMethod") != "LINEAR":
            raise refuse("ValidationException", "The aggregation method is not LINEAR.")
        with Region.lock:
            done = _region(self).complete(
                self._get_param("SnapshotId"),
                int(self._get_param("ChangedBlocksCount")),
                self._get_param("Checksum"),
            )
        return ActionResult({"Status": done.state})

    def list_snapshot_blocks(self) -> ActionResult:
        snapshot = _region(self).readable(self._get_param("SnapshotId"))
        first = int(self._get_param("StartingBlockIndex") or 0)
        indexes = sorted(index for index in snapshot.digests if index >= first)
        page, following = _page(self, indexes, 100)
        return ActionResult(
            {
                "Blocks": [
                    {"BlockIndex": i, "BlockToken": f"token-{snapshot.id}-{i}"} for i in page
                ],
                "VolumeSize": snapshot.volume_size,
                "BlockSize": BLOCK,
                **({"NextToken": following} if following else {}),
            }
        )

    def get_snapshot_block(self) -> ActionResult:
        snapshot = _region(self).readable(self._get_param("SnapshotId"))
        index = int(self._get_param("BlockIndex"))
        if index not in snapshot.digests:
            raise refuse("ResourceNotFoundException", f"Block {index} is not there.")
        if self._get_param("BlockToken") != _token(snapshot, index):
            raise refuse("ValidationException", "The block token is wrong.")
        return ActionResult(
            {
                "DataLength": BLOCK,
                "BlockData": snapshot.read(index),
                "Checksum": base64.b64encode(snapshot.digests[index]).decode(),
                "ChecksumAlgorithm": "SHA256",
            }
        )


class Images(EC2Response):
    """Snapshots, images and their tags."""

    def describe_snapshots(self) -> ActionResult:
        region = _region(self)
        self.error_on_dryrun()
        idents = self._get_param("SnapshotIds", [])
        found = []
        with Region.lock:
            for one in [region.snapshot(i) for i in idents] or [*region.snapshots.values()]:
                facts = {"snapshot-id": one.id, "status": one.state}
                if _matches(self, facts, one.tags):
                    one.look()
                    found.append(one)
        page, following = _page(self, found, 1000)
        return ActionResult(
            {
                "Snapshots": [_snapshot(one) for one in page],
                **({"NextToken": following} if following else {}),
            }
        )

    def delete_snapshot(self) -> ActionResult:
        self.error_on_dryrun()
        with Region.lock:
            _region(self).delete_snapshot(self._get_param("SnapshotId"))
        return EmptyResult()

    def copy_snapshot(self) -> ActionResult:
        self.error_on_dryrun()
        source = _region(self, self._get_param("SourceRegion"))
        tags = _specified(self, "snapshot")
        with Region.lock:
            ident = self._get_param("SourceSnapshotId")
            made = _region(self).copy_snapshot(source, ident, tags)
        return ActionResult({"SnapshotId": made.id, "Tags": _pairs(made.tags)})

    def describe_images(self) -> ActionResult:
        region = _region(self)
        self.error_on_dryrun()
        idents = self._get_param("ImageIds", [])
        found = []
        with Region.lock:
            for one in [region.image(i) for i in idents] or [*region.images.values()]:
                facts = {
                    "block-device-mapping.snapshot-id": one.snapshot_id,
                    "image-id": one.id,
                    "name": one.request["Name"],
                    "state": one.state,
                }
                if _matches(self, facts, one.tags):
                    one.look()
                    found.append(one)
        page, following = _page(self, found, 1000)
        return ActionResult(
            {
                "Images": [_image(one, region) for one in page],
                **({"NextToken": following} if following else {}),
            }
        )

    def register_image(self) -> ActionResult:
        self.error_on_dryrun()
        names = (
            "Name", "Description", "Architecture", "BootMode", "EnaSupport", "TpmSupport",
            "VirtualizationType", "RootDeviceName", "BlockDeviceMappings", "ImdsSupport",
        )  # fmt: skip
        request = {name: self._get_param(name) for name in names}
        request = {name: value for name, value in request.items() if value is not None}
        with Region.lock:
            made = _region(self).register(request, _specified(self, "image"))
        return ActionResult({"ImageId": made.id})

    def copy_image(self) -> ActionResult:
        self.error_on_dryrun()
        source = _region(self, self._get_param("SourceRegion"))
        ident = self._get_param("SourceImageId")
        tags = _specified(self, "image")
        if self._get_param("CopyImageTags"):
            tags = {**source.image(ident).tags, **tags}
        with Region.lock:
            made = _region(self).copy(
                source, ident, self._get_param("Name"), self._get_param("ClientToken"), tags
            )
            snapshot = _region(self).snapshot(made.snapshot_id)
            snapshot.tags |= _specified(self, "snapshot")
        return ActionResult({"ImageId": made.id})

    def deregister_image(self) -> ActionResult:
        self.error_on_dryrun()
        region, results = _region(self), []
        with Region.lock:
            image = region.image(self._get_param("ImageId"))
            del region.images[image.id]
            if self._get_param("DeleteAssociatedSnapshots"):
                results = [{"SnapshotId": image.snapshot_id, "ReturnCode": "success"}]
                region.delete_snapshot(image.snapshot_id)
        return ActionResult({"Return": True, "DeleteSnapshotResults": results})

    def enable_image_deprecation(self) -> ActionResult:
        self.error_on_dryrun()
        at = self._get_param("DeprecateAt").strftime("%Y-%m-%dT%H:%M:%SZ")
        with Region.lock:
            _region(self).image(self._get_param("ImageId")).deprecated = at
        return ActionResult({"Return": True})

    def create_tags(self) -> ActionResult:
        self.error_on_dryrun()
        with Region.lock:
            _region(self).tag(self._get_param("Resources", []), _tags(self._get_param("Tags")))
        return EmptyResult()

    def delete_tags(self) -> ActionResult:
        self.error_on_dryrun()
        names = [one["Key"] for one in self._get_param("Tags", [])]
        with Region.lock:
            _region(self).untag(self._get_param("Resources", []), names)
        return EmptyResult()

    def modify_image_attribute(self) -> ActionResult:
        self.error_on_dryrun()
        image = _region(self).image(self._get_param("ImageId"))
        change = self._get_param("LaunchPermission", {})
        image.permissions += [one for one in change.get("Add", []) if one not in image.permissions]
        gone = change.get("Remove", [])
        image.permissions = [one for one in image.permissions if one not in gone]
        return EmptyResult()

    def describe_image_attribute(self) -> ActionResult:
        image = _region(self).image(self._get_param("ImageId"))
        return ActionResult({"ImageId": image.id, "LaunchPermissions": image.permissions})


def _snapshot(one: Snapshot) -> dict[str, Any]:
    return {
        "SnapshotId": one.id,
        "State": one.state,
        "VolumeSize": one.volume_size,
        "Description": one.description,
        "OwnerId": one.owner,
        "StartTime": one.started,
        "Progress": "100%" if one.state == "completed" else "99%",
        "Encrypted": one.encrypted,
        "Tags": _pairs(one.tags),
    }


def _image(one: Image, region: Region) -> dict[str, Any]:
    mappings = []
    for mapping in one.request.get("BlockDeviceMappings", []):
        ebs = dict(mapping.get("Ebs") or {})
        if ebs:
            snapshot = region.snapshots.get(one.snapshot_id)
            ebs |= {"SnapshotId": one.snapshot_id}
            ebs.setdefault("VolumeSize", snapshot.volume_size if snapshot else 1)
            mapping = {**mapping, "Ebs": ebs}
        mappings.append(mapping)
    return {
        **one.request,
        "ImageId": one.id,
        "OwnerId": one.owner,
        "State": one.state,
        "CreationDate": one.created,
        **({"DeprecationTime": one.deprecated} if one.deprecated else {}),
        "Public": {"Group": "all"} in one.permissions,
        "RootDeviceType": "ebs",
        "ImageType": "machine",
        "Hypervisor": "xen",
        "BlockDeviceMappings": mappings,
        "Tags": _pairs(one.tags),
    }


def install() -> None:
    """Let moto answer with what is in this module."""
    for mine, theirs in ((Blocks, EBSResponse), (Images, EC2Response)):
        for name, method in vars(mine).items():
            if not name.startswith("_"):
                setattr(theirs, name, method)
    _correct_refusals()


def _correct_refusals() -> None:
    """Refusals of EBS direct are JSON as all its answers are; moto writes XML."""
    authorize = EBSResponse._authenticate_and_authorize_normal_action
    check = access_control.IAMRequest.check_signature

    def authorize_in_json(self: Any, resource: str) -> None:
        try:
            authorize(self, resource)
        except JsonRESTError:
            raise
        except _RESTError as error:
            raise error.to_json() from error

    def check_signature(self: Any) -> None:
        # moto reckons another one for CompleteSnapshot, whose parameters are headers.
        if self._service != "ebs":
            check(self)

    for owner, method in (
        (EBSResponse, authorize_in_json),
        (access_control.IAMRequest, check_signature),
    ):
        name = method.__name__.replace("authorize_in_json", authorize.__name__)
        setattr(owner, name, method)
