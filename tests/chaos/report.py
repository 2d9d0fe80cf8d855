"""The account of a run, for people and as JSON."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from tests.chaos.judge import Verdict


@dataclasses.dataclass
class Report:
    """What happened, and the judge's verdict."""

    seed: int
    database: str
    conductors: int
    transfers: int
    folder: pathlib.Path
    verdict: Verdict = dataclasses.field(default_factory=Verdict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    blows: Mapping[str, int] = dataclasses.field(default_factory=dict)
    faults: Mapping[str, int] = dataclasses.field(default_factory=dict)
    users: Mapping[str, int] = dataclasses.field(default_factory=dict)
    ends: Mapping[str, int] = dataclasses.field(default_factory=dict)
    events: Mapping[str, int] = dataclasses.field(default_factory=dict)
    samples: Mapping[str, int] = dataclasses.field(default_factory=dict)
    take_overs: int = 0
    rounds: int = 0
    most: str = ""

    @property
    def clean(self) -> bool:
        return self.verdict.clean

    def table(self) -> str:
        """Some lines of text."""
        kills = sum(count for what, count in self.blows.items() if what.startswith("kill"))
        retried = sum(count for what, count in self.events.items() if " retried" in what)
        rows: list[tuple[str, Any]] = [
            ("seed", self.seed),
            ("database, conductors", f"{self.database}, {self.conductors}"),
            ("seconds", _listed({name: round(s) for name, s in self.seconds.items()})),
            ("cells wished", self.transfers),
            ("transfers", f"{sum(self.ends.values())} ({_listed(self.ends)})"),
            ("users", _listed(self.users)),
            ("kills -9", kills),
            ("blows", _listed(self.blows)),
            ("faults fired", sum(self.faults.values())),
            ("  of which", _listed(self.faults)),
            ("retries", retried),
            ("take-overs", self.take_overs),
            ("events", _listed(self.events)),
            ("most at once, by site", self.most),
            ("samples", _listed(self.samples)),
            ("rounds of saving again", self.rounds),
            *((name.replace("_", " "), count) for name, count in self.verdict.counts().items()),
            ("kept in", self.folder),
        ]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:{width}}  {value}" for name, value in rows]
        return "\n".join([*lines, *(f"!! {line}" for line in self.verdict.lines())])

    def write(self) -> None:
        """report.json and report.txt into the folder."""
        whole = dataclasses.asdict(self) | {"folder": str(self.folder)}
        (self.folder / "report.json").write_text(json.dumps(whole, indent=1, default=str))
        (self.folder / "report.txt").write_text(self.table() + "\n")


def _listed(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{what} {count}" for what, count in counts.items()) or "none"
