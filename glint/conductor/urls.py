"""An image at a URL as the source of copies.

One that tells its size, and is no archive, goes straight to the sites. Of any other the size is not
known before its end, and sites want to know it first: it is received in the upload folder, once,
and goes on from there like an upload.
"""

from __future__ import annotations

import logging
import threading

from glint import exception, objects
from glint.conductor.settings import Settings
from glint.conductor.sources import RESUMES, OwnSource
from glint.conductor.uploads import Uploads
from glint.db import api, contents
from glint.drivers.base import ByteSource
from glint.drivers.web import WebFile
from glint.states import ImageOrigin
from glint.transfer.expanding import LOOK, Expander, kind_of
from glint.uploads import FormatCheck, Wanted, receive
from glint.uploads.receiving import ALGORITHM

LOG = logging.getLogger(__name__)

#: Formats whose files are archives themselves: they stay as they are.
_PACKED = frozenset({"aki", "ari"})

#: Seconds before the first new attempt after a break, doubled for each further one.
PAUSE = 1.0


class Steady:
    """Reads a web file from its beginning to its end, whatever breaks in between.

    :ivar kind: of which archive its first bytes are, None: of none.
    """

    def __init__(self, web: WebFile) -> None:
        self._web = web
        self._stream: ByteSource = web.open()
        self.offset, self.size = 0, web.size
        self._done = 0
        self._resumes = 0
        self._ended = threading.Event()
        self._begin = b""
        while len(self._begin) < LOOK and (piece := self._read(LOOK - len(self._begin))):
            self._begin += piece
        self.kind = kind_of(self._begin)

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, b"" at the true end.

        :raises GlintError: it breaks again and again, has changed, or was closed.
        """
        if self._begin:
            piece, self._begin = self._begin[:size], self._begin[size:]
            return piece
        return self._read(size)

    def close(self) -> None:
        """From any thread, and twice."""
        self._ended.set()
        self._stream.close()

    def _read(self, size: int) -> bytes:
        while True:
            try:
                piece = self._stream.read(size)
            except exception.SiteError as error:
                self._reopen(error)
                continue
            self._done += len(piece)
            return piece

    def _reopen(self, error: exception.SiteError) -> None:
        while True:
            if not error.retry or self._resumes >= RESUMES or self._ended.is_set():
                raise error
            self._stream.close()
            self._ended.wait(PAUSE * 2**self._resumes)
            self._resumes += 1
            LOG.warning("Reading the source URL goes on after a break: %s", error)
            try:
                self._stream = self._web.open(self._done)
                self._skip(self._done - self._stream.offset)
                return
            except exception.SiteError as again:
                error = again

    def _skip(self, count: int) -> None:
        while count > 0:
            count -= len(self._stream.read(min(count, 1024 * 1024)) or b"." * count)


class _Checked:
    """A source whose bytes are looked at once, whatever is read twice.

    The last of them is handed on only when all were found to be what they are declared to be.
    """

    def __init__(self, stream: ByteSource, check: _Progressive) -> None:
        self._stream = stream
        self._check = check
        self.size = stream.size
        self.offset = stream.offset
        self._position = stream.offset

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._check.feed(self._position, piece)
        self._position += len(piece)
        return piece

    def close(self) -> None:
        self._stream.close()


class _Progressive:
    """A format check over several streams of one file of ``size`` bytes."""

    def __init__(self, image: objects.Image, size: int) -> None:
        self._check = FormatCheck(image.disk_format, image.container_format)
        self._size = size
        self._done = 0

    def feed(self, position: int, piece: bytes) -> None:
        fresh = piece[self._done - position :] if position < self._done else piece
        if position > self._done or not fresh or self._done >= self._size:
            return
        self._check.feed(fresh)
        self._done += len(fresh)
        if self._done >= self._size:
            self._check.finish()


class UrlImage:
    """One image at its URL, for one job.

    :param web: made for the image's ``source_url``.
    :ivar done: bytes of the image that were received.
    """

    def __init__(self, image: objects.Image, web: WebFile, settings: Settings) -> None:
        self._image = image
        self._web = web
        self._settings = settings
        self._steady: Steady | None = None
        self._stopped = False
        self.done = 0

    def stop(self) -> None:
        """Nobody needs it any more; from any thread."""
        self._stopped = True
        if self._steady is not None:
            self._steady.close()

    def close(self) -> None:
        """Drop what is open."""
        self.stop()
        self._web.close()

    def source(self) -> OwnSource | None:
        """The file as a source of copies; None where it has to be received first.

        :raises GlintError: it cannot be read.
        """
        steady = self._begin()
        size = self._image.size
        if self._is_packed(steady):
            if size is None or not self._image.digests:
                return None
            ratio = self._settings.max_expansion
            first = [steady]
            return OwnSource(
                self._web.host,
                lambda _offset: _Unpacked(first.pop() if first else Steady(self._web), ratio),
                size,
                resumes=RESUMES,
            )
        told = self._web.size
        if told is None and not self._image.digests:
            return None
        size = told if size is None else size
        if size is None or size > self._settings.max_image_size:
            raise exception.ImageTooLarge(limit=self._settings.max_image_size)
        if not size:
            raise exception.SourceRefused(reason="the file is empty")
        check = _Progressive(self._image, size)
        first = [steady]
        return OwnSource(
            self._web.host,
            lambda offset: _Checked(first.pop() if first else self._web.open(offset), check),
            size,
            resumes=RESUMES,
        )

    def receive(self, db: api.Database, uploads: Uploads) -> None:
        """Into the upload folder; the image has its content afterwards.

        :raises GlintError: it is refused, or cannot be read.
        """
        folder = uploads.folder
        if folder is None:
            raise exception.UploadsNotPossible(
                reason="the source URL does not tell the size of its image, which has to be"
                " received first, and [images] upload_dir is not set"
            )
        steady = self._begin()
        read = steady.read
        if self._is_packed(steady):
            read = Expander(steady.read, str(steady.kind), self._settings.max_expansion).read
        image = self._image
        draft = folder.begin(image.size)
        try:
            received = receive(read, draft, self._wanted(), self._check)
            contents.fill(
                db,
                image.id,
                kept=draft.name,
                size=received.size,
                digests=received.digests,
                algorithm=ALGORITHM,
            )
        except exception.ImageHasContent:
            LOG.info("image %s: another conductor has received it", image.id)
            draft.drop()
        except exception.GlintError:
            draft.drop()
            raise
        except BaseException:
            # Whether the row names the file is not known now: tidying will look.
            draft.keep()
            raise
        else:
            draft.keep()

    def _wanted(self) -> Wanted:
        image = self._image
        return Wanted(
            image.disk_format,
            image.container_format,
            image.size,
            image.expected,
            self._settings.max_image_size,
        )

    def _check(self, done: int) -> None:
        self.done = done
        if self._stopped:
            raise exception.Cancelled

    def _begin(self) -> Steady:
        if self._steady is None:
            self._steady = Steady(self._web)
        self._check(0)
        return self._steady

    def _is_packed(self, steady: Steady) -> bool:
        image = self._image
        return (
            steady.kind is not None
            and image.disk_format not in _PACKED
            and image.container_format == "bare"
        )


class _Unpacked:
    """An archive whose content and size are known already, read anew from its beginning."""

    def __init__(self, steady: Steady, ratio: int) -> None:
        self.offset = 0
        self.size: int | None = None
        self._steady = steady
        self._expander = Expander(steady.read, str(steady.kind), ratio)

    def read(self, size: int) -> bytes:
        return self._expander.read(size)

    def close(self) -> None:
        self._steady.close()


def needs_url(image: objects.Image) -> bool:
    """Whether nothing but its URL is known to hold the image."""
    return image.origin == ImageOrigin.URL and not image.digests and image.kept is None
