"""An image as an HTTP answer: ranges, and the proof that a whole one is the catalogue's."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator

import webob

from glint import exception, objects
from glint.rpc.api import ImageStream

LOG = logging.getLogger(__name__)

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def etag(image: objects.Image) -> str | None:
    """Names the content; None where its hash is not known."""
    if image.os_hash_algo is None or image.os_hash_value is None:
        return None
    return f'"{image.os_hash_algo}:{image.os_hash_value}"'


def wanted_range(request: webob.Request, tag: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None: the whole image.

    What cannot be understood is ignored, as RFC 9110 says; so are several ranges at once.

    :raises RangeNotSatisfiable: it lies beyond the end.
    """
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range")
    if found is None or not (found[1] or found[2]) or (condition and condition.strip() != tag):
        return None
    if found[1]:
        begin, end = int(found[1]), min(int(found[2] or size) + 1, size)
        if found[2] and int(found[2]) < begin:
            return None
    else:
        begin, end = max(0, size - int(found[2])), size
    if begin >= size or not end:
        raise exception.RangeNotSatisfiable(size=size)
    return begin, end


def is_known(request: webob.Request, tag: str | None) -> bool:
    """Whether the client has the content already (If-None-Match)."""
    told = request.headers.get("If-None-Match", "")
    return tag is not None and any(one.strip().removeprefix("W/") == tag for one in told.split(","))


class Body:
    """An app_iter of exactly ``count`` bytes.

    A whole image is hashed on the way, and its last piece goes out only when the hash is right: in
    every other case this raises, and the server breaks the connection before Content-Length is
    reached, so that no client takes the file for whole.
    """

    def __init__(self, image: objects.Image, stream: ImageStream, count: int, whole: bool) -> None:
        self._image = image
        self._stream = stream
        self._count = count
        self._hash = None
        algorithm = image.os_hash_algo or ""
        if whole and algorithm in hashlib.algorithms_available and image.os_hash_value:
            self._hash = hashlib.new(algorithm, usedforsecurity=False)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces()
        except exception.GlintError as error:
            # The headers are out; what is left is to end badly, and to say so here.
            LOG.error("image %s: the download is broken off: %s", self._image.id, error)
            raise
        finally:
            self.close()

    def _pieces(self) -> Iterator[bytes]:
        left, held = self._count, b""
        for piece in self._stream:
            piece = piece[:left]
            left -= len(piece)
            if self._hash is not None:
                self._hash.update(piece)
            if held:
                yield held
            held = piece
            if not left:
                break
        if left:
            raise exception.StreamBroken(
                side="from the source",
                done=self._count - left,
                total=self._count,
                reason="it ended early",
            )
        self._prove()
        yield held

    def _prove(self) -> None:
        if self._hash is not None and self._hash.hexdigest() != self._image.os_hash_value:
            raise exception.ContentMismatch(
                "The source of a download holds other content than the catalogue:"
                f" {self._image.os_hash_algo} {self._hash.hexdigest()}."
            )

    def close(self) -> None:
        """The server calls this also when the client went away."""
        self._stream.close()
