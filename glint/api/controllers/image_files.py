"""The bytes of images: sent by users, and sent to them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from glint import exception, objects
from glint.api import body, downloads, history, views
from glint.api.endpoint import BYTES, Answer, Call, Controller, endpoint
from glint.api.schemas import images as schemas
from glint.db import conductors, contents
from glint.db import credentials as db_credentials
from glint.db import images as db_images
from glint.db import operations as db_operations
from glint.rpc.api import ImageStream
from glint.states import ImageOrigin, ImageState
from glint.uploads import Draft, Received, UploadFolder, Wanted, receive
from glint.uploads.receiving import ALGORITHM

LOG = logging.getLogger(__name__)


class ImageFiles(Controller):
    """/v1/images/{id}/file."""

    @endpoint(
        "image:upload", query=schemas.UPLOAD_QUERY, response=schemas.UPLOADED, takes_bytes=True
    )
    def upload(self, call: Call) -> Answer:
        """The bytes are on the disk and named by their row before this answers."""
        image = db_images.get(self.services.db, call.scope, call.ident)
        column = None
        if "credential_id" in call.query:
            column = db_credentials.get(self.services.db, call.scope, call.query["credential_id"])
        if image.origin != ImageOrigin.FILE or image.state != ImageState.EMPTY:
            raise exception.ImageHasContent(image=image.id)
        read = _reader(call)
        folder = self._folder()
        filled = self._receive(folder, image, read, call.request.content_length)
        history.record(
            call,
            "image.upload",
            f"{filled.size} bytes of image {filled.name} were uploaded.",
            image_id=filled.id,
        )
        operation = None if column is None else self._wish(call, filled, column)
        return Answer({"image": views.image(filled), "operation_id": operation})

    @endpoint("image:download", gives_bytes=True)
    def download(self, call: Call) -> Answer:
        image = db_images.get(self.services.db, call.scope, call.ident)
        tag, size = downloads.etag(image), image.size
        about = {"Accept-Ranges": "bytes", **({"ETag": tag} if tag else {})}
        if downloads.is_known(call.request, tag):
            return Answer(None, status=304, headers=about)
        part = None if size is None else downloads.wanted_range(call.request, tag, size)
        begin, end = part or (0, size)
        stream = self._open(call, image, begin)
        end = stream.size if end is None else end
        about["Content-Length"] = str(end - begin)
        if part is not None:
            about["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        if call.request.method == "HEAD":
            stream.close()
            return Answer(None, stream=(), headers=about)
        body = downloads.Body(image, stream, end - begin, whole=end - begin == size)
        return Answer(None, status=206 if part else 200, stream=body, headers=about)

    def _open(self, call: Call, image: objects.Image, offset: int) -> ImageStream:
        """:raises ContentMismatch: what is to be read has another size."""
        stream = self.services.conductor.open_image(image.id, offset)
        if image.size is not None and stream.size != image.size:
            stream.close()
            raise exception.ContentMismatch(
                f"What can be read has {stream.size} bytes, image {image.id} has {image.size}."
            )
        return stream

    def _folder(self) -> UploadFolder:
        """:raises UploadsNotPossible: conductors would not find what lies there."""
        folder = self.services.uploads
        if folder is None:
            raise exception.UploadsNotPossible(reason="[images] upload_dir is not set")
        living = conductors.living(self.services.db)
        apart = sorted({row.host for row in living if row.store != folder.store})
        if apart:
            raise exception.UploadsNotPossible(
                reason=f"its upload folder is not that of conductors at {', '.join(apart)[:200]}"
            )
        return folder

    def _receive(
        self,
        folder: UploadFolder,
        image: objects.Image,
        read: Callable[[int], bytes],
        announced: int | None,
    ) -> objects.Image:
        limit = self.services.conf.images.max_image_size
        wanted = Wanted(
            image.disk_format, image.container_format, image.size, image.expected, limit
        )
        _check_length(wanted, announced)
        draft = folder.begin(announced or image.size)
        try:
            received = receive(read, draft, wanted)
        except BaseException:
            draft.drop()
            raise
        return self._keep(image, draft, received)

    def _keep(self, image: objects.Image, draft: Draft, received: Received) -> objects.Image:
        try:
            filled = contents.fill(
                self.services.db,
                image.id,
                kept=draft.name,
                size=received.size,
                digests=received.digests,
                algorithm=ALGORITHM,
            )
        except exception.GlintError:
            draft.drop()
            raise
        except BaseException:
            # Whether the row names the file is not known now: the conductor will look.
            draft.keep()
            raise
        draft.keep()
        return filled

    def _wish(self, call: Call, image: objects.Image, column: objects.Credential) -> str:
        """The first site, as a Save of one cell."""
        saved = db_operations.save(
            self.services.db,
            call.scope,
            [objects.WishedChange(image.id, column.id, True)],
            request_id=call.context.request_id,
        )
        self.services.conductor.wake(saved.operation.id)
        return saved.operation.id


def _reader(call: Call) -> Callable[[int], bytes]:
    """Reads the request's body; every way in which it can break is UploadCut."""
    request = call.request
    if request.content_type != BYTES:
        sent = request.headers.get("Content-Type", "")
        raise exception.WrongContentType(
            f"The content type {sent[:128]!r} is not understood. Send {BYTES}."
        )
    if not body.has_body(request):
        raise exception.UploadCut(done=0, reason="the request has no body")
    stream, done = request.body_file, 0

    def read(size: int) -> bytes:
        nonlocal done
        try:
            piece = bytes(stream.read(size))
        except (OSError, ValueError) as error:
            # ValueError: servers say so of broken chunks.
            raise exception.UploadCut(done=done, reason="the connection broke") from error
        done += len(piece)
        return piece

    return read


def _check_length(wanted: Wanted, announced: int | None) -> None:
    """Refuse what cannot end well before it is read."""
    if announced is None:
        return
    if announced > wanted.limit:
        raise exception.ImageTooLarge(limit=wanted.limit)
    if wanted.size is not None and announced != wanted.size:
        raise exception.UploadSizeMismatch(done=announced, size=wanted.size)
