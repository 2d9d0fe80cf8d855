"""Rows by the thousand, read fast.

PyMySQL takes rows apart in Python, one value after the other, which was the most expensive thing
about a page of the matrix. So MySQL and MariaDB make one JSON text of each row, which Python's own
decoder takes apart all at once; the drivers of the other databases do it in C anyway.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

_DRIVER = "pymysql"


def rows(
    session: orm.Session, columns: Sequence[Any], *where: sa.ColumnElement[bool]
) -> Sequence[Sequence[Any]]:
    """Values of these columns, of all rows for which the conditions hold.

    :param columns: of texts, integers, truths, times and JSON; of nothing else.
    """
    if session.get_bind().dialect.driver != _DRIVER:
        return session.execute(sa.select(*columns).where(*where)).all()
    packed = session.scalars(sa.select(sa.func.json_array(*columns, type_=sa.Text)).where(*where))
    found: list[list[Any]] = json.loads(f"[{','.join(packed)}]", strict=False)
    for place, column in enumerate(columns):
        read = _reader(column.type)
        if read is not None:
            for row in found:
                row[place] = read(row[place])
    return found


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """What makes a value of what JSON knows; None where it is one."""
    if isinstance(kind, sa.Boolean):
        return bool
    if isinstance(kind, sa.DateTime):
        return lambda text: None if text is None else datetime.datetime.fromisoformat(text)
    if isinstance(kind, sa.JSON):
        # MariaDB before 10.5.7 had no type of its own for it.
        return lambda value: json.loads(value) if isinstance(value, str) else value
    return None
