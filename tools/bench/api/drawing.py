"""Values that follow from hashes of ids, in SQL that MariaDB and PostgreSQL both understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa


def ident_of(digest: Any) -> Any:
    """A hash in the form of an id."""
    cuts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts = [sa.func.substr(digest, start, length) for start, length in cuts]
    dashed = [p for part in parts for p in (part, "-")][:-1]
    return sa.func.concat(*dashed)


def draw(digest: Any, start: int, of: int, count: int) -> Any:
    """True for ``count`` of ``of`` hashes, by their digits from ``start``; ``of`` is 16**n."""
    digits = len(f"{of - 1:x}")
    return sa.func.substr(digest, start, digits) < f"{count:0{digits}x}"


def insert(model: Any, values: Mapping[str, Any], query: Any) -> Any:
    columns = [value.label(name) for name, value in values.items()]
    table = model.__table__
    # Defaults of Python's side would come on top, made once for all rows.
    return sa.insert(table).from_select([*values], query(columns), include_defaults=False)
