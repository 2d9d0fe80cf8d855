"""An image on its way to a user: from the best place that can be read now."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from glint import exception, objects
from glint.conductor.access import Access
from glint.conductor.sources import OwnSource, Source, open_source
from glint.conductor.uploads import Uploads
from glint.db import api, images
from glint.drivers.base import ByteSource
from glint.states import ImageState

LOG = logging.getLogger(__name__)

#: Bytes that are held at once.
CHUNK = 1024 * 1024


class Download:
    """The bytes of an image from ``offset`` on. Whether they are the image's, its reader proves.

    :ivar size: bytes of the whole image.
    """

    def __init__(
        self, stack: contextlib.ExitStack, source: Source | OwnSource, offset: int
    ) -> None:
        self._stack = stack
        self._source = source
        self.size = source.size
        self._offset = offset
        self._stream: ByteSource | None = self._open(offset)

    def __iter__(self) -> Iterator[bytes]:
        """:raises SiteError: the source broke, more often than can be borne."""
        left = self._source.resumes
        while self._offset < self.size:
            try:
                piece = self._read()
            except exception.SiteError as error:
                if not error.retry or left < 1:
                    raise
                left -= 1
                LOG.warning("a download goes on after a break: %s", error)
                time.sleep(1)
                self._close_stream()
                continue
            self._offset += len(piece)
            yield piece

    def close(self) -> None:
        """Drop all connections; twice does no harm."""
        self._close_stream()
        self._stack.close()

    def _read(self) -> bytes:
        if self._stream is None:
            self._stream = self._open(self._offset)
        piece = self._stream.read(min(CHUNK, self.size - self._offset))
        if not piece:
            raise exception.StreamBroken(
                side="from the source", done=self._offset, total=self.size, reason="it ended early"
            )
        return piece

    def _open(self, offset: int) -> ByteSource:
        stream = self._source.open(offset)
        skip = offset - stream.offset  # a site that does not know ranges begins at the beginning
        while skip > 0:
            skip -= len(stream.read(min(CHUNK, skip)) or b"." * skip)
        return stream

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def open_download(
    db: api.Database, access: Access, uploads: Uploads, image_id: str, offset: int
) -> Download:
    """:raises NoSource: nothing that holds the image can be read now.

    :raises ImageIsEmpty: there is nothing to read yet.
    """
    image = images.load(db, image_id)
    if image.state == ImageState.EMPTY:
        raise exception.ImageIsEmpty(image=image_id, reason="its file was not uploaded")
    if image.state == ImageState.UNREAD:
        raise exception.ImageIsEmpty(image=image_id, reason="its URL is read when it is deployed")
    with contextlib.ExitStack() as stack:
        source = _best(db, access, uploads, image, stack)
        return Download(stack.pop_all(), source, offset)


def _best(
    db: api.Database,
    access: Access,
    uploads: Uploads,
    image: objects.Image,
    stack: contextlib.ExitStack,
) -> Source | OwnSource:
    if image.kept is not None:
        try:
            return stack.enter_context(uploads.source(image.kept))
        except exception.UploadElsewhere as error:
            LOG.info("image %s: %s", image.id, error)
    return stack.enter_context(open_source(db, access, image, set()))
