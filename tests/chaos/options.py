"""What a run is asked to be."""

from __future__ import annotations

import dataclasses
import pathlib
import random

DATABASES = ("mariadb", "postgresql", "sqlite")


@dataclasses.dataclass(frozen=True)
class Options:
    """One run.

    :ivar transfers: cells that users wish to be filled, each at least once
    :ivar minutes: how long the storm may last at most; mending and judging come after it
    :ivar pace: mean seconds between two blows at processes
    :ivar folder: where logs and the report are kept
    """

    seed: int
    transfers: int
    conductors: int
    database: str
    minutes: float
    folder: pathlib.Path
    pace: float = 5.0

    def rng(self, what: str) -> random.Random:
        """The source of chance for one purpose, so that none disturbs the others' sequence."""
        return random.Random(f"{self.seed}/{what}")
