"""Values on their way to a terminal.

Names, properties and reasons come from foreign clouds. A control character among them could move
the cursor, change colours, forge lines or talk to the terminal, so none gets there as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from cliff import columns

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def safe(text: object) -> str:
    r"""``text`` with everything unprintable as an escape such as ``\x1b``, line feeds too.

    Direction marks and other invisible formatting count as unprintable: they can make one name look
    like another.
    """
    return "".join(c if _printable(c) else _escape(c) for c in str(text))


def _printable(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


class Lines(list[str]):
    """Cleaned text of several lines, which a table shows one below the other."""


def plain(value: object) -> Any:
    """``value`` as a table, CSV or ``-f value`` may show it: cleaned, structure flattened."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float | columns.FormattableColumn):
        return value
    if isinstance(value, Lines):
        return "\n".join(safe(line) for line in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{safe(k)}='{plain(v)}'" for k, v in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(str(plain(v)) for v in value)
    return safe(value)


class Size(columns.FormattableColumn[int | None]):
    """Bytes: readable in a table, exact everywhere else."""

    def human_readable(self) -> str:
        return human_bytes(self._value)

    def machine_readable(self) -> int | None:
        return self._value


def human_bytes(size: float | None) -> str:
    """1536 -> '1.5 KiB', None -> ''."""
    if size is None:
        return ""
    if size < 1024:
        return f"{size:.0f} B"
    for unit in _UNITS:
        size /= 1024
        if size < 1024 or unit == _UNITS[-1]:
            break
    return f"{size:.1f} {unit}"


def percent(done: int | None, total: int | None) -> int:
    """Whole per cents, rounded down, so that 100 means all."""
    return min(100, (done or 0) * 100 // total) if total else 0


def progress(thing: Mapping[str, Any], key: str, done: str) -> int:
    """Per cent of a thing with a state; one that needed no bytes is whole when it is done."""
    if thing.get(key) == done:
        return 100
    return percent(thing.get("bytes_done"), thing.get("bytes_total"))


def problem(thing: Mapping[str, Any]) -> str:
    """Code and text of what went wrong with a cell or transfer, '' where nothing did.

    A transfer that is done may still tell of an earlier attempt: that is no problem any more.
    """
    if thing.get("state") == "done":
        return ""
    code, detail = thing.get("error_code"), thing.get("error_detail")
    return ": ".join(str(part) for part in (code, detail) if part)
