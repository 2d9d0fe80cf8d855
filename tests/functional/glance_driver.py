"""What the tests of the OpenStack driver against real clouds have in common."""

from __future__ import annotations

import dataclasses
import datetime
import random
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import testtools

from glint import exception
from glint.drivers.addresses import AddressPolicy
from glint.drivers.glance.driver import GlanceDriver
from glint.objects import Image, RemoteImage, Stamp
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.fixture import CloudHandle, SharedMiniCloud

MIB = 1024 * 1024
CAP = 8 * MIB
OVERRIDES = {
    "dair-glance": {"DEFAULT": {"hashing_algorithm": "sha256", "image_size_cap": str(CAP)}}
}
PATIENCE = 30  # seconds
LOOPBACK = AddressPolicy(allowed_networks=["127.0.0.1/32"])


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), MIB // 4):
            yield self.data[start : start + MIB // 4]


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def an_image(**more: Any) -> Image:
    now = datetime.datetime(2026, 1, 1)  # noqa: DTZ001 - Glint's own times are naive UTC
    base = Image(
        id="img",
        project_id="p",
        user_id=None,
        name="Debian 12, größer",
        size=None,
        os_hash_algo=None,
        os_hash_value=None,
        digests={},
        disk_format="raw",
        container_format="bare",
        min_disk=1,
        min_ram=64,
        protected=False,
        os_hidden=False,
        properties={},
        tags=(),
        generation=1,
        created_at=now,
        updated_at=now,
    )
    return dataclasses.replace(base, **more)


class GlanceDriverTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.minicloud = self.useFixture(SharedMiniCloud(OVERRIDES)).minicloud
        self.alto = self.minicloud.cloud("alto")
        self.dair = self.minicloud.cloud("dair")
        self.stamp = Stamp(str(uuid.uuid4()), "img", str(uuid.uuid4()))

    @staticmethod
    def auth(cloud: CloudHandle, persona: str = "hep-member", **more: Any) -> dict[str, Any]:
        given = cloud.credentials(persona)
        return {
            "auth_type": "password",
            "username": given.username,
            "password": given.password,
            "project_name": given.project_name,
            **more,
        }

    def driver(
        self, cloud: CloudHandle, auth: dict[str, Any] | None = None, **connection: Any
    ) -> GlanceDriver:
        settings = {"auth_url": cloud.auth_url, "region": cloud.region, **connection}
        made = GlanceDriver(settings, auth or self.auth(cloud), PATIENCE, LOOPBACK)
        self.addCleanup(made.close)
        return made

    def proxy(self, upstream: str, **settings: Any) -> FaultProxy:
        proxy = FaultProxy(upstream, **settings)
        proxy.start()
        self.addCleanup(proxy.stop)
        return proxy

    def create(self, used: GlanceDriver, image: Image | None = None) -> str:
        remote_id = used.create(image or an_image(), self.stamp)
        self.addCleanup(used.delete, remote_id)
        return remote_id

    def wait_for(self, used: GlanceDriver, remote_id: str, status: str) -> RemoteImage:
        pause = threading.Event()
        for _ in range(PATIENCE * 20):
            image = used.get_image(remote_id)
            if image.status == status:
                return image
            pause.wait(0.05)
        raise AssertionError(f"{remote_id} is {image.status}, not {status}")

    @staticmethod
    def upload_when_possible(used: GlanceDriver, remote_id: str, data: bytes) -> None:
        """Upload anew after a cut: until Glance has noticed it, the record is "saving"."""
        pause = threading.Event()
        for _ in range(PATIENCE * 20):
            try:
                used.upload(remote_id, Body(data))
                return
            except exception.SiteConflict:
                pause.wait(0.05)
        raise AssertionError(f"{remote_id} takes no bytes")

    @staticmethod
    def read(used: GlanceDriver, remote_id: str, offset: int = 0) -> bytes:
        source = used.open(remote_id, offset)
        found = bytearray()
        while chunk := source.read(100_000):
            found += chunk
        source.close()
        return bytes(found)
