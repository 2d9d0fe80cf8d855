"""One database: sessions, retries, generations. The tables' functions stand in their modules."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import orm

from glint import exception
from glint.db import changes, clock

LOG = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Attempts of one transaction that met a deadlock, a lost connection or a locked SQLite file.
ATTEMPTS = 10


#: For updates whose condition only the database can judge: no row is in the session's memory.
BLIND: dict[str, Any] = {"synchronize_session": False}


class Again(Exception):
    """Somebody else wrote first; the transaction is run once more on the fresh rows."""


class _Context:
    """What enginefacade hangs its session on."""


class Database:
    """A connection pool, made once in a composition root.

    :param connection: SQLAlchemy URL.
    :param options: passed to oslo.db's enginefacade (pool sizes, timeouts in seconds).
    """

    def __init__(self, connection: str, **options: Any) -> None:
        self.connection = connection
        self._manager = enginefacade.transaction_context()
        sqlite = connection.startswith("sqlite")
        if not sqlite:
            # How long a statement may wait for a free connection of the pool.
            options.setdefault("pool_timeout", 30)
        self._manager.configure(
            connection=full_unicode(connection),
            sqlite_fk=True,
            max_retries=1,
            retry_interval=1,
            **options,
        )
        if sqlite:
            tame_sqlite(self._manager.writer.get_engine())

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        with self._manager.reader.using(_Context()) as session:
            yield session

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        with self._manager.writer.using(_Context()) as session:
            began = time.monotonic()
            yield session
            if time.monotonic() - began > changes.LONGEST:
                changes.late(session)

    @property
    def engine(self) -> sa.Engine:
        return self._manager.writer.get_engine()

    def dispose(self) -> None:
        self._manager.dispose_pool()


def full_unicode(url: str) -> str:
    """The URL with which any name can be stored.

    oslo.db talks to MySQL and MariaDB in their three-byte "utf8" by default, and operators copy
    that into their settings: an emoji in the name of a foreign image would be a database error.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() not in ("mysql", "mariadb"):
        return url
    wide = parsed.update_query_dict({"charset": "utf8mb4"})
    return wide.render_as_string(hide_password=False)


def tame_sqlite(engine: sa.Engine) -> None:
    """Let several threads and processes share one SQLite file.

    oslo.db sends a deferred BEGIN; a transaction that reads and then writes would fail at once with
    "database is locked", whatever the timeout. BEGIN IMMEDIATE waits for its turn instead.
    """

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 30000")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()
        clock.teach_sqlite(connection)

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def _immediate(
        _conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters

    # Connections that the pool made before the listeners stood.
    engine.dispose()


def _may_retry(error: Exception) -> bool:
    # psycopg2's "connection refused" arrives unmapped as OperationalError.
    # A row that another one needs was made or removed meanwhile: the second look sees that.
    return isinstance(
        error,
        Again
        | db_exc.DBDeadlock
        | db_exc.DBConnectionError
        | db_exc.DBReferenceError
        | sa.exc.OperationalError,
    ) or (isinstance(error, db_exc.DBError) and "database is locked" in str(error))


def retry(
    function: Callable[Concatenate[Database, P], T],
) -> Callable[Concatenate[Database, P], T]:
    """Repeat a transaction that a deadlock or a lost connection ended.

    The function must be one whole transaction: a second run starts from nothing.
    """

    @functools.wraps(function)
    def wrapper(db: Database, *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return function(db, *args, **kwargs)
            except Exception as error:
                if attempt == ATTEMPTS or not _may_retry(error):
                    raise
                LOG.debug("%s is tried again: %s", function.__qualname__, type(error).__name__)
                # Jitter lets competing writers part; at most 1.3 s in all for deadlocks.
                time.sleep(random.uniform(0.005, 0.03) * attempt)
        raise AssertionError("unreachable")

    return wrapper


def check_generation(
    resource: str, row: Any, generation: int | None, show: Callable[[Any], Any]
) -> None:
    """Hold a row against the generation that a change is based on (None: on any).

    :param show: makes of the row what the error carries.
    :raises GenerationConflict: the row changed since the caller read it.
    """
    if generation is not None and row.generation != generation:
        raise exception.GenerationConflict(
            resource, row.id, given=generation, current=row.generation, fresh=show(row)
        )
