"""The bytes of images: sent from files, and saved to files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, cast

import requests

from glint.client import errors
from glint.client.http import Http, Resource, decoded

#: Bytes that are held at once.
CHUNK = 1024 * 1024

_BYTES = "application/octet-stream"

#: Called with the bytes so far, and the bytes there are, None where nobody knows.
Progress = Callable[[int, int | None], None]


def _silent(done: int, total: int | None) -> None:
    """Nobody looks."""


class _Chunked:
    """A stream of unknown length, sent in chunks, once."""

    def __init__(self, stream: IO[bytes], size: int | None, progress: Progress) -> None:
        self._stream = stream
        self._size = size
        self._progress = progress
        self.done = 0

    def __iter__(self) -> Iterator[bytes]:
        if self.done:
            raise errors.ClientError("The upload cannot be repeated.", code="client.file_failed")
        while piece := self._read():
            yield piece
            self.done += len(piece)
            self._progress(self.done, self._size)

    def _read(self) -> bytes:
        try:
            return self._stream.read(CHUNK)
        except OSError as error:
            raise _file_failed("read", error) from error


class _Sized(_Chunked):
    """One whose length is announced."""

    def __len__(self) -> int:
        return self._size or 0


class ImageFiles:
    """Images that come from a file or a URL, and files that come from an image."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self, name: str, disk_format: str, *, source_url: str | None = None, **more: Any
    ) -> Resource:
        """An image whose content is uploaded next, or read from a URL when it is first deployed.

        :param more: any of container_format, size, expected (algorithm -> hex digest), properties,
            tags, min_disk, min_ram.
        """
        body = {"name": name, "disk_format": disk_format, **more}
        if source_url is not None:
            body["source_url"] = source_url
        return _one(self._http.request("POST", "/images", body=body))

    def upload(
        self,
        image_id: str,
        stream: IO[bytes],
        *,
        credential_id: str | None = None,
        size: int | None = None,
        progress: Progress = _silent,
    ) -> Resource:
        """Send the content of an image; memory stays constant.

        :param stream: read to its end; where it is a file, its size is announced.
        :param size: bytes that the stream will give, where it is no file but that is known.
        :param credential_id: the first site.
        :param progress: called after each piece.
        :returns: ``image``, and ``operation_id`` of the copy to the first site or None.
        :raises ClientError: it was refused; the service kept nothing.
        """
        size = size or _size_of(stream)
        body = (_Sized if size else _Chunked)(stream, size, progress)
        query = f"?credential_id={credential_id}" if credential_id else ""
        answer = self._http.stream(
            "PUT", f"/images/{image_id}/file{query}", {"Content-Type": _BYTES}, data=body
        )
        with answer:
            return decoded(answer)

    def download(
        self, image_id: str, path: str | os.PathLike[str], *, progress: Progress = _silent
    ) -> int:
        """Save the content of an image; returns its size.

        The file appears under its name only when it is whole and its hash is the catalogue's;
        before, it is a hidden one beside it, which goes away whatever happens. A device or a pipe
        gets the bytes as they come.

        :raises ClientError: it is not whole or not right, or the disk is full.
        """
        target = pathlib.Path(path).resolve()
        answer = self._http.stream("GET", f"/images/{image_id}/file", {"Accept": _BYTES})
        with answer:
            if answer.status_code != 200:
                decoded(answer)
                raise errors.UnexpectedAnswer(
                    f"{answer.status_code} came instead of an image.",
                    code="client.unexpected_answer",
                )
            try:
                return _save(answer, target, progress)
            except OSError as error:
                raise _file_failed("write", error) from error


def _save(answer: requests.Response, target: pathlib.Path, progress: Progress) -> int:
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            return _copy(answer, file, progress)
    fd, name = tempfile.mkstemp(prefix=f".{target.name[:100]}-", dir=target.parent)
    try:
        with open(fd, "wb") as file:
            done = _copy(answer, file, progress)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        pathlib.Path(name).chmod(0o666 & ~mask)  # as any other new file; mkstemp's is private
        pathlib.Path(name).replace(target)
        return done
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            pathlib.Path(name).unlink()
        raise


def _copy(answer: requests.Response, file: IO[bytes], progress: Progress) -> int:
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    algorithm, _, digest = answer.headers.get("ETag", "").strip('"').partition(":")
    known = algorithm in hashlib.algorithms_available and digest
    found = hashlib.new(algorithm, usedforsecurity=False) if known else None
    done = 0
    try:
        for piece in answer.iter_content(CHUNK):
            file.write(piece)
            if found is not None:
                found.update(piece)
            done += len(piece)
            progress(done, total)
    except requests.RequestException as error:
        raise errors.ConnectionFailed(
            f"The download broke after {done} bytes. Try again.", code="client.incomplete"
        ) from error
    if total is not None and done != total:
        raise errors.ConnectionFailed(
            f"The download ended after {done} of {total} bytes. Try again.",
            code="client.incomplete",
        )
    if found is not None and found.hexdigest() != digest:
        raise errors.UnexpectedAnswer(
            f"What came has the {algorithm} {found.hexdigest()}, the image has {digest}.",
            code="client.checksum_mismatch",
        )
    return done


def _size_of(stream: IO[bytes]) -> int | None:
    """Bytes from where it stands to its end; None where it is no file."""
    try:
        state = os.fstat(stream.fileno())
        if stat.S_ISREG(state.st_mode):
            return max(0, state.st_size - stream.tell()) or None
    except (OSError, ValueError, AttributeError):
        return None
    return None


def _file_failed(verb: str, error: OSError) -> errors.ClientError:
    done, left = ("read", "") if verb == "read" else ("written", " Nothing is left of it.")
    return errors.ClientError(
        f"The file cannot be {done}: {error.strerror or error}.{left}", code="client.file_failed"
    )


def _one(body: Mapping[str, Any]) -> Resource:
    if not isinstance(body.get("image"), dict):
        raise errors.UnexpectedAnswer(
            "The answer holds no image: this is not Glint's API.", code="client.unexpected_answer"
        )
    return cast(Resource, body["image"])
