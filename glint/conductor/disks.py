"""Copies of the disk that an image's file describes, to sites that get it or where only it is left.

Their bytes go the way of all copies; only what is read and what it is held against differ.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Sequence

from glint import exception, objects
from glint.conductor.access import Access
from glint.conductor.copying import AnySource, CopyJob
from glint.conductor.importing import REASON
from glint.conductor.keeper import Ticket
from glint.conductor.outcome import Clerk
from glint.conductor.politeness import Politeness
from glint.conductor.proof import DiskProver
from glint.conductor.settings import Settings
from glint.conductor.sources import OwnSource, open_source
from glint.conductor.spooling import Spooling
from glint.conductor.unpacking import Unpacking
from glint.db import credentials, images, moves
from glint.methods import conversion, is_unpacked
from glint.transfer import Memory
from glint.transfer.disk import DiskFile

LOG = logging.getLogger(__name__)


class DiskJob(CopyJob):
    """Copies of one disk.

    :param file: holds it; None: it is read where a site holds the disk itself.
    """

    def __init__(
        self,
        clerk: Clerk,
        access: Access,
        settings: Settings,
        politeness: Politeness,
        tickets: Sequence[Ticket],
        file: Unpacking | None,
        memory: Memory | None = None,
    ) -> None:
        self._file = file
        self._disk: DiskFile | None = None
        super().__init__(clerk, access, settings, politeness, tickets, memory=memory)

    def _load(self, image: objects.Image) -> None:
        data = 0
        plain = image.as_disk
        if self._disk is not None:
            data = self._disk.data()
            if image.disk is None:
                plain = dataclasses.replace(plain, size=self._disk.size)
                image = dataclasses.replace(image, disk=objects.Disk(self._disk.size, data, {}))
        self._file_image, self._image = image, plain
        self._prover = DiskProver(self._clerk.db, plain, self._settings, data)
        self._spooling = Spooling(None, self._settings, plain, self._everyone)

    def _prepare(self) -> None:
        if self._file is None:
            return
        self._disk = self._stack.enter_context(contextlib.closing(self._file.disk()))
        self._load(images.load(self._clerk.db, self._image.id))

    def _open_source(self) -> AnySource:
        if self._disk is not None:
            disk = self._disk
            return OwnSource("the disk in its file", disk.open, disk.size, resumes=0)
        exclude = {ticket.transfer.credential_id for ticket in self._everyone}
        found = open_source(self._clerk.db, self._access, self._image, exclude, as_disk=True)
        return self._stack.enter_context(found)

    def _announce(self, source: AnySource) -> None:
        super()._announce(source)
        for ticket in self._everyone:
            with contextlib.suppress(exception.LeaseLost):
                self._clerk.write(ticket, moves.mark, **self._story(ticket))

    def _story(self, ticket: Ticket) -> dict[str, str | None]:
        """Where the bytes come from, and what becomes of them."""
        if self._file is None:
            return {}
        story = {"source_credential_id": self._file.credential_id}
        credential, _site = credentials.load(self._clerk.db, ticket.transfer.credential_id)
        grants = objects.Grants.read(credential.facts)
        if is_unpacked(self._file_image, grants):
            words = [conversion(self._file_image, grants), ticket.transfer.reason or ""]
            if words[1].startswith("convert "):  # an earlier attempt wrote it
                words.pop()
            story["reason"] = "; ".join(filter(None, words))[:REASON]
        return story
