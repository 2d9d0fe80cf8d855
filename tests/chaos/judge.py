"""The judge: pure. It is given what was wished, what the clouds hold and what Glint says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.clouds import Original, Remote

Key = tuple[str, str]
"""A cell: (image id in Glint's catalogue, label of the column)."""


@dataclasses.dataclass
class Evidence:
    """What is laid before the judge.

    :ivar originals: by image id
    :ivar wishes: what the users wanted last of each cell
    :ivar clouds: label of the column -> all images of that project
    :ivar before: label -> image id -> what was there before Glint came
    :ivar cells: Glint's matrix, of all cells of the originals
    :ivar source: label of the column that has the originals; no wish is about it
    :ivar live: transfers that are not finished
    """

    originals: Mapping[str, Original]
    wishes: Mapping[Key, bool]
    clouds: Mapping[str, Sequence[Remote]]
    before: Mapping[str, Mapping[str, Remote]]
    cells: Mapping[Key, Mapping[str, Any]]
    source: str
    live: Sequence[str] = ()


@dataclasses.dataclass
class Verdict:
    """What is wrong, one line each. All empty: Glint kept its promises.

    :ivar lost: wished and not there
    :ivar doubled: there more than once
    :ivar left_behind: there, stamped, and of no use to any wish
    :ivar false_active: called active, and not there or not with these bytes
    :ivar foreign: what was there before Glint, changed or gone
    :ivar disagree: the database says something else than the clouds
    :ivar stuck: transfers that never ended
    :ivar over_limit: more running transfers at a site than it allows
    :ivar other: anything else that must not be
    """

    lost: list[str] = dataclasses.field(default_factory=list)
    doubled: list[str] = dataclasses.field(default_factory=list)
    left_behind: list[str] = dataclasses.field(default_factory=list)
    false_active: list[str] = dataclasses.field(default_factory=list)
    foreign: list[str] = dataclasses.field(default_factory=list)
    disagree: list[str] = dataclasses.field(default_factory=list)
    stuck: list[str] = dataclasses.field(default_factory=list)
    over_limit: list[str] = dataclasses.field(default_factory=list)
    other: list[str] = dataclasses.field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any(self.counts().values())

    def counts(self) -> dict[str, int]:
        return {f.name: len(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def lines(self) -> Iterator[str]:
        for field in dataclasses.fields(self):
            for line in getattr(self, field.name):
                yield f"{field.name}: {line}"


def judge(evidence: Evidence) -> Verdict:
    """Look at every cell, then at what no cell accounts for."""
    verdict = Verdict(stuck=[f"transfer {ident} is not finished" for ident in evidence.live])
    for label in evidence.clouds:
        _Column(evidence, label, verdict).judge()
    return verdict


class _Column:
    def __init__(self, evidence: Evidence, label: str, verdict: Verdict) -> None:
        self._evidence = evidence
        self._label = label
        self._verdict = verdict
        before = evidence.before.get(label, {})
        remotes = evidence.clouds[label]
        self._by_id = {remote.id: remote for remote in remotes}
        self._foreign = [remote for remote in remotes if remote.id in before]
        self._new = [remote for remote in remotes if remote.id not in before]
        self._accounted: set[str] = set()

    def judge(self) -> None:
        self._judge_foreign()
        if self._label != self._evidence.source:
            for image_id, original in self._evidence.originals.items():
                self._judge_cell(image_id, original)
        for remote in self._new:
            if remote.id not in self._accounted:
                kind = "stamped" if remote.stamped else "without a stamp"
                self._verdict.left_behind.append(f"{self._say(remote)}, {kind}")

    def _say(self, remote: Remote) -> str:
        return f"{self._label}: {remote.id} {remote.name!r} ({remote.record['status']})"

    def _judge_foreign(self) -> None:
        """Bytes, labels and times of what was there before must be what they were."""
        for ident, was in self._evidence.before.get(self._label, {}).items():
            now = self._by_id.get(ident)
            if now is None:
                self._verdict.foreign.append(f"{self._say(was)} is gone")
            elif (now.sha512, now.record) != (was.sha512, was.record):
                changed = [
                    key
                    for key in {*was.record, *now.record}
                    if was.record.get(key) != now.record.get(key)
                ]
                self._verdict.foreign.append(f"{self._say(was)} was changed: {changed or 'bytes'}")

    def _judge_cell(self, image_id: str, original: Original) -> None:
        key = (image_id, self._label)
        where = f"{original.name} at {self._label}"
        cell = self._evidence.cells.get(key, {})
        copies = _same(self._new, original)
        foreign = _same(self._foreign, original)
        self._judge_claim(where, original, cell)
        wished = self._evidence.wishes.get(key, bool(foreign))
        if not wished:
            # A copy that nobody wants is left for "left behind".
            if cell.get("status", "absent") != "absent":
                self._verdict.disagree.append(f"{where}: unticked, and the cell says {_say(cell)}")
            return
        if not copies and not foreign:
            self._verdict.lost.append(f"{where}: the cell says {_say(cell)}")
            return
        if len(copies) > 1:
            self._verdict.doubled.append(f"{where}: {[copy.id for copy in copies]}")
        self._judge_wished(where, original, cell, [*copies, *foreign])
        self._accounted.update(copy.id for copy in copies[1:])  # they are told already
        if copies and (len(copies) > 1 or cell.get("remote_id") == copies[0].id):
            self._accounted.add(copies[0].id)

    def _judge_wished(
        self, where: str, original: Original, cell: Mapping[str, Any], there: list[Remote]
    ) -> None:
        held = self._by_id.get(str(cell.get("remote_id")))
        if cell.get("status") != "active" or held not in there:
            self._verdict.disagree.append(
                f"{where}: there as {[remote.id for remote in there]}, the cell says {_say(cell)}"
            )
        elif held.stamped and held.name != original.name:
            self._verdict.disagree.append(f"{where}: it is named {held.name!r}")

    def _judge_claim(self, where: str, original: Original, cell: Mapping[str, Any]) -> None:
        """An active cell must have these very bytes behind it."""
        if cell.get("status") != "active":
            return
        held = self._by_id.get(str(cell.get("remote_id")))
        if held is None:
            self._verdict.false_active.append(f"{where}: {cell.get('remote_id')} is not there")
        elif (held.sha512, held.size) != (original.sha512, original.size):
            self._verdict.false_active.append(f"{where}: {self._say(held)} has other bytes")


def _same(remotes: Iterable[Remote], original: Original) -> list[Remote]:
    """Those with the original's bytes."""
    return [remote for remote in remotes if remote.sha512 == original.sha512]


def _say(cell: Mapping[str, Any]) -> str:
    if not cell:
        return "nothing"
    error = f", {cell['error_code']}" if cell.get("error_code") else ""
    return f"{cell.get('status')}, remote id {cell.get('remote_id')}{error}"
