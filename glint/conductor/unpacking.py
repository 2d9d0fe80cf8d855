"""Files that hold a disk, for sites that store disks: kept for a moment, read as what they hold.

The file has to be read whole before the disk in it can be believed, and only a few sources can be
read at any place. So it is written to a nameless file first, of which nothing is left whatever
happens, along with the copies of the file itself: the source is read once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Sequence

from glint import exception, objects
from glint.conductor.keeper import Ticket
from glint.conductor.settings import Settings
from glint.drivers.base import SizedBody
from glint.transfer import Sink
from glint.transfer.disk import DiskFile
from glint.transfer.spoolfile import write_whole

LOG = logging.getLogger(__name__)

#: Bytes of the file system that are left free.
HEADROOM = 64 * 1024 * 1024


class NoRoom(exception.SiteError):
    """It may be there when others have ended."""

    code = "transfer.unpack_no_room"
    retry = True
    template = "The image cannot be unpacked in {folder}: {reason}."
    remedy = "The operator makes room there, or names another folder ([transfer] unpack_dir)."


class Unpacking:
    """The file of one image, for some copies of the disk in it; close it after use.

    :param tickets: of these copies.
    :ivar credential_id: where the file is read.
    """

    def __init__(self, settings: Settings, image: objects.Image, tickets: Sequence[Ticket]) -> None:
        self.tickets = tickets
        self._settings = settings
        self._image = image
        self._fd: int | None = None
        self._sink: Sink | None = None
        self.credential_id: str | None = None
        for ticket in tickets:
            ticket.watch(lambda: self.done, lambda _reason: self.stopped())

    @property
    def done(self) -> int:
        """Bytes of the file that came."""
        return self._sink.progress.done if self._sink is not None else 0

    def stopped(self) -> None:
        """A copy was told to stop: without any, nothing has to be received."""
        if self._sink is not None and all(ticket.reason for ticket in self.tickets):
            self._sink.cancel()

    def sink(self, size: int, credential_id: str | None) -> Sink:
        """One more sink of the job that reads the file.

        :param size: bytes of the file.
        :param credential_id: where it is read.
        """
        self.credential_id = credential_id
        self._sink = Sink(lambda body: self._put(body, size), name=f"unpack {self._image.id}")
        self.stopped()
        return self._sink

    def _put(self, body: SizedBody, size: int) -> None:
        folder = self._settings.unpack_dir or tempfile.gettempdir()
        try:
            disk = os.statvfs(folder)
            if size > disk.f_bavail * disk.f_frsize - HEADROOM:
                raise OSError(f"there is no room for {size} bytes")
            with tempfile.TemporaryFile(dir=folder, prefix="glint-") as file:
                self._fd = os.dup(file.fileno())
            written = write_whole(self._fd, body)
        except OSError as error:
            raise NoRoom(folder=folder, reason=error) from error
        if written != size:
            raise exception.StreamBroken(
                side="from the source", done=written, total=size, reason="it ended early"
            )

    def disk(self) -> DiskFile:
        """What was received.

        :raises DiskRefused: it is no file whose disk can be read.
        """
        assert self._fd is not None
        return DiskFile(os.dup(self._fd), os.fstat(self._fd).st_size)

    def close(self) -> None:
        """Let go of the file."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)
