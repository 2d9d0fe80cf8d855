"""The owner of one job: starts its threads and keeps its time limits."""

from __future__ import annotations

import copy
import dataclasses
import logging
import threading
import time
from collections.abc import Mapping, Sequence

from glint import exception
from glint.transfer.lanes import HashLane, SinkLane
from glint.transfer.sink import Sink
from glint.transfer.source import Reader
from glint.transfer.window import Window

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds; as :func:`glint.transfer.fan_out` explains them."""

    grace: float
    idle: float
    settle: float

    @property
    def tick(self) -> float:
        """Seconds between two looks at the clock; everything else is announced."""
        return max(0.001, min(0.25, self.grace / 4, self.idle / 4, self.settle / 4))


class Job:
    """The thread that runs a job is the only one that looks at the clock: all the others wait for

    each other, and it cuts whoever lets them wait too long.

    :param expect: algorithm -> hex digest that is to come out; each is among ``algorithms``.
    :param cancel: ends the job when set.
    :ivar error: why the job as a whole ended early; None also where no sink was left.
    """

    def __init__(
        self,
        window: Window,
        sinks: Sequence[Sink],
        algorithms: Sequence[str],
        expect: Mapping[str, str],
        limits: Limits,
        cancel: threading.Event,
    ) -> None:
        self.window = window
        self.error: exception.GlintError | None = None
        self._expect = expect
        self._limits = limits
        self._cancel = cancel
        self._wake = threading.Event()
        self._started = False
        self._judged = False
        self._ended_at: float | None = None
        self.hashers = [HashLane(name, window, self.wake) for name in dict.fromkeys(algorithms)]
        self.lanes = [SinkLane(sink, window, self.wake) for sink in sinks]

    def wake(self) -> None:
        """Something happened that the owner wants to see at once."""
        self._wake.set()

    def run(self, reader: Reader) -> None:
        """Carry the job out; returns when all its threads have ended, or were given up."""
        reading = threading.Thread(target=self._read, args=(reader,), name="source", daemon=True)
        try:
            reading.start()
            while not self._over(reading):
                self._wake.wait(self._limits.tick)
                self._wake.clear()
                self._look(reader)
        except BaseException:
            self._end(reader, exception.Cancelled())  # leave nobody waiting
            raise
        self._report_stuck(reading)

    def _read(self, reader: Reader) -> None:
        try:
            reader.run()
        finally:
            self.wake()

    def _look(self, reader: Reader) -> None:
        if self._cancel.is_set():
            self._end(reader, exception.Cancelled())
        elif self.window.closed:
            self._end(reader, self.window.error)
        elif self.lanes and self._forsaken():
            self._end(reader, None)
        elif reader.opened.is_set() and not self._started:
            self._start(reader.size or 0)
        if self._ended_at is None:
            now = time.monotonic()
            self._watch_source(reader, now)
            self._watch_sinks(now)
            self._judge(reader)

    def _forsaken(self) -> bool:
        """Every destination has failed, and no helper keeps the bytes for a later attempt."""
        errors = [lane.error for lane in self.lanes if lane.sink.helps is None]
        failed = [error for error in errors if error is not None]
        if len(failed) < len(errors):
            return False
        return not any(
            lane.error is None and (not errors or any(map(lane.sink.helps, failed)))
            for lane in self.lanes
            if lane.sink.helps is not None
        )

    def _start(self, size: int) -> None:
        self._started = True
        for hasher in self.hashers:
            hasher.thread.start()
        for lane in self.lanes:
            lane.start(size)

    def _watch_source(self, reader: Reader, now: float) -> None:
        since = reader.busy_since
        if since is not None and now - since > self._limits.idle:
            reader.stall(now - since, final=now - since > 2 * self._limits.idle)

    def _watch_sinks(self, now: float) -> None:
        live = [lane for lane in self.lanes if lane.live]
        for lane in live:
            seconds, settling = lane.stuck_for(now)
            if seconds > (self._limits.settle if settling else self._limits.idle):
                lane.stall(seconds)
        self.window.judge()
        live = sorted(
            (lane for lane in live if lane.live),
            key=lambda lane: (lane.sink.helps is not None, lane.cursor.behind),
        )
        for lane in live[1:]:  # one is always left
            if lane.cursor.behind > self._limits.grace:
                LOG.warning("Sink %s is detached: it holds the others back", lane.sink.name)
                lane.stop(exception.SlowSite(seconds=round(lane.cursor.behind, 1)))

    def _judge(self, reader: Reader) -> None:
        """Compare the digests, once all are there, and let the last chunk go."""
        if self._judged or not all(hasher.digest is not None for hasher in self.hashers):
            return
        self._judged = True
        for hasher in self.hashers:
            expected = self._expect.get(hasher.algorithm, hasher.digest)
            if hasher.digest != expected:
                reason = f"its {hasher.algorithm} is {hasher.digest}, not {expected}"
                self._end(
                    reader,
                    exception.ContentMismatch(
                        f"The source holds other content than the catalogue: {reason}."
                        " No copy was completed."
                    ),
                )
                return
        self.window.release()

    def _end(self, reader: Reader, error: exception.GlintError | None) -> None:
        if self._ended_at is not None:
            return
        self._ended_at = time.monotonic()
        self.error = error
        self.window.close(error)
        reader.close()
        for lane in self.lanes:
            lane.stop(copy.copy(error or exception.Cancelled()))

    def _over(self, reading: threading.Thread) -> bool:
        """Every thread has ended, or was told to and did not within the idle time."""
        if self._ended_at is None and not (self._started and self._judged):
            return False
        if self._ended_at is None and self.window.closed:
            return False  # the reason is still to be taken over
        now = time.monotonic()
        given_up = self._ended_at is not None and now - self._ended_at > self._limits.idle
        waiting = [reading, *(hasher.thread for hasher in self.hashers)]
        if not given_up and any(thread.is_alive() for thread in waiting):
            return False
        return not any(
            lane.thread.is_alive()
            and (lane.stopped_at is None or now - lane.stopped_at <= self._limits.idle)
            for lane in self.lanes
        )

    def _report_stuck(self, reading: threading.Thread) -> None:
        threads = [reading, *(lane.thread for lane in self.lanes)]
        for thread in threads:
            if thread.is_alive():
                LOG.error("Thread %r did not stop in time and was left behind", thread.name)
