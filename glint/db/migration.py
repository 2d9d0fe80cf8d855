"""The schema of the database: brought up to date, looked at, held against the models.

There is no way back: a schema is left by restoring the copy that was made before the upgrade.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import autogenerate, command, config, migration, script
from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import engines

from glint import exception
from glint.db import api, processes

#: Seconds to wait for another upgrade of the same database, and for the database to answer.
LOCK_TIMEOUT = 60
CONNECT_ATTEMPTS = 5

_LOCKS = {
    "sqlite": "1",
    "mysql": "GET_LOCK('glint_db_sync', 0)",
    "mariadb": "GET_LOCK('glint_db_sync', 0)",
    "postgresql": f"pg_try_advisory_lock({0x676C696E74})",  # numbers only: "glint"
}


class DatabaseUnreachable(exception.GlintError):
    """No connection to the database, after several attempts."""

    code, status, title = "database.unreachable", 503, "Service Unavailable"
    template = "The database does not answer: {reason}. Check [database] connection."


class DatabaseURLWrong(exception.GlintError):
    """The connection setting names nothing that Glint can work with."""

    code, status, title = "database.url_wrong", 500, "Wrong database URL"
    template = (
        "[database] connection cannot be used: {reason}. Set it to sqlite:///FILE, or to"
        " mysql+pymysql://USER:PASSWORD@HOST/NAME (pip install glint[mysql]), or to"
        " postgresql+psycopg2://USER:PASSWORD@HOST/NAME (pip install glint[postgresql])."
    )


class SchemaUnknown(exception.GlintError):
    """A newer Glint has upgraded the database."""

    code, status, title = "database.schema_unknown", 500, "Unknown schema"
    template = (
        "The database has schema {version}, which this Glint does not know. Install the version of"
        " Glint that it belongs to; a schema is never downgraded."
    )


class SchemaBusy(exception.GlintError):
    """Somebody else upgrades, and does not end."""

    code, status, title = "database.schema_busy", 503, "Service Unavailable"
    template = (
        "Another process has been upgrading this database for more than {timeout} s."
        " Wait for it to end and try again."
    )


@dataclasses.dataclass(frozen=True)
class Versions:
    """The schema that a database has (None: no schema at all), and the one that Glint needs."""

    found: str | None
    needed: str

    @property
    def current(self) -> bool:
        return self.found == self.needed


def versions(url: str) -> Versions:
    """Look at the database at an SQLAlchemy URL.

    :raises DatabaseUnreachable: it does not answer.
    :raises DatabaseURLWrong: there is no such kind of database, or its library is missing.
    """
    with _connected(url) as connection:
        return Versions(found=_found(connection), needed=_needed())


def upgrade(url: str) -> Versions:
    """Bring the schema up to date; several processes may try at once.

    On SQLite and PostgreSQL it is done wholly or not at all. MariaDB ends the transaction with
    every change of a table: there a failed upgrade has to be looked at.

    :returns: the versions before.
    :raises DatabaseUnreachable: it does not answer.
    :raises SchemaUnknown: the schema is newer than this Glint.
    :raises SchemaBusy: another upgrade did not end within :data:`LOCK_TIMEOUT` seconds.
    """
    with _connected(url) as connection:
        _lock(connection)
        with connection.begin():
            before = Versions(found=_found(connection), needed=_needed())
            known = {revision.revision for revision in _scripts().walk_revisions()}
            if before.found is not None and before.found not in known:
                raise SchemaUnknown(version=before.found)
            command.upgrade(_config(connection), "head")
    return before


def differences(connection: sa.Connection) -> list[object]:
    """What autogenerate would change to make the database equal to the models; [] when equal."""
    context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
    return list(autogenerate.compare_metadata(context, processes.METADATA))


def new_revision(message: str) -> str:
    """For developers: write the migration from the last version to the models, to be read closely.

    :returns: the path of the new file.
    """
    with _connected("sqlite://") as connection, connection.begin():
        made_of = _config(connection)
        command.upgrade(made_of, "head")
        number = f"{len(list(_scripts().walk_revisions())) + 1:03d}"
        made = command.revision(made_of, message, autogenerate=True, rev_id=number)
        return str(getattr(made, "path", made))


def _config(connection: sa.Connection | None = None) -> config.Config:
    settings = config.Config()
    # alembic keeps its settings in a ConfigParser, for which % is special.
    folder = os.path.join(os.path.dirname(__file__), "alembic").replace("%", "%%")
    settings.set_main_option("script_location", folder)
    settings.attributes["connection"] = connection
    return settings


def _scripts() -> script.ScriptDirectory:
    return script.ScriptDirectory.from_config(_config())


def _needed() -> str:
    head = _scripts().get_current_head()
    if head is None:
        raise RuntimeError("this installation of Glint lacks its database migrations")
    return head


def _found(connection: sa.Connection) -> str | None:
    return migration.MigrationContext.configure(connection).get_current_revision()


@contextlib.contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = _engine(url)
    try:
        if engine.dialect.name == "sqlite":
            api.tame_sqlite(engine)
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _engine(url: str) -> sa.Engine:
    try:
        if sa.make_url(url).get_backend_name() not in _LOCKS:
            raise DatabaseURLWrong(reason="Glint does not work on this kind of database")
        # Without foreign keys on SQLite: the moving of rows there would trip over them.
        engine: sa.Engine = engines.create_engine(
            api.full_unicode(url),
            sqlite_fk=False,
            mysql_sql_mode="TRADITIONAL",
            max_retries=CONNECT_ATTEMPTS,
            retry_interval=1,
        )
    except (db_exc.DBConnectionError, sa.exc.OperationalError) as error:
        raise DatabaseUnreachable(reason=_reason(error)) from None
    except (sa.exc.ArgumentError, ImportError) as error:
        raise DatabaseURLWrong(reason=_reason(error)) from None
    return engine


def _reason(error: Exception) -> str:
    """The first line of what the database's library says; SQLAlchemy adds links and statements."""
    cause = getattr(error, "inner_exception", None) or error
    original = getattr(cause, "orig", None) or cause
    return str(original).strip().splitlines()[0].rstrip(".")


def _lock(connection: sa.Connection) -> None:
    """One upgrade at a time, until the connection ends.

    SQLite needs no lock: there a transaction locks the file from its start.
    """
    acquire = sa.text(f"SELECT {_LOCKS[connection.dialect.name]}")
    deadline, pause = time.monotonic() + LOCK_TIMEOUT, threading.Event()
    while not connection.execute(acquire).scalar():
        if time.monotonic() > deadline:
            raise SchemaBusy(timeout=LOCK_TIMEOUT)
        pause.wait(0.2)
    connection.commit()
