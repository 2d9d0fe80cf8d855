"""An AMI's snapshot as a stream of raw bytes (EBS direct API)."""

from __future__ import annotations

import base64
import collections
import concurrent.futures
import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from glint.drivers.ec2.blocks import BLOCK
from glint.exception import SiteError, StreamBroken

_ZEROS = bytes(2 * BLOCK)
#: Entries of one page of a list of blocks; EBS gives at most so many.
PAGE = 1000


class SnapshotSource:
    """An open read: a :class:`glint.drivers.base.ByteSource`.

    Blocks are fetched ahead, some at once; each is held against the checksum that EBS tells.

    :param call: (operation of EBS direct, its arguments) -> answer; raises site errors.
    :param size: bytes of the image, of which the snapshot may hold more.
    """

    def __init__(
        self, call: Callable[..., Any], snapshot_id: str, size: int, offset: int, ahead: int
    ) -> None:
        self.size: int | None = size
        self.offset = min(offset, size)
        self._call = call
        self._snapshot_id = snapshot_id
        self._end = size
        self._position = self.offset
        self._ahead = ahead
        self._closed = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(ahead, thread_name_prefix="block")
        self._flying: collections.deque[tuple[int, concurrent.futures.Future[bytes]]] = (
            collections.deque()
        )
        self._listed = self._list(self.offset // BLOCK)
        self._current: tuple[int, bytes] | None = None

    def _list(self, first: int) -> Iterator[tuple[int, str]]:
        """Index and token of every block that the snapshot holds, from ``first`` on."""
        following: str | None = None
        last = -1
        while True:
            more = {"NextToken": following} if following else {"StartingBlockIndex": first}
            page = self._call(
                "list_snapshot_blocks", SnapshotId=self._snapshot_id, MaxResults=PAGE, **more
            )
            if page.get("BlockSize") != BLOCK:
                raise SiteError(reason=f"its blocks have {page.get('BlockSize')!r} bytes")
            for block in page.get("Blocks") or ():
                index = int(block["BlockIndex"])
                if index <= last:
                    raise SiteError(reason="its list of blocks is out of order")
                last = index
                if index >= first:
                    yield index, str(block["BlockToken"])
            again, following = following, page.get("NextToken")
            if not following or last * BLOCK >= self._end:
                return
            if following == again:
                raise SiteError(reason="its list of blocks never ends")

    def _fetch(self, index: int, token: str) -> bytes:
        if self._closed.is_set():
            return b""
        answer = self._call(
            "get_snapshot_block",
            SnapshotId=self._snapshot_id,
            BlockIndex=index,
            BlockToken=token,
        )
        data = bytes(answer["BlockData"])
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        if len(data) != BLOCK or digest != answer.get("Checksum"):
            raise self._broken(f"block {index} came with another checksum than its bytes have")
        return data

    def _next_block(self) -> tuple[int, bytes] | None:
        """The next block that the snapshot holds; None: zeros follow to the end."""
        while len(self._flying) < self._ahead:
            listed = next(self._listed, None)
            if listed is None:
                break
            try:
                self._flying.append((listed[0], self._pool.submit(self._fetch, *listed)))
            except RuntimeError as error:  # closed by another thread
                raise self._broken("it was closed") from error
        if not self._flying:
            return None
        index, future = self._flying.popleft()
        try:
            return index, future.result()
        except concurrent.futures.CancelledError as error:
            raise self._broken("it was closed") from error

    def read(self, size: int) -> bytes:
        if self._closed.is_set():
            raise self._broken("it was closed")
        if self._position >= self._end:
            return b""
        while self._current is None or (self._current[0] + 1) * BLOCK <= self._position:
            self._current = self._next_block() or (self._end // BLOCK + 1, b"")
            if self._closed.is_set():
                raise self._broken("it was closed")
        index, data = self._current
        begin = index * BLOCK
        if self._position < begin:
            count = min(size, begin - self._position, self._end - self._position, len(_ZEROS))
            piece = _ZEROS if count == len(_ZEROS) else _ZEROS[:count]
        else:
            start = self._position - begin
            piece = data[start : start + min(size, self._end - self._position)]
        self._position += len(piece)
        return piece

    def close(self) -> None:
        self._closed.set()
        for _, future in [*self._flying]:
            future.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _broken(self, reason: str) -> StreamBroken:
        return StreamBroken(
            side="from the site", done=self._position, total=self._end, reason=reason
        )
