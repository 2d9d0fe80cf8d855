"""What the clouds really hold: plain calls to each Glance, past the proxies and past Glint."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Mapping
from typing import Any

from tests.minicloud.fixture import CloudHandle
from tests.minicloud.testcase import Images

KIB = 1024
CHUNK = 256 * KIB
SMALLEST, LARGEST = 64 * KIB, 4096 * KIB

Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Original:
    """An image at the source, known by its bytes.

    :ivar image_id: in Glint's catalogue
    """

    name: str
    size: int
    digests: Mapping[str, str]
    image_id: str = ""

    @property
    def sha512(self) -> str:
        return self.digests["sha512"]


def make_bytes(rng: random.Random) -> bytes:
    """The bytes of an image; small ones are as likely as large ones, odd sizes the rule."""
    size = int(SMALLEST * (LARGEST / SMALLEST) ** rng.random()) + rng.randrange(512)
    return rng.randbytes(size)


def original(name: str, data: bytes) -> Original:
    digests = {algo: hashlib.new(algo, data).hexdigest() for algo in ("sha256", "sha512")}
    return Original(name, len(data), digests)


@dataclasses.dataclass(frozen=True)
class Remote:
    """An image as it lies in a cloud.

    :ivar sha512: of the bytes that the cloud gives out; None when it gives none
    :ivar size: of those bytes
    :ivar record: all that Glance says of it
    """

    id: str
    sha512: str | None
    size: int
    record: Record

    @property
    def name(self) -> str:
        return str(self.record["name"])

    @property
    def stamped(self) -> bool:
        return any(key.startswith("glint_") for key in self.record)


class Project:
    """The images of one project of one cloud, as a user of it sees them."""

    def __init__(self, cloud: CloudHandle, persona: str) -> None:
        self.cloud = cloud
        self.persona = persona
        self.session = cloud.session(persona)
        self.images = Images(self.session, cloud.image_url)
        self.id = str(self.session.get_project_id())
        self.label = f"{cloud.name.upper()} ({persona.partition('-')[0]})"

    def records(self) -> dict[str, Record]:
        """Everything that the project owns, whatever its state, hidden ones too."""
        found: dict[str, Record] = {}
        for hidden in ("false", "true"):
            query: dict[str, str] = {"os_hidden": hidden, "owner": self.id, "limit": "500"}
            while True:
                page = self.session.get(self.images.base, params=query).json()["images"]
                found.update((one["id"], one) for one in page if one["owner"] == self.id)
                if len(page) < 500:
                    break
                query["marker"] = page[-1]["id"]
        return found

    def remotes(self) -> list[Remote]:
        """Everything, each image downloaded and hashed."""
        return [self._remote(record) for record in self.records().values()]

    def _remote(self, record: Record) -> Remote:
        if record["status"] != "active":
            return Remote(record["id"], None, 0, record)
        sha512, size = hashlib.sha512(), 0
        url = f"{self.images.base}/{record['id']}/file"
        with self.session.get(url, stream=True) as answer:
            for chunk in answer.iter_content(CHUNK):
                sha512.update(chunk)
                size += len(chunk)
        return Remote(record["id"], sha512.hexdigest(), size, record)
