"""A dictionary that does not show what it holds."""

from __future__ import annotations

from typing import Any


class SecretDict(dict[str, Any]):
    """Values by name, as any dictionary; printed or logged it shows the names only."""

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: '***'" for name in self) + "}"

    __str__ = __repr__

    def copy(self) -> SecretDict:
        return SecretDict(self)

    def __or__(self, other: Any) -> SecretDict:  # type: ignore[override]
        return SecretDict({**self, **other})
