"""Clouds in memory behind the driver's door, for tests of what stands in front of it."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from glint import exception
from glint.drivers.base import Identity, Import, ImportProgress, SiteDriver, SizedBody
from glint.objects import Image, NotCarried, Quota, RemoteImage, Stamp

CLOUDS: dict[str, MemoryCloud] = {}


class MemoryCloud:
    """One cloud: images by id, and faults that a test sets."""

    def __init__(self, name: str, algorithm: str | None = "sha512") -> None:
        self.name = name
        self.algorithm = algorithm
        self.images: dict[str, RemoteImage] = {}
        self.data: dict[str, bytes] = {}
        self.bytes_read = 0
        self.reads = 0
        self.faults: dict[str, exception.SiteError] = {}
        self.gate: threading.Event | None = None
        self.reached = threading.Event()
        self.aborted: set[str] = set()
        # What it grants, by name, and how it imports: regions -> clouds, and how imports end.
        self.room: dict[str, Quota] = {}
        self.asked_for_quota = 0
        self.methods: list[str] = []
        self.unpacked: list[str] = []
        self.copies_among: str | None = None
        self.regions: dict[str, MemoryCloud] = {}
        self.imports: list[tuple[str, str]] = []
        self.import_outcome = ImportProgress(Import.DONE)
        self.import_of: dict[str, bytes] = {}
        CLOUDS[name] = self

    def put(self, name: str, data: bytes, **values: Any) -> str:
        """An image that somebody else made."""
        ident = str(uuid.uuid4())
        blank = RemoteImage(
            id=ident, name=name, status="active", size=len(data), os_hash_algo=self.algorithm,
            os_hash_value=self.hash(data), disk_format="raw", container_format="bare",
            min_disk=1, min_ram=2, visibility="private", protected=False, os_hidden=False,
            owner=self.name, properties={"os_distro": "debian"}, tags=("a",),
        )  # fmt: skip
        self.images[ident] = dataclasses.replace(blank, **values)
        self.data[ident] = data
        return ident

    def hash(self, data: bytes) -> str | None:
        return hashlib.new(self.algorithm, data).hexdigest() if self.algorithm else None

    def change(self, ident: str, **values: Any) -> None:
        if ident not in self.images:
            raise exception.SiteImageNotFound(ident=ident)
        self.images[ident] = dataclasses.replace(self.images[ident], **values)

    def ours(self) -> list[RemoteImage]:
        return [i for i in self.images.values() if i.stamp is not None]


class MemorySource:
    def __init__(self, cloud: MemoryCloud, data: bytes, offset: int) -> None:
        self.cloud, self.data, self.offset = cloud, data, offset
        self.size: int | None = len(data)

    def read(self, size: int) -> bytes:
        piece = self.data[self.offset : self.offset + size]
        self.offset += len(piece)
        self.cloud.bytes_read += len(piece)
        return piece

    def close(self) -> None:
        pass


class MemoryDriver(SiteDriver):
    """Logs in to ``connection["cloud"]``."""

    instances: ClassVar[int] = 0

    @property
    def cloud(self) -> MemoryCloud:
        return CLOUDS[self.connection["cloud"]]

    def _fault(self, name: str) -> None:
        if name in self.cloud.faults:
            raise self.cloud.faults[name]

    def probe(self) -> Mapping[str, Any]:
        self._fault("probe")
        return {}

    def verify(self) -> Identity:
        self._fault("verify")
        return Identity(f"{self.cloud.name}-id", f"{self.cloud.name}-project", "me", {})

    def list_images(self, others: Collection[str] = ()) -> Iterator[RemoteImage]:
        self._fault("list")
        for image in [*self.cloud.images.values()]:
            own = image.owner in (None, self.cloud.name)
            if own or image.visibility in others:
                yield dataclasses.replace(image, own=own)

    def get_image(self, remote_id: str) -> RemoteImage:
        self._fault("get")
        try:
            return self.cloud.images[remote_id]
        except KeyError:
            raise exception.SiteImageNotFound(ident=remote_id) from None

    def stamped(self, deployment_id: str) -> Sequence[RemoteImage]:
        self._fault("list")
        return [i for i in self.cloud.ours() if i.stamp and i.stamp.deployment_id == deployment_id]

    def twins(self, digests: Mapping[str, str]) -> Sequence[RemoteImage]:
        known = set(digests.items())
        return [i for i in self.cloud.images.values() if (i.os_hash_algo, i.os_hash_value) in known]

    def quota(self) -> Mapping[str, Quota]:
        self.cloud.asked_for_quota += 1
        self._fault("quota")
        return self.cloud.room

    def grants(self) -> Mapping[str, Any]:
        self._fault("grants")
        room = {name: dataclasses.asdict(entry) for name, entry in self.cloud.room.items()}
        methods, unpacked = self.cloud.methods, self.cloud.unpacked
        return {"quota": room, "import_methods": methods, "unpacked": unpacked, **self._among()}

    def _among(self) -> dict[str, Any]:
        return {"copies_among": self.cloud.copies_among} if self.cloud.copies_among else {}

    def copy_from(self, image: Image, stamp: Stamp, region: str, copy_id: str) -> str:
        made = self.create(image, stamp)
        self.import_from(made, region, copy_id)
        return made

    def import_from(self, remote_id: str, region: str, source_remote_id: str) -> None:
        self._fault("import")
        self.cloud.imports.append((region, source_remote_id))
        self.cloud.import_of[remote_id] = self.cloud.regions[region].data[source_remote_id]
        self.cloud.change(remote_id, status="importing")
        self.cloud.reached.set()

    def import_progress(self, remote_id: str) -> ImportProgress:
        self._fault("progress")
        if remote_id not in self.cloud.images:
            raise exception.SiteImageNotFound(ident=remote_id)
        if self.cloud.gate is not None and not self.cloud.gate.is_set():
            return ImportProgress(Import.RUNNING)
        if self.cloud.import_outcome.state == Import.DONE:
            self._fill(remote_id, self.cloud.import_of.pop(remote_id))
        return self.cloud.import_outcome

    def open(self, remote_id: str, offset: int = 0) -> MemorySource:
        self._fault("open")
        self.cloud.reads += 1
        return MemorySource(self.cloud, self.cloud.data[remote_id], offset)

    def create(self, image: Image, stamp: Stamp) -> str:
        self._fault("create")
        return self.cloud.put(
            "incoming", b"", status="queued", size=None, os_hash_algo=None, os_hash_value=None,
            properties=stamp.properties(), tags=(), disk_format=image.disk_format,
        )  # fmt: skip

    def upload(self, remote_id: str, body: SizedBody) -> None:
        self._fault("upload")
        data = bytearray()
        for chunk in body:
            data += chunk
            self.cloud.reached.set()
            self._wait_at_gate(remote_id)
        self._fill(remote_id, bytes(data))

    def _fill(self, remote_id: str, data: bytes) -> None:
        self.cloud.data[remote_id] = data
        self.cloud.change(
            remote_id, status="active", size=len(data), os_hash_algo=self.cloud.algorithm,
            os_hash_value=self.cloud.hash(data),
        )  # fmt: skip

    def _wait_at_gate(self, remote_id: str) -> None:
        gate = self.cloud.gate
        while gate is not None and not gate.wait(0.02):
            if remote_id in self.cloud.aborted:
                raise exception.StreamBroken(side="to", done=0, total=0, reason="aborted")

    def abort_upload(self, remote_id: str) -> None:
        self.cloud.aborted.add(remote_id)

    def finish(self, remote_id: str, image: Image) -> tuple[NotCarried, ...]:
        stamp = self.cloud.images[remote_id].stamp
        assert stamp is not None
        self.cloud.change(
            remote_id, name=image.name, properties={**image.properties, **stamp.properties()}
        )
        return ()

    def delete(self, remote_id: str) -> None:
        self._fault("delete")
        self.cloud.images.pop(remote_id, None)
        self.cloud.data.pop(remote_id, None)

    def renew(self) -> None:
        pass
