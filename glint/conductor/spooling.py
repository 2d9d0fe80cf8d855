"""The spool's part in a job of copies: what is read from it, and what is put into it.

The spool belongs to one conductor (or to those that share its folder) and is only a help: whatever
is wrong with it, copies go on without.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Sequence

from glint import exception, objects
from glint.conductor.keeper import Ticket
from glint.conductor.proof import DEFAULT_ALGORITHM
from glint.conductor.settings import Settings
from glint.conductor.sources import ranked
from glint.db import api, deployments
from glint.drivers.base import ByteSource
from glint.transfer import Result, Sink, Spool
from glint.transfer.spool import ALGORITHMS, Unusable
from glint.transfer.spoolfile import Content, Draft

LOG = logging.getLogger(__name__)


class SpoolDamaged(exception.SiteError):
    """The spool's copy proved wrong and is removed; costs no attempt."""

    code = "transfer.spool_damaged"
    retry = True
    template = "What the spool held served no more ({reason}); the source is read again."


def open_spool(settings: Settings) -> Spool | None:
    """The conductor's spool, None where it has none or cannot have it."""
    if settings.spool_dir is None:
        return None
    try:
        return Spool(settings.spool_dir, settings.spool_size)
    except Unusable as error:
        LOG.error("%s Copies go on without it.", error)
        return None


def comes_again(error: Exception) -> bool:
    """Whether a copy that ended so will be tried again and want the bytes once more."""
    retry = bool(getattr(error, "retry", False))
    return retry or isinstance(error, exception.SiteCredentialsRejected)


@dataclasses.dataclass(frozen=True)
class SpoolSource:
    """A content in the spool as the source of a job. ``size`` in bytes.

    :ivar credential_id: where the copies are recorded to come from: what an earlier attempt read,
        else what would have been read now.
    """

    content: Content
    credential_id: str | None
    size: int
    where: str = "the spool"
    resumes: int = 0  # what a disk cannot read now, it cannot read a second later

    def open(self, offset: int) -> ByteSource:
        return self.content.open(offset)


class Spooling:
    """One job's use of the spool; close it when the job is over.

    :param spool: None: none.
    """

    def __init__(
        self,
        spool: Spool | None,
        settings: Settings,
        image: objects.Image,
        tickets: Sequence[Ticket],
    ) -> None:
        self._spool = spool
        self._settings = settings
        self._image = image
        self._tickets = tickets
        self._source: SpoolSource | None = None
        self._broken: Exception | None = None
        self._draft: Draft | None = None
        self._sink: Sink | None = None

    # Reading.

    def source(self, db: api.Database) -> SpoolSource | None:
        """The image in the spool, or None. Whatever holds it at the sites is not asked."""
        if self._spool is None:
            return None
        content = self._spool.find(self._image.project_id, self._image.digests, self._image.size)
        if content is not None:
            self._source = SpoolSource(content, self._origin(db), content.size)
        return self._source

    def _origin(self, db: api.Database) -> str | None:
        told = [t.transfer.source_credential_id for t in self._tickets]
        exclude = {t.transfer.credential_id for t in self._tickets}
        cells = ranked([*deployments.of_image(db, self._image.id)], exclude)
        return next(filter(None, [*told, *(cell.credential_id for cell in cells)]), None)

    def judge(self, error: Exception) -> Exception:
        """The reason of a failed copy: where the spool may be it, its content is removed."""
        if self._spool is None or self._source is None:
            return error
        broken = self._broken is not None and type(error) is type(self._broken)
        if not broken and not isinstance(error, exception.ContentMismatch):
            return error
        self._spool.discard(self._source.content.name)
        return SpoolDamaged(reason=str(error))

    # Writing.

    def sinks(self, size: int) -> Sequence[Sink]:
        """The spool as one more sink of the job, where it is worth it and there is room.

        :param size: bytes.
        """
        if self._spool is None or self._source is not None or not self._wanted():
            return ()
        try:
            self._draft = self._spool.begin(size)
        except Unusable as error:
            LOG.warning("image %s is not spooled: %s", self._image.id, error)
            return ()
        self._sink = Sink(self._draft.put, name=f"spool {self._image.id}", helps=comes_again)
        self.stopped()
        return (self._sink,)

    def _wanted(self) -> bool:
        """A copy to one site is read once anyway, unless it was tried before."""
        again = any(t.transfer.fence > 1 for t in self._tickets)
        if len(self._tickets) < 2 and not again and not self._settings.spool_single:
            return False
        return not self._image.digests or bool(self._strong())

    def _strong(self) -> list[str]:
        """Algorithms that name the content safely, the catalogue's own first."""
        known = sorted(ALGORITHMS & set(self._image.digests))
        return sorted(known, key=lambda name: name != self._image.os_hash_algo)

    def algorithms(self, needed: Sequence[str]) -> Sequence[str]:
        """What has to be hashed in flight, with what the spool needs for its proof."""
        proving = self._draft is not None
        if self._source is not None:
            proving = self._settings.spool_rehash
        if proving and not ALGORITHMS & set(needed) & set(self._image.digests):
            needed = [*needed, *(self._strong() or [DEFAULT_ALGORITHM])[:1]]
        return tuple(dict.fromkeys(needed))

    def stopped(self) -> None:
        """A copy of the job was told to stop: without any other, nothing is read for the spool."""
        if self._sink is not None and all(ticket.reason for ticket in self._tickets):
            self._sink.cancel()

    def keep(self, result: Result) -> None:
        """The job has ended, and its digests are proven: keep what was written whole."""
        if result.error is not None and not isinstance(result.error, exception.Cancelled):
            self._broken = result.error
        if self._draft is None:
            return
        name = self._sink.name if self._sink else None
        failed = [sink.error for sink in result.sinks if sink.name == name and sink.error]
        strong = sorted(ALGORITHMS & set(result.digests))
        if failed or not strong or not result.complete:
            LOG.info("image %s was not spooled: %s", self._image.id, failed or result.error)
            return
        try:
            self._draft.keep(self._image.project_id, strong[0], result.digests[strong[0]])
        except Unusable as error:
            LOG.warning("image %s was not spooled: %s", self._image.id, error)

    def close(self) -> None:
        """Remove what was not kept."""
        with contextlib.ExitStack() as stack:
            if self._source is not None:
                stack.callback(self._source.content.close)
            if self._draft is not None:
                stack.callback(self._draft.drop)
