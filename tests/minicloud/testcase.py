"""The base class of tests that need real clouds."""

from __future__ import annotations

import hashlib
import json
import random
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

import testtools
from keystoneauth1 import session as ks_session
from keystoneauth1.exceptions import http as http_errors

from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.fixture import CloudHandle, MiniCloud, SharedMiniCloud
from tests.minicloud.state import Overrides


def some_bytes(size: int, seed: int = 1) -> bytes:
    """Bytes that no compression and no sparse file gets the better of, the same for one seed."""
    return random.Random(seed).randbytes(size)


class Images:
    """The image API of one cloud as one user, in plain calls: what a test compares with.

    It goes to ``base``, whatever the catalogue says.
    """

    def __init__(self, session: ks_session.Session, base: str) -> None:
        self.session = session
        self.base = base.rstrip("/") + "/v2/images"

    def create(self, name: str = "image", **attributes: Any) -> str:
        """Make a record without bytes; return its id."""
        body = {"name": name, "disk_format": "raw", "container_format": "bare"} | attributes
        return str(self.session.post(self.base, json=body).json()["id"])

    def upload(self, image_id: str, data: bytes | Iterator[bytes]) -> None:
        """Give a record its bytes; an iterator is sent chunked."""
        headers = {"Content-Type": "application/octet-stream"}
        self.session.put(f"{self.base}/{image_id}/file", data=data, headers=headers)

    def add(self, data: bytes, name: str = "image", **attributes: Any) -> str:
        """Make an image with bytes; return its id."""
        image_id = self.create(name, **attributes)
        self.upload(image_id, data)
        return image_id

    def show(self, image_id: str) -> dict[str, Any]:
        """The record."""
        image: dict[str, Any] = self.session.get(f"{self.base}/{image_id}").json()
        return image

    def download(self, image_id: str) -> bytes:
        """The bytes."""
        return bytes(self.session.get(f"{self.base}/{image_id}/file").content)

    def ids(self, **filters: str) -> list[str]:
        """The ids of all images that the user sees, by default or with ``filters``."""
        query = {"limit": "1000"} | filters
        answer = self.session.get(self.base, params=query)
        return [image["id"] for image in answer.json()["images"]]

    def delete(self, image_id: str) -> None:
        """Remove an image, protected or not; one that is gone already is all right."""
        try:
            if self.show(image_id)["protected"]:
                self.change(image_id, protected=False)
            self.session.delete(f"{self.base}/{image_id}")
        except http_errors.NotFound:
            return

    def change(self, image_id: str, **attributes: Any) -> None:
        """Set attributes of a record."""
        body = [
            {"op": "add", "path": f"/{name}", "value": value} for name, value in attributes.items()
        ]
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        self.session.patch(f"{self.base}/{image_id}", data=json.dumps(body), headers=headers)


class MiniCloudTestCase(testtools.TestCase):
    """A test with two running clouds, shared with the other tests of the process.

    A class that needs other configuration sets :attr:`overrides`, one that needs optional clouds
    :attr:`extras`, and gets clouds of its own.

    :ivar minicloud: both clouds
    :ivar alto: the home cloud
    :ivar dair: the other one
    """

    overrides: Overrides | None = None
    extras: Sequence[str] = ()

    def setUp(self) -> None:
        super().setUp()
        self.minicloud: MiniCloud = self.useFixture(
            SharedMiniCloud(self.overrides, self.extras)
        ).minicloud
        self.alto: CloudHandle = self.minicloud.cloud("alto")
        self.dair: CloudHandle = self.minicloud.cloud("dair")

    def images(self, cloud: CloudHandle, persona: str = "hep-member") -> Images:
        """The image API of a cloud as a persona.

        What the persona's project has at the end of the test, and had not now, is removed.
        """
        images = Images(cloud.session(persona), cloud.image_url)
        project = images.session.get_project_id()
        assert project is not None
        admin = Images(cloud.session("admin"), cloud.image_url)
        self.addCleanup(self._remove_new, admin, project, _owned(admin, project))
        return images

    def _remove_new(self, admin: Images, project: str, before: set[str]) -> None:
        self.minicloud.mend()
        for image_id in _owned(admin, project) - before:
            admin.delete(image_id)

    def proxy(self, upstream: str, tls: ssl.SSLContext | None = None) -> FaultProxy:
        """A running fault proxy before a service; no catalogue is touched."""
        proxy = FaultProxy(upstream, tls=tls).start()
        self.addCleanup(proxy.stop)
        return proxy

    def assert_same_bytes(self, data: bytes, image: dict[str, Any]) -> None:
        """Check size and ``os_hash_value`` of an image's record against bytes."""
        digest = hashlib.new(image["os_hash_algo"], data, usedforsecurity=False).hexdigest()
        self.assertEqual(
            ("active", len(data), digest),
            (image["status"], image["size"], image["os_hash_value"]),
        )


def _owned(admin: Images, project: str) -> set[str]:
    shown, hidden = (admin.ids(owner=project, os_hidden=value) for value in ("false", "true"))
    return {*shown, *hidden}
