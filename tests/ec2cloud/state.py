"""Snapshots and images of one account in one region, with the checks that EC2 makes.

Facts: API references of EBS direct (StartSnapshot, PutSnapshotBlock, CompleteSnapshot,
ListSnapshotBlocks, GetSnapshotBlock) and EC2 (RegisterImage, DeregisterImage, CopyImage).
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import os
import pathlib
import re
import threading
import uuid
from typing import Any, ClassVar

from moto.core.exceptions import ServiceException

BLOCK = 524288
GIB = 1024**3
#: How often a thing is described before it is ready.
LOOKS = 2

_NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")
ARCHITECTURES = frozenset({"i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"})
TAGS_LIMIT = 50


class Refused(ServiceException):  # moto looks for the service in the module of the class
    """An error of the service."""


def refuse(code: str, message: str) -> Refused:
    return Refused(code, message)


def _ident(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:17]}"


@dataclasses.dataclass
class Snapshot:
    """Its blocks are in a sparse file; ``digests``: index -> SHA256 of the block."""

    id: str
    path: pathlib.Path
    volume_size: int
    description: str
    owner: str
    request: tuple[Any, ...]
    encrypted: bool = False
    state: str = "pending"
    looks: int = 0
    completing: bool = False
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    digests: dict[int, bytes] = dataclasses.field(default_factory=dict)
    puts: int = 0
    started: datetime.datetime = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC)
    )

    def read(self, index: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(index * BLOCK)
            return file.read(BLOCK)

    def look(self) -> None:
        """Time passes with every look."""
        if self.completing and self.state == "pending":
            self.looks += 1
            if self.looks > LOOKS:
                self.state = "completed"


@dataclasses.dataclass
class Image:
    """``request``: what it was registered with."""

    id: str
    snapshot_id: str
    request: dict[str, Any]
    owner: str
    state: str = "pending"
    looks: int = 0
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    deprecated: str | None = None
    permissions: list[dict[str, str]] = dataclasses.field(default_factory=list)
    created: datetime.datetime = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC)
    )

    def look(self) -> None:
        if self.state == "pending":
            self.looks += 1
            if self.looks > LOOKS:
                self.state = "available"


class Region:
    """One account in one region."""

    folder: ClassVar[pathlib.Path] = pathlib.Path()
    lock: ClassVar[threading.RLock] = threading.RLock()
    _all: ClassVar[dict[tuple[str, str], Region]] = {}

    def __init__(self, account: str) -> None:
        self.account = account
        self.snapshots: dict[str, Snapshot] = {}
        self.images: dict[str, Image] = {}
        self._tokens: dict[str, Snapshot] = {}
        self._copies: dict[str, Image] = {}

    @classmethod
    def of(cls, account: str, region: str) -> Region:
        with cls.lock:
            return cls._all.setdefault((account, region), cls(account))

    # -- EBS direct

    def start_snapshot(
        self,
        volume_size: int,
        tags: dict[str, str],
        description: str,
        token: str | None,
        encrypted: bool,
    ) -> Snapshot:
        if not 1 <= volume_size <= 65536:
            raise refuse("ValidationException", "The volume size must be between 1 and 65536 GiB")
        request = (volume_size, tuple(sorted(tags.items())), description, encrypted)
        known = self._tokens.get(token or "")
        if known is not None:
            if known.request != request:
                raise refuse("ConflictException", "The client token was used for another request")
            return known
        _check_tags(tags)
        ident = _ident("snap")
        made = Snapshot(
            ident, self.folder / ident, volume_size, description, self.account, request, encrypted
        )
        made.tags = dict(tags)
        made.path.touch()
        os.truncate(made.path, volume_size * GIB)
        self.snapshots[ident] = made
        if token:
            self._tokens[token] = made
        return made

    def of_block(self, ident: str) -> Snapshot:
        found = self.snapshots.get(ident)
        if found is None:
            raise refuse("ResourceNotFoundException", f"The snapshot {ident} does not exist.")
        return found

    def put_block(self, ident: str, index: int, data: bytes, checksum: str | None) -> str:
        snapshot = self.of_block(ident)
        if snapshot.state != "pending" or snapshot.completing:
            raise refuse("ValidationException", f"The snapshot {ident} is not in pending state.")
        if not 0 <= index < snapshot.volume_size * GIB // BLOCK:
            raise refuse("ValidationException", "The block index is past the end of the volume.")
        if len(data) != BLOCK:
            raise refuse("ValidationException", f"A block has {BLOCK} bytes.")
        digest = hashlib.sha256(data).digest()
        if checksum != base64.b64encode(digest).decode():
            raise refuse("ValidationException", "The checksum does not match the block's data.")
        with snapshot.path.open("r+b") as file:
            file.seek(index * BLOCK)
            file.write(data)
        snapshot.puts += 1
        snapshot.digests[index] = digest
        return str(checksum)

    def complete(self, ident: str, count: int, checksum: str | None) -> Snapshot:
        snapshot = self.of_block(ident)
        if snapshot.completing or snapshot.state != "pending":
            raise refuse("ValidationException", f"The snapshot {ident} is not in pending state.")
        if count != len(snapshot.digests):
            raise refuse("ValidationException", "The changed blocks count does not match.")
        if checksum is not None:
            joined = b"".join(digest for _, digest in sorted(snapshot.digests.items()))
            if checksum != base64.b64encode(hashlib.sha256(joined).digest()).decode():
                raise refuse("ValidationException", "The checksum of the snapshot does not match.")
        snapshot.completing = True
        return snapshot

    def readable(self, ident: str) -> Snapshot:
        snapshot = self.of_block(ident)
        if snapshot.state != "completed":
            raise refuse("ValidationException", f"The snapshot {ident} is not completed.")
        return snapshot

    # -- EC2

    def snapshot(self, ident: str) -> Snapshot:
        found = self.snapshots.get(ident)
        if found is None:
            raise refuse("InvalidSnapshot.NotFound", f"The snapshot '{ident}' does not exist.")
        return found

    def delete_snapshot(self, ident: str) -> None:
        snapshot = self.snapshot(ident)
        users = [one.id for one in self.images.values() if one.snapshot_id == ident]
        if users:
            raise refuse(
                "InvalidSnapshot.InUse", f"The snapshot {ident} is currently in use by {users[0]}"
            )
        del self.snapshots[ident]
        snapshot.path.unlink(missing_ok=True)

    def image(self, ident: str) -> Image:
        found = self.images.get(ident)
        if found is None:
            raise refuse("InvalidAMIID.NotFound", f"The image id '[{ident}]' does not exist")
        return found

    def register(self, request: dict[str, Any], tags: dict[str, str]) -> Image:
        name = request.get("Name") or ""
        if not _NAME.fullmatch(name):
            raise refuse("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 ...")
        self._check_name(name)
        if request.get("Architecture", "i386") not in ARCHITECTURES:
            raise refuse("InvalidParameterValue", "The architecture is not known.")
        mappings = [one for one in request.get("BlockDeviceMappings", []) if one.get("Ebs")]
        root = [one for one in mappings if one["DeviceName"] == request.get("RootDeviceName")]
        if not root:
            raise refuse("InvalidBlockDeviceMapping", "No snapshot for the root device.")
        snapshot = self.snapshot(root[0]["Ebs"]["SnapshotId"])
        if snapshot.state != "completed":
            raise refuse("IncorrectState", f"The snapshot {snapshot.id} is not completed.")
        _check_tags(tags)
        made = Image(_ident("ami"), snapshot.id, request, self.account, tags=dict(tags))
        self.images[made.id] = made
        return made

    def _check_name(self, name: str) -> None:
        if any(one.request["Name"] == name for one in self.images.values()):
            raise refuse("InvalidAMIName.Duplicate", f"AMI name {name} is already in use")

    def copy(
        self, source: Region, ident: str, name: str, token: str | None, tags: dict[str, str]
    ) -> Image:
        """CopyImage: whole at once, seen as such after some looks."""
        if token and token in self._copies:
            return self._copies[token]
        self._check_name(name)
        original = source.image(ident)
        before = source.readable(original.snapshot_id)
        after = self._copied(before, {})
        request = {**original.request, "Name": name}
        made = Image(_ident("ami"), after.id, request, self.account, tags=dict(tags))
        self.images[made.id] = made
        if token:
            self._copies[token] = made
        return made

    def copy_snapshot(self, source: Region, ident: str, tags: dict[str, str]) -> Snapshot:
        """CopySnapshot: whole at once, seen as such after some looks.

        A test says by tags of the original that it is refused, or fails later.
        """
        before = source.snapshot(ident)
        if before.state != "completed":
            raise refuse("IncorrectState", f"The snapshot {ident} is not completed.")
        if "refuse-copy" in before.tags:
            raise refuse("OperationNotPermitted", "A policy of the organization forbids it.")
        _check_tags(tags)
        after = self._copied(before, tags)
        after.completing, after.looks = True, 0
        after.state = "error" if "fail-copy" in before.tags else "pending"
        return after

    def _copied(self, before: Snapshot, tags: dict[str, str]) -> Snapshot:
        after = dataclasses.replace(
            before, id=_ident("snap"), tags=dict(tags), digests=dict(before.digests), puts=0
        )
        after.path = self.folder / after.id
        after.path.touch()
        os.truncate(after.path, after.volume_size * GIB)
        with after.path.open("r+b") as file:
            for index in before.digests:
                file.seek(index * BLOCK)
                file.write(before.read(index))
        self.snapshots[after.id] = after
        return after

    def tag(self, idents: list[str], tags: dict[str, str]) -> None:
        for ident in idents:
            thing = self.image(ident) if ident.startswith("ami-") else self.snapshot(ident)
            _check_tags({**thing.tags, **tags})
            thing.tags.update(tags)

    def untag(self, idents: list[str], names: list[str]) -> None:
        for ident in idents:
            thing = self.image(ident) if ident.startswith("ami-") else self.snapshot(ident)
            for name in names:
                thing.tags.pop(name, None)


def _check_tags(tags: dict[str, str]) -> None:
    if len(tags) > TAGS_LIMIT:
        raise refuse("TagLimitExceeded", f"more than {TAGS_LIMIT} tags")
    for name, value in tags.items():
        if not 1 <= len(name) <= 128 or len(value) > 256 or name.startswith("aws:"):
            raise refuse("InvalidParameterValue", f"tag {name[:20]} is not allowed")
