"""A copy whose bytes the site fetches by itself: Glint asks, looks on, proves and names."""

from __future__ import annotations

import logging
import threading
import time
from typing import ClassVar

from glint import exception, objects
from glint.conductor.access import Access
from glint.conductor.keeper import Ticket
from glint.conductor.landing import AlreadyThere, Landing
from glint.conductor.outcome import Clerk
from glint.conductor.proof import Prover
from glint.conductor.settings import Settings
from glint.conductor.sources import look
from glint.db import moves
from glint.drivers.base import Import, ImportProgress, SiteDriver
from glint.methods import Choice, Holder
from glint.states import DeploymentStatus, TransferMethod

LOG = logging.getLogger(__name__)

#: Bytes per second at which the slowest site is believed to work. Glance writes an image twice,
#: and was measured at 125 MB/s.
SLOWEST = 8 * 1024 * 1024

#: Seconds that a copy between regions may take, besides what its size takes; and between two looks.
NATIVE_PATIENCE, LONGEST_PAUSE = 3600.0, 10.0

#: Characters of a reason that are kept.
REASON = 255


class ImportJob:
    """One copy.

    :param image: as the site is to hold it; ``prover`` proves that.
    :param choice: what the site is to read: a cell in another region of its cloud, or a URL.
    """

    verb: ClassVar[str] = "the site imported"
    slower: ClassVar[float] = 1.0

    def __init__(
        self,
        clerk: Clerk,
        access: Access,
        settings: Settings,
        image: objects.Image,
        prover: Prover,
        ticket: Ticket,
        choice: Choice,
    ) -> None:
        self._clerk = clerk
        self._access = access
        self._settings = settings
        self._image = image
        self._ticket = ticket
        self._source = choice.source
        self._url = choice.url
        self._landing = Landing(clerk, prover, image, ticket, verb=self.verb)
        self._done = 0
        self._stopped = threading.Event()
        ticket.watch(lambda: self._done, lambda reason: self._stopped.set())

    def run(self) -> None:
        """Carry it out and write it down, whatever happens."""
        try:
            with self._access.open_for(self._ticket) as driver:
                self._run(driver)
        except Exception as error:  # noqa: BLE001 - judged by the clerk
            self._landing.failed(error)

    def _run(self, driver: SiteDriver) -> None:
        try:
            self._carry_out(driver)
        except AlreadyThere:
            LOG.debug("transfer %s: nothing was imported", self._ticket.transfer.id)
        except exception.ImportFailed as error:
            self._fall_back(error)
        except Exception as error:  # noqa: BLE001 - judged by the clerk
            self._landing.failed(error)

    def _carry_out(self, driver: SiteDriver) -> None:
        self._clerk.write(self._ticket, moves.start, status=DeploymentStatus.COPYING)
        self._clerk.write(
            self._ticket,
            moves.mark,
            phase="importing",
            source_credential_id=self._source.column.credential.id if self._source else None,
            bytes_total=self._image.size,
        )
        region = str(self._source.column.site.connection["region"]) if self._source else "a URL"
        LOG.info(
            "image %s: %s fetches it from %s by itself",
            self._image.id, self._ticket.transfer.site_id, region,
        )  # fmt: skip
        self._wait(driver, self._begin(driver, region))
        self._finish()

    def _begin(self, driver: SiteDriver, region: str) -> str:
        """Ask the site; returns the id of the record that it fills."""
        source_remote_id = self._look_at(self._source) if self._source else ""
        remote_id = self._landing.approach(driver)
        if self._url is not None:
            driver.import_url(remote_id, self._url)
        else:
            driver.import_from(remote_id, region, source_remote_id)
        return remote_id

    def _finish(self) -> None:
        try:
            self._landing.finish({})
        except exception.ContentMismatch as error:
            if self._url is None:
                raise
            # The site keeps an archive as it is, or the URL gives it something else than us.
            raise exception.ImportFailed(reason=str(error).rstrip(".")) from error

    def _look_at(self, source: Holder) -> str:
        """Its record only; its bytes are the destination's to read."""
        column = source.column
        try:
            with self._access.open(column.credential.id) as driver:
                remote = look(self._clerk.db, driver, source.cell, self._image).remote
                return driver.copy_id(remote.id)
        except exception.SiteError as error:
            reason = f"{column.site.name} is no source now: {error}"
            raise exception.ImportFailed(reason=reason.rstrip(".")) from error

    def _wait(self, driver: SiteDriver, remote_id: str) -> None:
        """Until the site has the bytes.

        :raises ImportFailed: it gave up, or took too long.
        """
        began = seen_at = time.monotonic()
        patience = self._patience() + (self._image.size or 0) / SLOWEST
        pause = self._settings.import_poll
        while True:
            self._stopped.wait(pause)
            pause = min(pause * self.slower, LONGEST_PAUSE)
            self._ticket.check()
            try:
                progress = self._poll(driver, remote_id)
                seen_at = time.monotonic()
            except exception.SiteError as error:
                # The site may well go on while nobody can ask it.
                tired = time.monotonic() - seen_at > self._settings.idle_timeout
                if tired or not error.retry or isinstance(error, exception.SiteConflict):
                    raise
                LOG.info("image %s: how the import stands is not known: %s", remote_id, error)
                continue
            if progress.state == Import.DONE:
                return
            if progress.state == Import.FAILED:
                raise exception.ImportFailed(reason=progress.reason)
            if time.monotonic() - began > patience:
                raise exception.ImportFailed(reason=f"it was not done after {patience:.0f} s")

    def _patience(self) -> float:
        return self._settings.import_timeout

    def _poll(self, driver: SiteDriver, remote_id: str) -> ImportProgress:
        try:
            progress = driver.import_progress(remote_id)
        except exception.SiteImageNotFound as gone:
            raise exception.SiteConflict(reason="the record vanished in mid import") from gone
        self._done = min(progress.bytes_done, self._image.size or progress.bytes_done)
        return progress

    def _fall_back(self, error: exception.ImportFailed) -> None:
        """The same transfer, claimed again at once, is streamed; no attempt is counted."""
        if self._ticket.reason is not None:
            self._landing.failed(error)
            return
        LOG.warning("transfer %s: %s It is streamed now.", self._ticket.transfer.id, error)
        self._landing.clean()
        self._landing.settled = True
        self._clerk.close(
            self._ticket,
            moves.requeue,
            delay=0.0,
            error=error,
            free_attempt=True,
            method=str(TransferMethod.STREAM),
            reason=str(error)[:REASON],
        )


class NativeJob(ImportJob):
    """A copy that the site's own cloud makes between two of its regions."""

    verb = "the site copied"
    slower = 1.3

    def _begin(self, driver: SiteDriver, region: str) -> str:
        assert self._source is not None
        copy_id = self._look_at(self._source)
        return self._landing.approach(
            driver, lambda image, stamp: driver.copy_from(image, stamp, region, copy_id)
        )

    def _patience(self) -> float:
        return NATIVE_PATIENCE
