"""The models held against the migrations, on each kind of database."""

from __future__ import annotations

import concurrent.futures
import datetime
from typing import ClassVar

import fixtures
import sqlalchemy as sa
import testtools
from alembic import command

from glint import objects
from glint.db import migration, models, processes, sites
from glint.db.api import Database
from tests.servers import databases, mariadb, postgresql, server

HOSTILE = "ключ 🐧 ' \" % \\ \u202e Ω"


class Everywhere(testtools.TestCase):
    """What must hold on every database. Not a test by itself."""

    kind: ClassVar[type[databases.DatabaseServer] | None] = None

    def setUp(self) -> None:
        super().setUp()
        if self.kind is None:
            self.url = f"sqlite:///{self.useFixture(fixtures.TempDir()).path}/glint.db"
        else:
            self.server = self.useFixture(server.Shared(self.kind)).server
            assert isinstance(self.server, databases.DatabaseServer)
            self.url = self.server.create_database()

    def connect(self) -> sa.Connection:
        connection = sa.create_engine(self.url, poolclass=sa.NullPool).connect()
        self.addCleanup(connection.close)
        return connection

    def database(self) -> Database:
        db = Database(self.url)
        self.addCleanup(db.dispose)
        return db

    def test_models_and_migrations_agree(self) -> None:
        """And comparing would tell if they did not."""
        self.assertIsNone(migration.versions(self.url).found)
        migration.upgrade(self.url)
        connection = self.connect()
        self.assertEqual([], migration.differences(connection))
        connection.execute(sa.text("ALTER TABLE sites DROP COLUMN health_detail"))
        connection.execute(sa.text("DROP TABLE conductors"))
        connection.commit()
        self.assertEqual(
            {"add_table", "add_column"},
            {change[0] for change in migration.differences(connection)},  # type: ignore[index]
        )

    def test_what_migrations_make_is_what_models_make(self) -> None:
        """Also in what the comparison does not look at."""
        migration.upgrade(self.url)
        migrated = self.description()
        with sa.create_engine(self.url, poolclass=sa.NullPool).begin() as connection:
            processes.METADATA.drop_all(connection)
            processes.METADATA.create_all(connection)
        self.assertEqual(self.description(), migrated)
        self.assertEqual(len(processes.METADATA.tables), len(migrated))

    def description(self) -> dict[str, object]:
        inspector = sa.inspect(self.connect())
        found: dict[str, object] = {}
        for table in inspector.get_table_names():
            if table != "alembic_version":
                found[table] = {
                    "columns": {
                        column["name"]: (
                            repr(column["type"]),
                            column["nullable"],
                            column["default"],
                        )
                        for column in inspector.get_columns(table)
                    },
                    "primary": inspector.get_pk_constraint(table),
                    "foreign": _sorted(inspector.get_foreign_keys(table)),
                    "unique": _sorted(inspector.get_unique_constraints(table)),
                    "indexes": _sorted(inspector.get_indexes(table)),
                    "options": inspector.get_table_options(table),
                }
        return found

    def test_each_version_by_itself(self) -> None:
        scripts = migration._scripts()
        for script in reversed(list(scripts.walk_revisions())):
            with migration._connected(self.url) as connection, connection.begin():
                command.upgrade(migration._config(connection), script.revision)
            self.assertEqual(script.revision, migration.versions(self.url).found)
        self.assertTrue(migration.versions(self.url).current)

    def test_several_at_once(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            before = list(pool.map(migration.upgrade, [self.url] * 4))
        self.assertEqual(1, sum(versions.found is None for versions in before), str(before))
        self.assertEqual([], migration.differences(self.connect()))

    def test_upgrade_again(self) -> None:
        migration.upgrade(self.url)
        self.assertTrue(migration.upgrade(self.url).current)

    def test_values_come_back_as_they_went(self) -> None:
        """Microseconds, all of Unicode, big numbers; names that differ in case only are two."""
        migration.upgrade(self.url)
        db, scope = self.database(), objects.Scope("p", "u")
        at = datetime.datetime.fromisoformat("2026-02-28T23:59:59.123457")
        long = HOSTILE * 8000
        made = sites.create(db, scope, name=HOSTILE, type="t", connection={"k": [HOSTILE, 2**40]})
        sites.create(db, scope, name=HOSTILE.swapcase(), type="t", connection={})
        with db.writer() as session:
            row = session.get_one(models.Site, made.id)
            row.health_at, row.health_detail = at, long
            session.add(
                models.Image(
                    id="i", project_id="p", name=HOSTILE, size=2**62, disk_format="raw",
                    container_format="bare", properties={HOSTILE: long}, tags=[HOSTILE],
                )
            )  # fmt: skip
            session.add(
                models.Credential(
                    id="c", site_id=made.id, project_id="p", auth={}, secret=bytes(range(256)) * 200
                )
            )
        site = sites.get(db, scope, made.id)
        self.assertEqual((HOSTILE, at, long), (site.name, site.health_at, site.health_detail))
        self.assertEqual({"k": [HOSTILE, 2**40]}, site.connection)
        with db.reader() as session:
            image = session.get_one(models.Image, "i")
            self.assertEqual(2**62, image.size)
            self.assertEqual({HOSTILE: long}, image.properties)
            secret = session.get_one(models.Credential, "c").secret
            self.assertEqual(bytes(range(256)) * 200, secret)


def _sorted(found: list) -> list[str]:
    return sorted(map(repr, found))


class OnServer(Everywhere):
    """What must hold on servers besides. Not a test by itself."""

    def test_another_upgrade_that_does_not_end(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("glint.db.migration.LOCK_TIMEOUT", 0.3))
        with migration._connected(self.url) as connection:
            migration._lock(connection)
            self.assertRaises(migration.SchemaBusy, migration.upgrade, self.url)
        migration.upgrade(self.url)

    def test_server_away(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("glint.db.migration.CONNECT_ATTEMPTS", 1))
        self.server.kill()
        error = self.assertRaises(migration.DatabaseUnreachable, migration.upgrade, self.url)
        self.assertNotIn(self.server.password, str(error))
        self.server.start()
        migration.upgrade(self.url)

    def test_wrong_password(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("glint.db.migration.CONNECT_ATTEMPTS", 1))
        url = self.url.replace(self.server.password, "wrong-planted")
        error = self.assertRaises(migration.DatabaseUnreachable, migration.versions, url)
        self.assertNotIn("planted", str(error))


class TestMigrationsOnSQLite(Everywhere):
    pass


class TestMigrationsOnMariaDB(OnServer):
    kind = mariadb.MariaDB


class TestMigrationsOnPostgreSQL(OnServer):
    kind = postgresql.PostgreSQL


# The loader takes what it finds in the module; what is only inherited from is no test.
del Everywhere, OnServer
