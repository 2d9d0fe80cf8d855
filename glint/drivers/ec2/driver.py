"""The driver of EC2 sites."""

from __future__ import annotations

import contextlib
import datetime
import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from glint.drivers.addresses import STRICT, AddressPolicy
from glint.drivers.base import (
    ByteSource,
    Identity,
    ImportProgress,
    Receipt,
    SiteDriver,
    SizedBody,
)
from glint.drivers.ec2 import copies, permissions, records
from glint.drivers.ec2.account import Account, wait
from glint.drivers.ec2.blocks import Upload
from glint.drivers.ec2.errors import LOGIN_WANTED, code_of
from glint.drivers.ec2.mapping import registration
from glint.drivers.ec2.reading import SnapshotSource
from glint.drivers.ec2.session import THREADS, Login
from glint.drivers.text import clean, host_of
from glint.exception import (
    SiteConflict,
    SiteError,
    SiteFormatRefused,
    SiteImageNotFound,
)
from glint.objects import Image, NotCarried, Quota, RemoteImage, Stamp

LOG = logging.getLogger(__name__)

#: The format that is taken, and those of which the disk in the file is.
FORMAT, UNPACKED = "raw", ("qcow2",)

#: US dollars for 2048 calls of PutSnapshotBlock, as Amazon asked for in us-east-1 in 2025.
PRICE = 0.0123

#: Minutes after which EBS gives up a snapshot into which nothing is put.
_IDLE_MINUTES = 60

#: Blocks that are read ahead.
_AHEAD = 8


