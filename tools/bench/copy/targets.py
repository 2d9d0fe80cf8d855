"""What the figures are held against."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Target:
    """:ivar found: the figure of this run, None where it was not measured.

    :ivar bound: what it should be.
    :ivar least: it should be at least that, and not at most.
    :ivar reason: why it is missed where it is.
    """

    what: str
    found: float | None
    bound: float
    least: bool = True
    unit: str = "x"
    reason: str = ""

    @property
    def met(self) -> bool | None:
        if self.found is None:
            return None
        return self.found >= self.bound if self.least else self.found <= self.bound

    def row(self) -> list[str]:
        bound = f"{'>=' if self.least else '<='} {self.bound:g} {self.unit}"
        if self.found is None:
            return [self.what, bound, "", "not measured", ""]
        verdict = "met" if self.met else "MISSED"
        return [
            self.what, bound, f"{self.found:.2f} {self.unit}", verdict,
            "" if self.met else self.reason,
        ]  # fmt: skip


def rows(targets: Iterable[Target]) -> list[list[str]]:
    return [["target", "wanted", "found", "", "because"], *(one.row() for one in targets)]
