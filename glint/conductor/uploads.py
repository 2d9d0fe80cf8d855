"""The upload folder as a source of copies, and its tidying."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from glint import exception
from glint.conductor.settings import Settings
from glint.conductor.sources import OwnSource
from glint.db import api, contents
from glint.transfer.spoolfile import Content
from glint.uploads import UploadFolder

LOG = logging.getLogger(__name__)

#: Seconds.
TIDY_INTERVAL = 60.0


class Uploads:
    """:param folder: None where the conductor has none, or none that can be used."""

    def __init__(self, folder: UploadFolder | None, settings: Settings) -> None:
        self.folder = folder
        self._settings = settings
        self._tidied_at = -TIDY_INTERVAL

    @classmethod
    def of(cls, settings: Settings) -> Uploads:
        """The conductor's own, as it is configured."""
        folder = None
        if settings.upload_dir is not None:
            try:
                folder = UploadFolder(settings.upload_dir, settings.upload_dir_size)
            except exception.UploadsNotPossible as error:
                LOG.error("%s", error)
        return cls(folder, settings)

    @property
    def store(self) -> str | None:
        """By this the API tells whether it shares the folder."""
        return self.folder.store if self.folder is not None else None

    @contextlib.contextmanager
    def source(self, kept: str) -> Iterator[OwnSource]:
        """An image in the folder.

        :raises UploadElsewhere: it is not there.
        """
        try:
            if self.folder is None:
                raise FileNotFoundError(kept)
            fd, size = self.folder.open(kept)
        except OSError as error:
            raise exception.UploadElsewhere(host=self._settings.host) from error
        self._tidied_at = -TIDY_INTERVAL  # it may not be needed any more afterwards
        content = Content(kept, size, fd)
        with contextlib.closing(content):
            # What a disk cannot read now, it cannot read a second later.
            yield OwnSource("the upload folder", content.open, size, resumes=0)

    def tidy(self, db: api.Database) -> None:
        """Remove what sites hold by now, and what dead processes left.

        Now and then, and after copies. All conductors may do this at once.
        """
        if self.folder is None or time.monotonic() - self._tidied_at < TIDY_INTERVAL:
            return
        self._tidied_at = time.monotonic()
        for ident, kept in contents.settled(db):
            if contents.release(db, ident, kept):
                LOG.info("image %s is read from its sites from now on", ident)
                self.folder.remove(kept)
        self.folder.reap(lambda kept: contents.is_named(db, kept))