class EC2Driver(SiteDriver):
    """One account in one region of EC2.

    See :class:`glint.drivers.base.SiteDriver` for what each method promises.
    """

    keeps_hash = False
    skips_zeros = True

    def __init__(
        self,
        connection: Mapping[str, Any],
        auth: Mapping[str, Any] | None,
        timeout: float = 60.0,
        addresses: AddressPolicy = STRICT,
    ) -> None:
        super().__init__(connection, auth, timeout, addresses)
        self._login = Login(connection, auth, timeout, addresses)
        self._errors = self._login.errors
        self._account = Account(self._login)
        self._lock = threading.Lock()
        self._uploads: dict[str, Upload] = {}

    def __repr__(self) -> str:
        return f"<EC2Driver {host_of(self._login.url)} {self._login.region}>"

    def probe(self) -> Mapping[str, Any]:
        """Ask for the regions without a login: EC2 refuses in its own words, which tells enough."""
        client = self._login.client("ec2")
        try:
            client.describe_regions(RegionNames=[self._login.region])
        except Exception as error:
            if code_of(error) not in LOGIN_WANTED:
                raise self._errors.from_exception(error) from error
        return {"region": self._login.region}

    def verify(self) -> Identity:
        """Log in, and find out which permissions are missing.

        :raises SiteForbidden: not even reading is allowed; it names what is missing.
        """
        caller = self._account.call("sts", "get_caller_identity")
        permissions.check(self._login)
        account = _account_of(caller)
        return Identity(
            project_id=account or None,
            project_name=account or None,
            user_name=clean(str(caller.get("Arn") or ""), limit=255) or None,
            facts={},
        )

    def _caller(self) -> str:
        return _account_of(self._account.call("sts", "get_caller_identity"))

    def quota(self) -> Mapping[str, Quota]:
        return {}

    def grants(self) -> Mapping[str, Any]:
        return {
            "quota": {},
            "disk_formats": [FORMAT, *UNPACKED],
            "container_formats": ["bare"],
            "unpacked": [*UNPACKED],
            "copies_among": f"{self._login.partition} {self._caller()}",
            "price": PRICE,
        }

    # -- what is there

    def list_images(self, others: Collection[str] = ()) -> Iterator[RemoteImage]:
        """AMIs with one volume, and copies of Glint's that are no AMI yet.

        The latter are never shown as active: they are nobody's image. Others' AMIs are not looked
        for: a region has hundreds of thousands of public ones.
        """
        snapshots = {str(one.get("SnapshotId")): one for one in self._account.snapshots([])}
        used = set()
        for record in self._account.amis([]):
            used.update(records.snapshots_of(record))
            try:
                yield self._image(record, snapshots)
            except ValueError as error:
                ident = clean(repr(record.get("ImageId")), limit=80)
                LOG.info("%r: image %s is left out: %s", self, ident, error)
        for ident, record in snapshots.items():
            if ident not in used:
                with contextlib.suppress(ValueError):
                    image = records.from_snapshot(record)
                    if image.stamp is not None:
                        yield _unfinished(image)

    @staticmethod
    def _image(record: Mapping[str, Any], snapshots: Mapping[str, Any]) -> RemoteImage:
        return records.from_ami(record, snapshots.get(records.root_snapshot(record) or ""))

    def get_image(self, remote_id: str) -> RemoteImage:
        with self._sense(remote_id):
            if records.is_snapshot(remote_id):
                return records.from_snapshot(self._account.snapshot(remote_id))
            record = self._account.ami(remote_id)
            root = records.root_snapshot(record)
            snapshot = None
            with contextlib.suppress(SiteImageNotFound):
                snapshot = self._account.snapshot(root) if root else None
            return records.from_ami(record, snapshot)

    @contextlib.contextmanager
    def _sense(self, remote_id: str) -> Iterator[None]:
        """Only proper ids are asked for, and only sensible answers are taken."""
        if not records.is_id(remote_id):
            raise SiteImageNotFound(ident=clean(str(remote_id)))
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise SiteError(reason=f"its record of {remote_id} is not understood ({error})") from (
                error
            )

    def stamped(self, deployment_id: str) -> Sequence[RemoteImage]:
        tag = f"tag:{records.PREFIX}deployment"
        wanted = [{"Name": tag, "Values": [deployment_id]}]
        found: dict[str, RemoteImage] = {}
        with self._sense("ami-00000000"):
            for record in self._account.amis(wanted):
                # Its volumes do not matter to whoever removes it.
                image = self._image(record, {})
                found[image.id] = image
            snapshots = [*self._account.snapshots(wanted)]
            used = self._account.used([str(one.get("SnapshotId")) for one in snapshots])
            for record in snapshots:
                image = records.from_snapshot(record)
                if image.id not in used:
                    found[image.id] = _unfinished(image)
        return [
            one for one in found.values() if one.stamp and one.stamp.deployment_id == deployment_id
        ]

    def twins(self, digests: Mapping[str, str]) -> Sequence[RemoteImage]:
        """EC2 knows no hashes to ask for."""
        return ()

    # -- its bytes

    def open(self, remote_id: str, offset: int = 0) -> ByteSource:
        image = self.get_image(remote_id)
        if image.size is None or image.status != "active":
            raise SiteConflict(reason=f"it is {image.status}")
        with self._sense(remote_id):
            snapshot = remote_id
            if not records.is_snapshot(remote_id):
                snapshot = records.root_snapshot(self._account.ami(remote_id)) or ""
        return SnapshotSource(
            lambda operation, **more: self._account.call("ebs", operation, remote_id, **more),
            snapshot,
            image.size,
            offset,
            _AHEAD,
        )

    def create(self, image: Image, stamp: Stamp) -> str:
        """Begin a snapshot, stamped; what EC2 could not register is refused here."""
        if image.disk_format != FORMAT:
            raise SiteFormatRefused(
                reason=f"it is {image.disk_format}, and EC2 gets {FORMAT} disks from Glint"
            )
        registration(image.properties)
        if not image.size or image.size > records.BIGGEST:
            raise SiteFormatRefused(reason=f"a volume of {image.size} bytes is not possible")
        answer = self._account.call(
            "ebs",
            "start_snapshot",
            VolumeSize=-(-image.size // records.GIB),
            Description=f"glint-incoming-{stamp.transfer_id}",
            Tags=records.as_tags({**records.stamp_tags(stamp), records.SIZE: str(image.size)}),
            Timeout=_IDLE_MINUTES,
            **self._encryption("KmsKeyArn"),
        )
        return records.id_in(answer, "SnapshotId")

    def _encryption(self, name: str) -> dict[str, Any]:
        """Arguments of what makes a snapshot, where the site has a key; ``name``: of that."""
        key = self.connection.get("kms_key")
        return {"Encrypted": True, name: key} if key else {}

    def copy_id(self, remote_id: str) -> str:
        with self._sense(remote_id):
            return records.root_snapshot(self._account.ami(remote_id)) or ""

    def copy_from(self, image: Image, stamp: Stamp, region: str, copy_id: str) -> str:
        registration(image.properties)
        key = self._encryption("KmsKeyId")
        return copies.begin(self._account, image, stamp, (region, copy_id), key)

    def import_progress(self, remote_id: str) -> ImportProgress:
        return copies.progress(self._account.snapshot(remote_id))

    def resume(self, remote_id: str, image: Image, stamp: Stamp) -> bool:
        """Go on with a pending snapshot.

        Whatever an earlier attempt still puts into it: EBS completes it only with the checksum over
        the blocks that the next upload has seen.
        """
        if not records.is_snapshot(remote_id):
            return False
        record = self._account.snapshot(remote_id)
        tags = records.tags_of(record)
        same = tags.get(records.SIZE) == str(image.size) and records.SOURCE not in tags
        if record.get("State") != "pending" or not same:
            return False
        self._tag(remote_id, records.stamp_tags(stamp))
        return True

    def _tag(self, ident: str, tags: Mapping[str, str]) -> None:
        self._account.call(
            "ec2", "create_tags", ident, Resources=[ident], Tags=records.as_tags(tags)
        )

    def upload(self, remote_id: str, body: SizedBody) -> Receipt | None:
        """See :meth:`SiteDriver.upload`: blocks in parallel, then the checksum over all of them."""
        if not records.is_snapshot(remote_id):
            raise SiteImageNotFound(ident=clean(str(remote_id)))
        upload = Upload(
            self._login.client("ebs"),
            remote_id,
            lambda error: self._errors.from_exception(error, remote_id),
            THREADS,
            held=records.held(records.tags_of(self._account.snapshot(remote_id))),
            note=lambda held: self._tag(remote_id, {records.HELD: str(held)}),
        )
        with self._lock:
            self._uploads[remote_id] = upload
        try:
            count = upload.run(body, len(body))
            wait(
                lambda: str(self._account.snapshot(remote_id).get("State")),
                "completed",
                upload.stopped,
            )
        finally:
            with self._lock:
                self._uploads.pop(remote_id, None)
        if self.connection.get("read_back"):
            return None
        return Receipt(len(body), f"EBS compared SHA256 of {count} blocks and of all")

    def abort_upload(self, remote_id: str) -> None:
        """Stop a running :meth:`upload`, which then raises StreamBroken."""
        with self._lock:
            upload = self._uploads.get(remote_id)
        if upload is not None:
            upload.cut()

    # -- its name

    def finish(self, remote_id: str, image: Image) -> tuple[NotCarried, ...]:
        """Register the AMI of a proven snapshot; of an AMI only the tags are set."""
        ami_id = self.final_id(remote_id)
        refused: list[NotCarried] = []
        if records.is_snapshot(ami_id):
            snapshot = self._account.snapshot(remote_id)
            ami_id, name = self._register(remote_id, snapshot, image)
            if name != image.name:
                refused.append(NotCarried("name", f"EC2 has it as {name!r}"))
        tags, more = records.carried_tags(image, records.own_tags(self._account.ami(ami_id)))
        self._tag(ami_id, tags)
        for ident in records.snapshots_of(self._account.ami(ami_id)):
            self._tag(ident, {records.NAME: tags[records.NAME]})
        wait(lambda: str(self._account.ami(ami_id).get("State")), "available", threading.Event())
        ends = records.deprecation(image, datetime.datetime.now(datetime.UTC))
        if isinstance(ends, NotCarried):
            more.append(ends)
        elif ends is not None:
            self._account.deprecate(ami_id, ends)
        return (*refused, *more)

    def _register(
        self, snapshot_id: str, snapshot: Mapping[str, Any], image: Image
    ) -> tuple[str, str]:
        """Register an AMI under the image's name, or one near it; returns its id and name."""
        facts = registration(image.properties)
        own = records.own_tags(snapshot)
        size = max(int(snapshot.get("VolumeSize") or 1), image.min_disk)
        mapping = {
            "DeviceName": facts["RootDeviceName"],
            "Ebs": {"SnapshotId": snapshot_id, "VolumeSize": size, "DeleteOnTermination": True},
        }
        for again in (False, True):
            name = records.ami_name(image.name, image.id, again)
            try:
                answer = self._login.client("ec2").register_image(
                    Name=name,
                    Description=clean(image.name, limit=255),
                    BlockDeviceMappings=[mapping],
                    TagSpecifications=[{"ResourceType": "image", "Tags": records.as_tags(own)}],
                    **facts,
                )
            except Exception as error:
                if code_of(error) == "InvalidAMIName.Duplicate" and not again:
                    continue
                raise self._errors.from_exception(error, snapshot_id) from error
            return records.id_in(answer, "ImageId"), name
        raise AssertionError("unreachable")

    def final_id(self, remote_id: str) -> str:
        """The AMI of a snapshot, once it has one."""
        if not records.is_snapshot(remote_id):
            return remote_id
        wanted = {"Name": "block-device-mapping.snapshot-id", "Values": [remote_id]}
        for record in self._account.amis([wanted]):
            if records.root_snapshot(record) == remote_id and records.is_id(record.get("ImageId")):
                return str(record["ImageId"])
        return remote_id

    def delete(self, remote_id: str) -> None:
        """Remove an AMI together with its snapshots, or a copy that is no AMI yet."""
        if not records.is_id(remote_id):
            return
        ami_id = self.final_id(remote_id)
        snapshots = [remote_id] if records.is_snapshot(remote_id) else []
        if not records.is_snapshot(ami_id):
            with contextlib.suppress(SiteImageNotFound):
                snapshots += records.snapshots_of(self._account.ami(ami_id))
                self._account.call(
                    "ec2",
                    "deregister_image",
                    ami_id,
                    ImageId=ami_id,
                    # So that no crash comes in between.
                    DeleteAssociatedSnapshots=True,
                )
        for ident in dict.fromkeys(snapshots):
            with contextlib.suppress(SiteImageNotFound):
                self._account.call("ec2", "delete_snapshot", ident, SnapshotId=ident)

    def renew(self) -> None:
        self._login.renew()

    def close(self) -> None:
        self._login.close()


def _account_of(caller: Mapping[str, Any]) -> str:
    return clean(str(caller.get("Account") or ""), limit=64)


def _unfinished(image: RemoteImage) -> RemoteImage:
    """A snapshot of Glint's in a list."""
    values = {**vars(image), "status": "saving"}
    return RemoteImage(**values)
