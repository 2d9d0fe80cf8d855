"""One read of a source feeds any number of sites."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence

from glint import exception
from glint.transfer.buffers import Memory
from glint.transfer.job import Job, Limits
from glint.transfer.sink import Progress, Sink
from glint.transfer.source import OpenSource, Reader
from glint.transfer.throttle import Throttle
from glint.transfer.window import Window

#: Bytes. Below 256 KiB the cost per chunk shows, above 1 MiB little is gained.
CHUNK = 1024 * 1024
#: Chunks. More only absorbs jitter.
WINDOW = 32


@dataclasses.dataclass(frozen=True)
class SinkResult:
    """How one sink ended. ``bytes_done`` were handed over; ``error`` is None where ``finished``.

    ``stuck``: its upload did not return in time after it was told to stop, and may still hold its
    connection; whoever removes the remote image may meet it.
    """

    name: str
    bytes_done: int
    finished: bool
    error: Exception | None
    stuck: bool


@dataclasses.dataclass(frozen=True)
class Result:
    """How a job ended.

    :ivar size: bytes of the image, None where no source told.
    :ivar sinks: in the order in which they were given.
    :ivar digests: algorithm -> hex digest of the whole image; empty where it was not read whole.
    :ivar bytes_read: bytes that came from the source, those read again after a break included.
    :ivar resumed: how many times the source was opened again.
    :ivar complete: the source was read whole, and it had the expected size and digests.
    :ivar error: why not, where the source is the reason or the job was cancelled; None as well
        where reading ended because no sink was left.
    :ivar seconds: what the job took.
    """

    size: int | None
    sinks: tuple[SinkResult, ...]
    digests: Mapping[str, str]
    bytes_read: int
    resumed: int
    complete: bool
    error: exception.GlintError | None
    seconds: float


def fan_out(
    open_source: OpenSource,
    size: int | None,
    sinks: Sequence[Sink],
    *,
    algorithms: Sequence[str] = (),
    expect: Mapping[str, str] | None = None,
    window: int = WINDOW,
    chunk: int = CHUNK,
    grace: float = 30.0,
    idle: float = 60.0,
    settle: float = 600.0,
    resumes: int = 3,
    pause: float = 1.0,
    source_throttles: Sequence[Throttle] = (),
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    memory: Memory | None = None,
) -> Result:
    """Copy one image to all ``sinks``, reading it once; blocks until every sink has ended.

    Memory is bounded by ``window * chunk`` bytes, however many sinks there are, and by what jobs
    that share ``memory`` hold together. No upload gets its
    last byte before the source has proven to have exactly ``size`` bytes and, for algorithms named
    in both ``algorithms`` and ``expect``, the expected digests.

    :param open_source: opens the image at a byte offset. Errors with ``retry`` in mid stream are
        answered by opening again at the right byte; an error of the first opening ends the job.
    :param size: bytes of the image; None takes the size that the opened source tells.
    :param sinks: where to; each is for this job only. Their ``progress`` may be read, and their
        ``cancel`` called, from other threads. With none the image is only read.
    :param algorithms: names for hashlib, each computed in a thread of its own.
    :param expect: algorithm -> hex digest; of algorithms that are not computed it says nothing.
    :param window: chunks kept for the slowest sink.
    :param chunk: bytes.
    :param grace: seconds that one sink may hold the others back before it is detached (SlowSite).
        The last destination is never detached.
    :param idle: seconds without a byte from the source, or without a sink taking its next chunk,
        before it counts as stalled; also how long a stopped upload is waited for.
    :param settle: the same for a sink that has all bytes: the site may be hashing them.
    :param resumes: how many times in all a broken source is opened again.
    :param pause: seconds before the first of them, doubled for each further one.
    :param source_throttles: caps on what is read, shared with other jobs or not, the narrowest
        first. Waiting there is no standstill.
    :param progress: counts what is read from the source.
    :param cancel: set it to end the whole job (Cancelled); looked at four times a second.
    :param memory: shared with other jobs; None: the job's own.
    :raises ValueError: an algorithm is unknown, a sink was used before.
    """
    wanted = {a: d.lower() for a, d in (expect or {}).items() if a in algorithms}
    memory = memory or Memory(window * chunk)
    job = Job(
        Window(window, gated=bool(wanted), memory=memory),
        sinks,
        algorithms,
        wanted,
        Limits(grace, idle, settle),
        cancel or threading.Event(),
    )
    progress = progress if progress is not None else Progress()
    reader = Reader(
        open_source,
        size,
        job.window,
        progress,
        chunk=chunk,
        memory=memory,
        resumes=resumes,
        pause=pause,
        throttles=tuple(source_throttles),
        on_open=job.wake,
    )
    began = time.monotonic()
    job.run(reader)
    return _result(job, reader, progress, time.monotonic() - began)


def digest(
    open_source: OpenSource,
    size: int | None,
    algorithms: Sequence[str],
    *,
    chunk: int = CHUNK,
    window: int = 8,
    idle: float = 60.0,
    resumes: int = 3,
    pause: float = 1.0,
    source_throttles: Sequence[Throttle] = (),
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Mapping[str, str]:
    """Read an image only to hash it; the parameters are those of :func:`fan_out`.

    :returns: algorithm -> hex digest.
    :raises SiteError: the source failed, or has another size; Cancelled.
    """
    result = fan_out(
        open_source,
        size,
        (),
        algorithms=algorithms,
        window=window,
        chunk=chunk,
        idle=idle,
        resumes=resumes,
        pause=pause,
        source_throttles=source_throttles,
        progress=progress,
        cancel=cancel,
    )
    if result.error is not None:
        raise result.error
    return result.digests


def _result(job: Job, reader: Reader, progress: Progress, seconds: float) -> Result:
    return Result(
        size=reader.size,
        sinks=tuple(
            SinkResult(
                name=lane.sink.name,
                bytes_done=lane.sink.progress.done,
                finished=lane.finished,
                error=lane.error,
                stuck=lane.thread.is_alive(),
            )
            for lane in job.lanes
        ),
        digests={h.algorithm: h.digest for h in job.hashers if h.digest is not None},
        bytes_read=progress.done,
        resumed=reader.resumed,
        complete=reader.complete and job.error is None,
        error=job.error,
        seconds=seconds,
    )
