"""The reconciling loop: plan what is pending, claim what is ready, run it in a bounded pool."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

from glint import objects
from glint.conductor.access import Access
from glint.conductor.copying import CopyJob
from glint.conductor.groups import Group
from glint.conductor.keeper import HandBack, Keeper, Ticket
from glint.conductor.outcome import Clerk
from glint.conductor.planning import plan_pending
from glint.conductor.politeness import Politeness
from glint.conductor.quotas import Quotas
from glint.conductor.settings import Settings
from glint.conductor.single import SingleJob
from glint.conductor.spooling import open_spool
from glint.conductor.uploads import Uploads
from glint.db import api, conductors, idempotency, matrix, queue, sites
from glint.metrics.work import Work
from glint.quotas import LocalLimits
from glint.states import TransferKind
from glint.transfer import Memory

LOG = logging.getLogger(__name__)

#: A draft of a site or credential is older than this only if its API process died.
DRAFT_AGE = datetime.timedelta(minutes=10)

#: Seconds.
TIDY_INTERVAL = 60.0

#: A conductor that gave no sign for a day does not come back under its old name.
SILENCE = datetime.timedelta(days=1)


class Engine:
    """Takes no more work than it can run: one pool, ``max_jobs`` jobs.

    :param quotas: what projects may run at once; None: as much as there is.
    :ivar uploads: the upload folder.
    """

    def __init__(
        self,
        db: api.Database,
        access: Access,
        settings: Settings,
        metrics: Work,
        each_beat: Callable[[], None] = lambda: None,
        quotas: Quotas | None = None,
    ) -> None:
        self._db = db
        self._access = access
        self._settings = settings
        self._quotas = quotas or Quotas(db, LocalLimits())
        self._politeness = Politeness(db, settings, metrics)
        self._spool = open_spool(settings)
        self._memory = Memory(settings.buffer_memory)
        self.uploads = Uploads.of(settings)
        self._keeper = Keeper(db, settings, metrics, (self._politeness.refresh, each_beat))
        self._keeper.offers["store"] = self.uploads.store
        self._clerk = Clerk(db, self._keeper, settings, metrics)
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._room = threading.Semaphore(settings.max_jobs)
        self._tidy_at = 0.0
        self._jobs: set[concurrent.futures.Future[None]] = set()
        self._pool = concurrent.futures.ThreadPoolExecutor(
            settings.max_jobs, thread_name_prefix="job"
        )
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        metrics.watch(
            transfers=lambda: len(self._keeper.tickets()),
            jobs=lambda: len(self._jobs),
            jobs_limit=settings.max_jobs,
        )

    def start(self) -> None:
        """Begin to work."""
        self._keeper.start()
        self._thread.start()

    def offer_data(self, url: str) -> None:
        """Tell the API with each sign of life where image data can be read."""
        self._keeper.offers["data_url"] = url

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def close(self) -> None:
        """Finish what finishes within the grace time, hand the rest back."""
        self._ended.set()
        self._wake.set()
        self._thread.join(10)
        deadline = time.monotonic() + self._settings.graceful_shutdown_timeout
        concurrent.futures.wait(list(self._jobs), max(0.0, deadline - time.monotonic()))
        for ticket in self._keeper.tickets():
            ticket.stop(HandBack())
        concurrent.futures.wait(list(self._jobs), 30)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._keeper.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._step()
            except Exception:
                LOG.exception("the engine could not look for work; it tries again")
            self._wake.wait(self._settings.poll_interval * random.uniform(1.0, 1.2))
            self._wake.clear()

    def _tidy(self) -> None:
        """Now and then remove what dead processes left in the database."""
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_INTERVAL
            sites.reap_drafts(self._db, DRAFT_AGE)
            conductors.forget(self._db, SILENCE)
            idempotency.forget(self._db)
            matrix.forget_deletions(self._db)

    def _step(self) -> None:
        self._tidy()
        self.uploads.tidy(self._db)
        while plan_pending(self._db):
            pass
        reading: list[tuple[objects.Transfer, int]] = []
        while not self._ended.is_set() and self._room.acquire(blocking=False):
            group = self._claim(reading)
            if not group:
                self._room.release()
                return
            job = self._pool.submit(self._work, group)
            self._jobs.add(job)
            job.add_done_callback(self._done)

    def _done(self, job: concurrent.futures.Future[None]) -> None:
        self._jobs.discard(job)
        self._room.release()
        self.wake()

    def _claim(self, reading: list[tuple[objects.Transfer, int]]) -> Sequence[Ticket]:
        """A group of what was read; once that is used up, of what is read now.

        :param reading: candidates, of which those that were tried are taken.
        """
        full: set[str] = set()
        waiting: set[str] = set()
        group = self._claim_of(reading, waiting)
        while not group:
            # What must wait shall not hide others: the candidates are a few of many.
            full |= waiting | self._quotas.full()
            reading += queue.candidates(self._db, full)
            group = self._claim_of(reading, waiting)
            if waiting <= full:
                break
        mine = {ticket.transfer.id for ticket in group}
        reading[:] = [one for one in reading if one[0].id not in mine]
        return group

    def _claim_of(
        self, reading: list[tuple[objects.Transfer, int]], waiting: set[str]
    ) -> Sequence[Ticket]:
        """One transfer, and with a copy all waiting copies of the same image.

        :param waiting: gets the projects that have to wait.
        """
        while reading:
            found, limit = reading.pop()
            if not self._quotas.allows(found):
                waiting.add(found.project_id)
                continue
            first = self._claim_one(found, limit)
            if first is None:
                continue
            group = [first]
            if first.transfer.kind == TransferKind.COPY and not first.transfer.alone:
                self._claim_siblings(group)
            return group
        return ()

    def _claim_siblings(self, group: list[Ticket]) -> None:
        try:
            for other, room in queue.siblings(self._db, group[0].transfer):
                if not self._quotas.allows(other):
                    return
                claimed = self._claim_one(other, room)
                group += [claimed] if claimed else []
        except Exception:
            LOG.exception("the group stays smaller than it could be")

    def _claim_one(self, found: objects.Transfer, limit: int) -> Ticket | None:
        began = time.monotonic()
        claimed = queue.claim(
            self._db, found, self._settings.owner, limit=limit, lease=self._settings.lease
        )
        return self._keeper.add(claimed, began) if claimed else None

    def _work(self, tickets: Sequence[Ticket]) -> None:
        with self._released(tickets):
            if tickets[0].transfer.kind == TransferKind.COPY:
                Group(self._clerk, self._access, self._settings, tickets).run(self._stream)
            else:
                SingleJob(self._clerk, self._access, self._settings, tickets[0]).run()

    def _stream(self, tickets: Sequence[Ticket]) -> None:
        CopyJob(
            self._clerk, self._access, self._settings, self._politeness, tickets, self._spool,
            self.uploads, self._memory,
        ).run()  # fmt: skip

    @contextlib.contextmanager
    def _released(self, tickets: Sequence[Ticket]):  # type: ignore[no-untyped-def]
        """No ticket outlives its job: its lease would be renewed for ever."""
        try:
            yield
        except Exception:
            LOG.exception("a job failed; its transfers are taken over when their leases end")
        finally:
            for ticket in tickets:
                self._keeper.remove(ticket)
