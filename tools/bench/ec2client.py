"""One upload to EC2, measured from within: see ``ec2.py``. Arguments: WAY URL FOLDER."""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from glint.drivers.addresses import AddressPolicy
from glint.drivers.ec2.driver import EC2Driver
from glint.drivers.ec2.session import THREADS
from glint.transfer import Sink, fan_out
from glint.transfer.disk import DiskFile
from tests.ec2cloud.fixture import ACCESS_KEY, IRELAND, SECRET_KEY
from tests.unit.drivers.fakes import STAMP, image

AUTH = {
    "auth_type": "access_key",
    "access_key_id": ACCESS_KEY,
    "secret_access_key": SECRET_KEY,
}
BLOCK = 512 * 1024
GIB = 1024**3
PUT = "before-send.ebs.PutSnapshotBlock"


class Counter:
    """Requests that were sent, repeated ones too."""

    def __init__(self, ebs: Any) -> None:
        self.sent = 0
        ebs.meta.events.register_first(PUT, self._count)

    def _count(self, **_request: Any) -> None:
        self.sent += 1


def glint(driver: EC2Driver, folder: pathlib.Path) -> Counter:
    """As a conductor does it: the disk in the file, hashed, through a window to the driver."""
    counter = Counter(driver._login.client("ebs"))
    fd = os.open(folder / "qcow2", os.O_RDONLY)
    disk = DiskFile(fd, os.fstat(fd).st_size)
    remote_id = driver.create(image(size=disk.size, disk_format="raw"), STAMP)
    sink = Sink(lambda body: driver.upload(remote_id, body))
    result = fan_out(disk.open, disk.size, [sink], algorithms=["sha256"])
    if result.sinks[0].error is not None:
        raise result.sinks[0].error
    return counter


def simple(driver: EC2Driver, folder: pathlib.Path, skip: bool) -> Counter:
    """Some threads put blocks of the raw file, as small tools do."""
    ebs = driver._login.client("ebs")
    counter = Counter(ebs)
    size = (folder / "raw").stat().st_size
    ident = ebs.start_snapshot(VolumeSize=-(-size // GIB))["SnapshotId"]
    digests: dict[int, bytes] = {}
    zeros = bytes(BLOCK)
    fd = os.open(folder / "raw", os.O_RDONLY)

    def put(index: int) -> None:
        data = os.pread(fd, BLOCK, index * BLOCK).ljust(BLOCK, b"\0")
        if skip and data == zeros:
            return
        digest = digests[index] = hashlib.sha256(data).digest()
        ebs.put_snapshot_block(
            SnapshotId=ident, BlockIndex=index, BlockData=data, DataLength=BLOCK,
            Checksum=base64.b64encode(digest).decode(), ChecksumAlgorithm="SHA256",
        )  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(put, range(-(-size // BLOCK))):
            pass
    joined = hashlib.sha256(b"".join(digests[index] for index in sorted(digests)))
    ebs.complete_snapshot(
        SnapshotId=ident, ChangedBlocksCount=len(digests),
        Checksum=base64.b64encode(joined.digest()).decode(),
        ChecksumAlgorithm="SHA256", ChecksumAggregationMethod="LINEAR",
    )  # fmt: skip
    return counter


def main() -> None:
    """Measure one way; prints an object of JSON."""
    way, url, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    loopback = AddressPolicy(allowed_networks=["127.0.0.1/32"])
    driver = EC2Driver({"region": IRELAND, "endpoint": url}, AUTH, 60, loopback)
    driver.probe()  # the descriptions of the services are read, connections are open
    ways: dict[str, Callable[[], Counter]] = {
        "glint": lambda: glint(driver, folder),
        "skip": lambda: simple(driver, folder, True),
        "whole": lambda: simple(driver, folder, False),
    }
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    counter = ways[way]()
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {"sent": counter.sent, "seconds": seconds, "cpu": cpu, "rss": after.ru_maxrss / 1024}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
