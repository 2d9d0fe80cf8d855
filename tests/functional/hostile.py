"""Disk images that are not what they should be: their headers only, made by hand."""

from __future__ import annotations

import struct

from tests.minicloud.testcase import some_bytes

SECTOR = 512


def qcow2(backing: bytes = b"", features: int = 0, size: int = 1 << 20) -> bytes:
    """A qcow2, version 3, with room for nothing.

    :param backing: name of a backing file
    :param features: incompatible features; 4 says that the data is in another file
    """
    at = 0x200 if backing else 0
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb", 3, at, len(backing), 16, 1 << 30, 0, 1, 0x30000, 0x10000, 1, 0, 0,
        features, 0, 0, 4, 104,
    )  # fmt: skip
    data = bytearray(header.ljust(0x200, b"\0") + backing)
    return bytes(data) + some_bytes(size - len(data))


def vmdk(descriptor: bytes, size: int = 1 << 20) -> bytes:
    """A sparse VMDK with a descriptor of one's own."""
    sectors = -(-len(descriptor) // SECTOR)
    header = struct.pack(
        "<4sIIQQQQIQQQB4sH",
        b"KDMV", 1, 3, 2048, 128, 1, sectors, 512, 1, 2, 128, 0, b"\n \r\n", 0,
    )  # fmt: skip
    data = header.ljust(SECTOR, b"\0") + descriptor.ljust(sectors * SECTOR, b"\0")
    return data + b"\0" * (size - len(data))


VMDK_ELSEWHERE = b"""# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"

# Extent description
RW 20971520 FLAT "/etc/passwd" 0
"""

VMDK_OWN = b"""# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 2048 SPARSE "disk.vmdk"
"""
