"""The bytes of an image into a snapshot, block by block (EBS direct API).

Only blocks that are not all zeros are sent: what a snapshot without a parent does not hold reads as
zeros. EBS compares the SHA256 of each block, and at the end one over these in index order (LINEAR).
"""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from glint.drivers.base import Piece
from glint.drivers.ec2.errors import code_of
from glint.exception import SiteConflict, SiteError, StreamBroken

LOG = logging.getLogger(__name__)

#: Bytes of a block; EBS knows no other size.
BLOCK = 512 * 1024
_ZERO = bytes(BLOCK)
#: Seconds between two notes of how far an upload is.
NOTE_EVERY = 2.0


def in_blocks(chunks: Iterable[Piece]) -> Iterator[bytes]:
    """Chunks of any size cut anew; zeros fill up the last block."""
    rest = b""
    for chunk in chunks:
        if rest:
            missing = BLOCK - len(rest)
            rest += chunk[:missing]
            if len(rest) < BLOCK:
                continue
            yield rest
            chunk, rest = chunk[missing:], b""
        view = memoryview(chunk)
        whole = len(view) - len(view) % BLOCK
        for begin in range(0, whole, BLOCK):
            yield bytes(view[begin : begin + BLOCK])
        rest = bytes(view[whole:])
    if rest:
        yield rest + bytes(BLOCK - len(rest))


class Writer:
    """Puts blocks into one pending snapshot, some at once.

    :param put: sends one block: (index, bytes, base64 of its SHA256); blocks until it is taken.
    :param threads: blocks on their way at once; as many more may wait.
    :param held: all blocks below this index are in the snapshot already; they are not sent again.
    :ivar sent: blocks that were sent and confirmed.
    :ivar held: all blocks below this index are in the snapshot.
    """

    def __init__(self, put: Callable[[int, bytes, str], None], threads: int, held: int = 0) -> None:
        self._put = put
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="block")
        self._room = threading.Semaphore(2 * threads)
        self._lock = threading.Lock()
        self._digests: dict[int, bytes] = {}
        self._failure: BaseException | None = None
        self._stopped = threading.Event()
        self._idle = threading.Condition()
        self._flying = 0
        self._known = self.held = held
        self._done: set[int] = set()
        self.sent = 0

    def stop(self, reason: SiteError) -> None:
        """End it; from any thread."""
        with self._lock:
            self._failure = self._failure or reason
        self._stopped.set()
        with self._idle:
            self._idle.notify_all()

    def add(self, index: int, block: bytes) -> None:
        """Take one block; waits for room.

        :raises SiteError: an earlier one failed, or it was stopped.
        """
        if block == _ZERO:
            self._check()
            self._hold(index)
            return
        while not self._room.acquire(timeout=0.5):
            self._check()
        self._check()
        with self._idle:
            self._flying += 1
        self._pool.submit(self._send, index, block)

    def _send(self, index: int, block: bytes) -> None:
        try:
            if not self._stopped.is_set():
                digest = hashlib.sha256(block).digest()
                if index >= self._known:
                    self._put(index, block, base64.b64encode(digest).decode())
                    self.sent += 1
                with self._lock:
                    self._digests[index] = digest
                self._hold(index)
        except BaseException as error:  # noqa: BLE001 - raised by whoever adds or ends
            with self._lock:
                self._failure = self._failure or error
            self._stopped.set()
        finally:
            self._room.release()
            with self._idle:
                self._flying -= 1
                self._idle.notify_all()

    def _hold(self, index: int) -> None:
        with self._lock:
            self._done.add(index)
            while self.held in self._done:
                self._done.remove(self.held)
                self.held += 1

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def finish(self) -> tuple[int, str]:
        """Wait for all blocks; return how many the snapshot holds and the base64 of their hash.

        :raises SiteError: one failed, or it was stopped.
        """
        with self._idle:
            while self._flying and self._failure is None:
                self._idle.wait(1.0)
        self._check()
        joined = hashlib.sha256()
        for _, digest in sorted(self._digests.items()):
            joined.update(digest)
        return len(self._digests), base64.b64encode(joined.digest()).decode()

    def close(self) -> None:
        """Send nothing more. What is on its way ends by its own time limits."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Upload:
    """One upload into a pending snapshot.

    :param ebs: client of EBS direct.
    :param wrap: makes site errors of what the client raises.
    :param held: all blocks below this index were sent by an earlier attempt.
    :param note: told now and then, how far it is: (index below which all blocks are there).
    """

    def __init__(
        self,
        ebs: Any,
        snapshot_id: str,
        wrap: Callable[[Exception], SiteError],
        threads: int,
        *,
        held: int,
        note: Callable[[int], None],
    ) -> None:
        self._ebs = ebs
        self._snapshot_id = snapshot_id
        self._wrap = wrap
        self._known = held
        self._note = note
        self._noted_at = time.monotonic()
        self._writer = Writer(self._put, threads, held)
        self.stopped = threading.Event()

    def _put(self, index: int, block: bytes, checksum: str) -> None:
        for again in (True, True, False):
            try:
                answer = self._ebs.put_snapshot_block(
                    SnapshotId=self._snapshot_id,
                    BlockIndex=index,
                    BlockData=block,
                    DataLength=len(block),
                    Checksum=checksum,
                    ChecksumAlgorithm="SHA256",
                )
                break
            except Exception as error:
                # Perhaps a bit flipped on the way, which the site found out.
                if not again or code_of(error) != "ValidationException":
                    raise self._wrap(error) from error
        if answer.get("Checksum", checksum) != checksum:
            raise SiteError(reason=f"it took block {index} for another one")

    def cut(self) -> None:
        """Stop it; from any thread, at any time."""
        self.stopped.set()
        self._writer.stop(self._broken("it was stopped by Glint"))

    def _broken(self, reason: str) -> StreamBroken:
        return StreamBroken(side="to the site", done=self._writer.sent, total="?", reason=reason)

    def run(self, body: Iterable[Piece], size: int) -> int:
        """Send all of ``body``, ``size`` bytes, and complete the snapshot.

        :returns: blocks that the snapshot holds.
        """
        done = 0

        def counted() -> Iterator[Piece]:
            nonlocal done
            for chunk in body:
                done += len(chunk)
                yield chunk

        try:
            for index, block in enumerate(in_blocks(counted())):
                self._writer.add(index, block)
                self._take_note()
            if done != size:
                raise self._broken(f"its source gave {done} bytes instead of {size}")
            count, checksum = self._writer.finish()
        finally:
            self._writer.close()
        self._complete(count, checksum)
        LOG.info(
            "snapshot %s: %d blocks for %d bytes, %d of them sent now",
            self._snapshot_id, count, size, self._writer.sent,
        )  # fmt: skip
        return count

    def _take_note(self) -> None:
        if time.monotonic() - self._noted_at < NOTE_EVERY or self._writer.held <= self._known:
            return
        try:
            self._note(self._writer.held)
        except SiteError as error:
            LOG.info("snapshot %s: its state was not noted: %s", self._snapshot_id, error)
        self._noted_at = time.monotonic()

    def _complete(self, count: int, checksum: str) -> None:
        try:
            self._ebs.complete_snapshot(
                SnapshotId=self._snapshot_id,
                ChangedBlocksCount=count,
                Checksum=checksum,
                ChecksumAlgorithm="SHA256",
                ChecksumAggregationMethod="LINEAR",
            )
        except Exception as error:
            if self._known and code_of(error) == "ValidationException":
                reason = "an earlier attempt left other blocks in it than the image has"
                raise SiteConflict(reason=reason) from error
            raise self._wrap(error) from error
