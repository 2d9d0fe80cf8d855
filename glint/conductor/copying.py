"""Copies of one image to some sites: one read, then each site proves what it holds."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Sequence

from glint import exception, objects
from glint.conductor.access import Access
from glint.conductor.keeper import Ticket
from glint.conductor.landing import Landing
from glint.conductor.outcome import Clerk
from glint.conductor.politeness import Politeness
from glint.conductor.proof import Prover, target_algorithms
from glint.conductor.settings import Settings
from glint.conductor.sources import OwnSource, Source, open_source
from glint.conductor.spooling import Spooling, SpoolSource
from glint.conductor.uploads import Uploads
from glint.conductor.urls import UrlImage, needs_url
from glint.db import images, moves
from glint.drivers.base import SizedBody
from glint.states import DeploymentStatus, TransferMethod
from glint.transfer import Memory, Result, Sink, Spool, Throttle, fan_out

LOG = logging.getLogger(__name__)

AnySource = Source | SpoolSource | OwnSource


@dataclasses.dataclass
class Target:
    """One destination of a group, and the sink through which its bytes go."""

    landing: Landing
    sink: Sink

    @property
    def ticket(self) -> Ticket:
        return self.landing.ticket


class CopyJob:
    """Copies of one image, claimed together."""

    def __init__(
        self,
        clerk: Clerk,
        access: Access,
        settings: Settings,
        politeness: Politeness,
        tickets: Sequence[Ticket],
        spool: Spool | None = None,
        uploads: Uploads | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._clerk = clerk
        self._access = access
        self._settings = settings
        self._politeness = politeness
        self._uploads = uploads or Uploads(None, settings)
        self._spool = spool
        self._memory = memory
        self._tickets = tickets
        self._stack = contextlib.ExitStack()
        self._from_url: OwnSource | None = None
        self._load(images.load(clerk.db, tickets[0].transfer.image_id))
        self._targets: list[Target] = []
        self._shown: dict[str, str] = {}

    def _load(self, image: objects.Image) -> None:
        self._image = image
        self._prover = Prover(self._clerk.db, image, self._settings)
        self._spooling = Spooling(self._spool, self._settings, image, self._tickets)

    def _target(self, ticket: Ticket) -> Target:
        landing = Landing(self._clerk, self._prover, self._image, ticket)
        sink = Sink(
            lambda body: self._put(landing, body),
            name=ticket.transfer.id,
            abort=lambda: self._abort(landing),
            throttles=self._politeness.into(ticket.transfer.site_id),
        )

        def stop(reason: exception.SiteError) -> None:
            sink.cancel(reason)
            self._spooling.stopped()

        ticket.watch(lambda: sink.progress.done, stop)
        return Target(landing, sink)

    @staticmethod
    def _abort(landing: Landing) -> None:
        if landing.driver is not None and landing.remote_id is not None:
            landing.driver.abort_upload(landing.remote_id)

    def run(self) -> None:
        """Carry out all copies; every target is written down, whatever happens."""
        with self._stack:
            try:
                self._read_url()
            except Exception as error:  # noqa: BLE001 - judged by the clerk
                for ticket in self._tickets:
                    self._clerk.failed(ticket, error)
                return
            self._targets = [self._target(ticket) for ticket in self._tickets]
            self._stack.callback(self._spooling.close)
            try:
                source = self._open_source()
                self._announce(source)
                self._settle(source, self._fan_out(source))
            except Exception as error:  # noqa: BLE001 - judged by the clerk
                for target in self._targets:
                    if not target.landing.settled:
                        target.landing.failed(self._spooling.judge(error))

    def _read_url(self) -> None:
        """What no site has ever held: look at its URL, and receive it where that is needed."""
        if not needs_url(self._image):
            return
        found = self._at_url()
        for ticket in self._tickets:
            ticket.watch(lambda: found.done, lambda _reason: self._stop_url(found))
        self._from_url = found.source()
        if self._from_url is not None:
            return
        for ticket in self._tickets:
            self._clerk.write(ticket, moves.start, status=DeploymentStatus.COPYING)
            self._clerk.write(ticket, moves.mark, phase="receiving")
        LOG.info("image %s is received from its URL first", self._image.id)
        found.receive(self._clerk.db, self._uploads)
        self._load(images.load(self._clerk.db, self._image.id))

    def _at_url(self) -> UrlImage:
        url = UrlImage(self._image, self._access.web(self._image.source_url or ""), self._settings)
        self._stack.callback(url.close)
        return url

    def _stop_url(self, url: UrlImage) -> None:
        if all(ticket.reason for ticket in self._tickets):
            url.stop()

    def _open_source(self) -> AnySource:
        if self._from_url is not None:
            return self._from_url
        spooled = self._spooling.source(self._clerk.db)
        if spooled is not None:
            return spooled
        if self._image.kept is not None:
            return self._stack.enter_context(self._uploads.source(self._image.kept))
        exclude = {t.ticket.transfer.credential_id for t in self._targets}
        try:
            return self._stack.enter_context(
                open_source(self._clerk.db, self._access, self._image, exclude)
            )
        except exception.NoSource:
            again = self._at_url().source() if self._image.source_url else None
            if again is None:
                raise
            return again

    def _announce(self, source: AnySource) -> None:
        for target in self._targets:
            with contextlib.suppress(exception.LeaseLost):
                self._clerk.write(target.ticket, moves.start, status=DeploymentStatus.COPYING)
                self._clerk.write(
                    target.ticket,
                    moves.mark,
                    method=str(TransferMethod.STREAM),
                    phase="copying",
                    source_credential_id=source.credential_id,
                    bytes_total=source.size,
                )

    def _fan_out(self, source: AnySource) -> Result:
        spool = self._spooling.sinks(source.size)
        algorithms = self._spooling.algorithms(self._algorithms())
        # No upload ends before these were computed and compared.
        self._shown = {a: d for a, d in self._image.digests.items() if a in algorithms}
        expected = self._image.digests
        if not expected and self._image.expected:
            # Nothing is proven yet; what the user said of it must hold.
            expected = self._image.expected
            algorithms = [*dict.fromkeys([*algorithms, *expected])]
        throttles: Sequence[Throttle] = ()
        if isinstance(source, Source):
            throttles = self._politeness.out_of(source.site_id)
        LOG.info(
            "image %s: %d bytes from %s to %d sites, hashing %s",
            self._image.id, source.size, source.where, len(self._targets),
            ", ".join(algorithms) or "nothing",
        )  # fmt: skip
        self._politeness.refresh()
        return fan_out(
            source.open,
            source.size,
            [*(target.sink for target in self._targets), *spool],
            algorithms=algorithms,
            expect=expected,
            window=self._settings.window,
            chunk=self._settings.chunk_size,
            grace=self._settings.slow_site_grace,
            idle=self._settings.idle_timeout,
            resumes=source.resumes,
            source_throttles=throttles,
            memory=self._memory,
        )

    def _algorithms(self) -> Sequence[str]:
        sites = [target.ticket.transfer.site_id for target in self._targets]
        hashing = [ident for ident in sites if self._access.keeps_hash(ident)]
        return target_algorithms(
            self._clerk.db, self._image, hashing, hashless=len(hashing) < len(sites)
        )

    # In the thread of a sink.

    def _put(self, landing: Landing, body: SizedBody) -> None:
        driver = self._stack.enter_context(self._access.open_for(landing.ticket))
        remote_id = landing.approach(driver)
        try:
            landing.receipt = driver.upload(remote_id, body)
        except exception.SiteImageNotFound as gone:
            # Deleted under the upload, or Glance's 410 while an older upload to it still dies.
            raise exception.SiteConflict(reason="the record vanished in mid upload") from gone
        if self._prover.can_judge_early:
            landing.finish(self._shown)

    # In the thread of the job, when all bytes have moved.

    def _settle(self, source: AnySource, result: Result) -> None:
        self._prover.learn(source.size, result)
        # Before any copy is given back to the queue, to be claimed at once and read from there.
        self._spooling.keep(result)
        for target, sink in zip(self._targets, result.sinks, strict=False):
            landing = target.landing
            if landing.settled:
                continue
            error = sink.error
            if error is None and not landing.ticket.reason:
                try:
                    landing.finish(result.digests)
                    continue
                except Exception as late:  # noqa: BLE001 - judged by the clerk
                    error = late
            landing.failed(self._spooling.judge(error or exception.Cancelled()))
