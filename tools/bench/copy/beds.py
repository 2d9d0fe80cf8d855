"""What is copied from and to: image services that discard, and real ones."""

from __future__ import annotations

import contextlib
import json
import pathlib
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any

import yaml

from tests.minicloud.fixture import MiniCloud
from tests.minicloud.testcase import Images
from tests.minicloud.tls import Authority
from tools.bench.copy.ways import Place, Task
from tools.bench.memory import fake

MIB = 1024 * 1024
DIGEST = "os_hash_value"


class Wrong(Exception):
    """A way of copying did not copy: its figure would be a lie."""


class Discarding(contextlib.ExitStack):
    """Two fake image services: one gives an image of ``mib`` MiB, one takes and keeps nothing.

    :param tls: both speak TLS only, with certificates of one authority.
    """

    def __init__(self, mib: int, *, tls: bool = False) -> None:
        super().__init__()
        self.size = mib * MIB
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        self.ca: pathlib.Path | None = None
        more: tuple[str, ...] = ()
        if tls:
            authority = Authority(self.folder / "ca")
            own = authority.issue()
            self.ca = authority.certificate
            more = ("--tls", str(own.certificate), str(own.key))
        self.source = self.enter_context(fake("--size", str(mib), *more))
        self.sink = self.enter_context(fake("--empty", *more))
        (self._image,) = self._ask(self.source, "/v2/images")["images"]

    @contextlib.contextmanager
    def task(self, count: int, *rates: float) -> Iterator[Task]:
        """A copy to ``count`` new records, and one more for each of ``rates`` (MiB/s).

        :raises Wrong: not all of it was copied in the block.
        """
        wanted: list[dict[str, str]] = [{} for _ in range(count)]
        wanted += [{"bench_rate": str(rate)} for rate in rates]
        idents = [self._ask(self.sink, "/v2/images", one)["id"] for one in wanted]
        before = self._ask(self.sink, "/counts")["taken"]
        self._sent = self._ask(self.source, "/counts")["sent"]
        yield Task(
            Place(self.source, self._image["id"], "any"),
            [Place(self.sink, ident, "any") for ident in idents],
            self.size, self.folder, self.ca, checksum=False,
        )  # fmt: skip
        taken = self._ask(self.sink, "/counts")["taken"] - before
        if taken != count * self.size and not rates:
            raise Wrong(f"{taken} bytes came, not {count} x {self.size}")

    def reads(self) -> float:
        """How many times the image was read since the last task began."""
        return (self._ask(self.source, "/counts")["sent"] - self._sent) / self.size

    def _ask(self, base: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        context = ssl.create_default_context(cafile=str(self.ca)) if self.ca else None
        request = urllib.request.Request(  # noqa: S310 - a server that this bench has started
            base + path, data, {"X-Auth-Token": "any"}
        )
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310
            return json.load(answer)


class Glances(contextlib.ExitStack):
    """The minicloud with four Glances: one is the source, the others the destinations."""

    TARGETS = (
        ("dair", "hep-member", None), ("duo", "hep-member", "east"), ("duo", "hep-member", "west"),
        ("dair", "bio-member", None), ("duo", "bio-member", "east"), ("duo", "bio-member", "west"),
        ("dair", "hep-admin", None), ("duo", "hep-admin", "east"),
    )  # fmt: skip
    """Destinations, in the order in which they are used: cloud, persona, region."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        self.minicloud = MiniCloud(self.folder / "clouds", owned=True, extras=["duo"])
        self.callback(self.minicloud.down)
        self.minicloud.up(say=lambda line: None)
        self._source = self._images("alto", "hep-member", None)
        self._clouds = self._write_clouds()

    def _write_clouds(self) -> pathlib.Path:
        """A clouds.yaml with one entry for each of :data:`TARGETS`, regions in the name."""
        given = yaml.safe_load(self.minicloud.clouds_yaml.read_text())["clouds"]
        for cloud, persona, region in self.TARGETS:
            if region is not None:
                name = f"{cloud}-{persona}"
                given[f"{name}-{region}"] = {**given[name], "region_name": region}
        path = self.folder / "clouds.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump({"clouds": given}))
        return path

    def _images(self, cloud: str, persona: str, region: str | None) -> Images:
        handle = self.minicloud.cloud(cloud)
        return Images(handle.session(persona), handle.image_url_in(region or handle.region))

    def add(self, mib: int, disk_format: str) -> str:
        """A new image at the source, of bytes that cannot be compressed."""
        file = image_file(self.folder, mib, disk_format)
        ident = self._source.create("bench", disk_format=disk_format)
        with file.open("rb") as data:
            self._source.session.put(
                f"{self._source.base}/{ident}/file",
                data=data,
                headers={"Content-Type": "application/octet-stream"},
            )
        file.unlink()
        return ident

    def remove(self, ident: str) -> None:
        """An image of the source, which its copies survive."""
        self._source.delete(ident)

    @contextlib.contextmanager
    def task(self, ident: str, count: int) -> Iterator[Task]:
        """A copy of an image to ``count`` new records, which are looked at and removed afterwards.

        :raises Wrong: one is not active, or holds other bytes.
        """
        record = self._source.show(ident)
        places, used = [], []
        for cloud, persona, region in self.TARGETS[:count]:
            images = self._images(cloud, persona, region)
            made = images.create("bench", disk_format=record["disk_format"])
            name = "-".join(filter(None, (cloud, persona, region)))
            places.append(self._place(images, made, name))
            used.append((images, made))
        yield Task(
            self._place(self._source, ident, "alto"), places, record["size"], self.folder,
            disk_format=record["disk_format"], clouds=self._clouds,
        )  # fmt: skip
        for images, made in used:
            self._check(images, made, record)

    @staticmethod
    def _check(images: Images, made: str, record: dict[str, Any]) -> None:
        """Either the record was filled, or a command made one of its own."""
        found = [images.show(one) for one in images.ids(name="by-command")] or [images.show(made)]
        for one in found:
            images.delete(one["id"])
            if one["status"] != "active" or one[DIGEST] != record[DIGEST]:
                raise Wrong(f"a copy is {one['status']} with {one['size']} bytes")
        images.delete(made)

    @staticmethod
    def _place(images: Images, ident: str, cloud: str) -> Place:
        base = images.base.removesuffix("/v2/images")
        return Place(base, ident, str(images.session.get_token()), cloud)


def image_file(folder: pathlib.Path, mib: int, disk_format: str) -> pathlib.Path:
    """A file of noise; as qcow2, a disk with so much noise on it."""
    raw = folder / "noise"
    with open("/dev/urandom", "rb") as source, raw.open("wb") as file:
        for _ in range(mib):
            file.write(source.read(MIB))
    if disk_format == "raw":
        return raw
    made = folder / f"image.{disk_format}"
    subprocess.run(
        ["qemu-img", "convert", "-f", "raw", "-O", disk_format, str(raw), str(made)],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    raw.unlink()
    return made
