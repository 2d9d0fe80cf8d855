"""The database's clock: the one that all conductors and API processes share.

Who may take what from whom is decided by this clock alone. The clocks of hosts differ by seconds,
and by hours after a mistake: a conductor whose clock is fast would take over what another one is at
work on.
"""

from __future__ import annotations

import datetime
import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext import compiler
from sqlalchemy.sql import functions

_NAME = "glint_now"


class _Now(functions.GenericFunction[Any]):
    """Naive UTC by the clock of the database, so many seconds later."""

    type = sa.DateTime()
    inherit_cache = True
    name = _NAME


def after(seconds: float) -> sa.ColumnElement[Any]:
    """So many seconds after the statement began; a negative number: before it."""
    return _Now(sa.literal(float(seconds), sa.Float()))


def now() -> sa.ColumnElement[Any]:
    """The time at which the statement began."""
    return after(0.0)


def teach_sqlite(connection: sqlite3.Connection) -> None:
    """SQLite has one process and its clock; its own functions know milliseconds only."""

    def tell(seconds: float) -> str:
        then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        return then.strftime("%Y-%m-%d %H:%M:%S.%f")

    connection.create_function(_NAME, 1, tell)


def _seconds(element: Any, compile_: Any, **options: Any) -> str:
    return str(compile_.process(element.clauses, **options))


@compiler.compiles(_Now, "mysql")
@compiler.compiles(_Now, "mariadb")
def _mysql(element: Any, compile_: Any, **options: Any) -> str:
    seconds = _seconds(element, compile_, **options)
    return f"TIMESTAMPADD(MICROSECOND, ROUND({seconds} * 1000000), UTC_TIMESTAMP(6))"


@compiler.compiles(_Now, "postgresql")
def _postgresql(element: Any, compile_: Any, **options: Any) -> str:
    # Not now(), which is when the transaction began; nor clock_timestamp(), which uses no index.
    seconds = _seconds(element, compile_, **options)
    return f"(timezone('utc', statement_timestamp()) + make_interval(secs => {seconds}))"
