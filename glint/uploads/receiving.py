"""From a stream into the upload folder: hashed, checked and bounded on the way."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

from glint import exception
from glint.uploads.folder import Draft
from glint.uploads.formats import FormatCheck

#: Bytes that are held at once.
CHUNK = 1024 * 1024

#: By this hash Glint knows what it received; Glance's default.
ALGORITHM = "sha512"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the image is to be.

    :ivar size: bytes, None where any number is.
    :ivar expected: algorithm -> hex digest.
    :ivar limit: bytes that it may have at most.
    """

    disk_format: str
    container_format: str
    size: int | None
    expected: Mapping[str, str]
    limit: int


@dataclasses.dataclass(frozen=True)
class Received:
    """What came. ``digests``: algorithm -> hex digest, computed over all bytes."""

    size: int
    digests: Mapping[str, str]


def receive(
    read: Callable[[int], bytes],
    draft: Draft,
    wanted: Wanted,
    progress: Callable[[int], None] = lambda done: None,
) -> Received:
    """Read to the end, and write it down durably.

    :param read: up to so many bytes, b"" at the true end; it raises where the end is not true.
    :param progress: called with the bytes so far; what it raises ends it all.
    :raises ContentError: the bytes are refused.
    :raises UploadNoRoom: the folder is full.
    """
    hashes = {name: hashlib.new(name) for name in {ALGORITHM, *wanted.expected}}
    check = FormatCheck(wanted.disk_format, wanted.container_format)
    most = wanted.limit if wanted.size is None else min(wanted.limit, wanted.size)
    done = 0
    while chunk := read(CHUNK):
        done += len(chunk)
        if done > most:
            if most == wanted.size:
                raise exception.UploadSizeMismatch(done=f"more than {most}", size=wanted.size)
            raise exception.ImageTooLarge(limit=wanted.limit)
        check.feed(chunk)
        for one in hashes.values():
            one.update(chunk)
        draft.write(chunk)
        progress(done)
    if wanted.size is not None and done != wanted.size:
        raise exception.UploadSizeMismatch(done=done, size=wanted.size)
    if not done:
        raise exception.UploadCut(done=0, reason="the image is empty")
    check.finish()
    digests = {name: one.hexdigest() for name, one in hashes.items()}
    compare(wanted.expected, digests)
    draft.sync()
    return Received(done, digests)


def compare(expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """:raises ChecksumMismatch: a digest is not the expected one."""
    for name, digest in expected.items():
        if name in found and found[name] != digest:
            raise exception.ChecksumMismatch(algorithm=name, found=found[name], expected=digest)
