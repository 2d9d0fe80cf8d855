"""What is wrong with the bytes that somebody sends, or that a URL gives. None is tried again."""

from __future__ import annotations

from glint.exception.base import GlintError
from glint.exception.request import Conflict, Invalid


class ContentError(Invalid):
    """Bytes that are refused; the same bytes are refused again."""

    code = "image.content"


class FormatMismatch(ContentError):
    code = "image.format_mismatch"
    template = (
        "The image is declared to be {declared}, and its bytes are {found}. Declare the format that"
        " it has, or send another file."
    )


class FormatUnsafe(ContentError):
    code = "image.format_unsafe"
    template = (
        "The image is refused, because it could reach beyond itself or is broken: {reason}. Convert"
        " it into a plain image of its own, for instance with qemu-img convert."
    )


class ImageTooLarge(ContentError):
    code, status, title = "image.too_large", 413, "Request Entity Too Large"
    template = (
        "The image has more than {limit} bytes, which is the most that this Glint takes"
        " ([images] max_image_size)."
    )


class UploadSizeMismatch(ContentError):
    code = "upload.size_mismatch"
    template = "{done} bytes came, and the image was announced with {size}. Send the whole file."


class UploadCut(ContentError):
    code = "upload.incomplete"
    template = "The upload ended after {done} bytes: {reason}. Nothing was kept; send it again."


class ChecksumMismatch(ContentError):
    code = "image.checksum_mismatch"
    template = (
        "The {algorithm} of the bytes is {found}, and {expected} was expected. Nothing was kept;"
        " check the file and the checksum."
    )


class ArchiveBroken(ContentError):
    code = "image.archive_broken"
    template = "The {kind} archive cannot be expanded: {reason}. Publish it anew."


class ArchiveBomb(ContentError):
    code = "image.archive_bomb"
    template = (
        "The {kind} archive grows to more than {ratio} times its size, which no image does. It is"
        " not expanded ([images] max_expansion)."
    )


class DiskRefused(ContentError):
    code = "image.disk_refused"
    template = (
        "The disk in the {kind} file cannot be read: {reason}. Convert the image into a plain one,"
        " for instance with qemu-img convert."
    )


class SourceUrlRefused(ContentError):
    code = "image.url_refused"
    template = "The source_url is refused: {reason}."


class SourceChanged(ContentError):
    code = "image.source_changed"
    template = (
        "What is at the source URL changed while it was read. Nothing was kept; try again when it"
        " is published."
    )


class ImageHasContent(Conflict):
    code = "image.has_content"
    template = (
        "Image {image} has its content already, and that never changes. Make another image for"
        " other content."
    )


class ImageIsEmpty(Conflict):
    code = "image.empty"
    template = "Image {image} has no content yet: {reason}."


class SameContent(Conflict):
    code = "image.same_content"
    template = (
        "Image {other} of your project has this very content. Nothing was kept; use that image."
    )


class UploadsNotPossible(Conflict):
    code = "upload.not_configured"
    template = "This Glint takes no uploads: {reason}. Ask your operator."


class UploadNoRoom(GlintError):
    code, status, title = "upload.no_room", 413, "Request Entity Too Large"
    template = (
        "There is no room for the upload: {reason}. Wait until earlier uploads have reached a site,"
        " or delete images that nobody distributes."
    )


class DownloadsNotPossible(Conflict):
    code = "download.not_configured"
    template = "No conductor serves image data: {reason}. Ask your operator."


class RangeNotSatisfiable(Invalid):
    code, status, title = "request.range", 416, "Range Not Satisfiable"
    template = "The image has {size} bytes, and the range is not among them."
