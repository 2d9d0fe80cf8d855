"""Progress on standard error: a moving line per running transfer at a terminal.

Elsewhere, in a log, there is a line for each transfer that has ended, and nothing in between.
"""

from __future__ import annotations

import os
import sys
from typing import IO, Any

import tqdm
from keystoneauth1 import exceptions as ksa

from glint.client import Client, ClientError, Resource
from glint.osc.find import Finder
from glint.osc.text import problem, safe

_LINE = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{rate_noinv_fmt}, ETA {remaining}]"
#: In a log the command says these itself, at its end.
_BAD_ENDS = frozenset({"failed", "cancelled"})
_MAX_LINES = 12
_MAX_LABEL = 48
_SIZE = (80, 24)


class Progress:
    """A callback for ``Client.wait_for``; to be closed at the end.

    :param stream: a terminal, or only the end of each transfer is told.
    """

    def __init__(self, client: Client, finder: Finder, stream: IO[str] | None = None) -> None:
        self._client = client
        self._finder = finder
        self._stream = stream or sys.stderr
        self._bars: dict[str, tqdm.tqdm[Any]] = {}
        self._told: set[str] = set()
        self.shown = self._stream.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        for ident in list(self._bars):
            self._drop(ident)

    def __call__(self, operation: Resource) -> None:
        try:
            transfers = list(self._client.transfers.list(operation_id=operation["id"]))
        except (ClientError, ksa.ClientException):
            # The wait itself decides what an error means; a picture less harms nobody.
            return
        for transfer in transfers:
            if transfer["state"] == "done" or (self.shown and transfer["state"] in _BAD_ENDS):
                self._finish(transfer)
            elif self.shown and (transfer["state"] == "running" or transfer["id"] in self._bars):
                self._move(transfer)

    def _move(self, transfer: Resource) -> None:
        bar = self._bars.get(transfer["id"])
        if bar is None:
            if len(self._bars) >= _MAX_LINES:
                return
            bar = self._bars[transfer["id"]] = self._bar(transfer)
        bar.total = transfer.get("bytes_total") or bar.total
        bar.set_description_str(self._label(transfer), refresh=False)
        if not bar.update((transfer.get("bytes_done") or 0) - bar.n):
            bar.refresh()

    def _bar(self, transfer: Resource) -> tqdm.tqdm[Any]:
        columns, rows = _size(self._stream)
        return tqdm.tqdm(
            desc=self._label(transfer),
            total=transfer.get("bytes_total"),
            # The rate is that of what we saw ourselves; a wait may begin in the middle.
            initial=transfer.get("bytes_done") or 0,
            file=self._stream,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            ncols=columns,
            nrows=rows,
            leave=False,
            bar_format=_LINE if transfer.get("bytes_total") else None,
        )

    def _finish(self, transfer: Resource) -> None:
        if transfer["id"] in self._told:
            return
        self._told.add(transfer["id"])
        self._drop(transfer["id"])
        why = safe(problem(transfer))
        line = f"{safe(self._finder.cell(transfer))}: {safe(transfer['state'])}"
        tqdm.tqdm.write(f"{line} ({why})" if why else line, file=self._stream)

    def _drop(self, ident: str) -> None:
        bar = self._bars.pop(ident, None)
        if bar is not None:
            bar.close()

    def _label(self, transfer: Resource) -> str:
        label = safe(self._finder.cell(transfer))
        if len(label) > _MAX_LABEL:
            label = label[: _MAX_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"
        # One that waits for its next attempt has no phase.
        phase = transfer.get("phase") or transfer["state"]
        return f"{label} {safe(phase)}"


def _size(stream: IO[str]) -> tuple[int, int]:
    """The terminal's columns and rows.

    Some, in containers, say 0 and mean that they do not know; tqdm then shows nothing at all.
    """
    try:
        size = os.get_terminal_size(stream.fileno())
    except OSError:
        return _SIZE
    return size.columns or _SIZE[0], size.lines or _SIZE[1]
