"""Lists on each kind of database: pages, orders, filters."""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import fixtures
import testtools

from glint import objects
from glint.api.schemas import images as schemas
from glint.db import events, images, listing, migration, models
from glint.db.api import Database
from glint.objects import Condition, ListQuery
from tests.servers import databases, mariadb, postgresql, server

SCOPE = objects.Scope("red", "alice")
NAMES = ("a", "B", "b", "é", "50%", "5_0", "x!y", "Zürich")
START = datetime.datetime(2026, 11, 21)  # noqa: DTZ001


class Everywhere(testtools.TestCase):
    """What must hold on every database. Not a test by itself."""

    kind: ClassVar[type[databases.DatabaseServer] | None] = None

    def setUp(self) -> None:
        super().setUp()
        if self.kind is None:
            url = f"sqlite:///{self.useFixture(fixtures.TempDir()).path}/glint.db"
        else:
            running = self.useFixture(server.Shared(self.kind)).server
            assert isinstance(running, databases.DatabaseServer)
            url = running.create_database()
        migration.upgrade(url)
        self.db = Database(url)
        self.addCleanup(self.db.dispose)
        chance = random.Random(7)
        with self.db.writer() as session:
            for number in range(60):
                session.add(
                    models.Image(
                        id=f"i{number:02}",
                        project_id="red" if number % 6 else "blue",
                        name=chance.choice(NAMES),
                        size=chance.choice([None, None, 1, 2, 2**40]),
                        disk_format=chance.choice(["raw", "qcow2"]),
                        container_format="bare",
                        protected=number % 2 == 0,
                        created_at=START + datetime.timedelta(seconds=number // 7),
                        properties=chance.choice([{}, {"os": "linux"}, {"os": "win", "a.b": "1"}]),
                    )
                )
        with self.db.reader() as session:
            self.rows = [images.convert.image(row) for row in session.query(models.Image)]
        self.mine = [row for row in self.rows if row.project_id == "red"]

    def ask(self, *conditions: Condition, **how: Any) -> Sequence[objects.Image]:
        query = ListQuery(conditions=conditions, **{"limit": 100, **how})
        return listing.page(self.db, images.list, SCOPE, query)

    def test_pages_of_every_order(self) -> None:
        """Each row once, in the order of the whole, whatever is NULL or alike."""
        pairs = itertools.permutations(("name", "size", "created_at", "disk_format"), 2)
        for names in [*pairs, ("id",), ("size",)]:
            for downs in itertools.product((False, True), repeat=len(names)):
                sort = tuple(zip(names, downs, strict=True))
                whole = [row.id for row in self.ask(sort=sort)]
                self.assertEqual({row.id for row in self.mine}, set(whole))
                self.assertEqual(len(self.mine), len(whole))
                found: list[str] = []
                while page := self.ask(sort=sort, limit=7, marker=found[-1] if found else None):
                    found += [row.id for row in page]
                self.assertEqual(whole, found, str(sort))

    def test_null_is_the_greatest(self) -> None:
        for down in (False, True):
            sizes = [row.size for row in self.ask(sort=(("size", down),))]
            expected = sorted(sizes, key=lambda size: (size is None, size or 0), reverse=down)
            self.assertEqual(expected, sizes)

    def test_rows_that_come_and_go_between_pages(self) -> None:
        sort = (("created_at", True),)
        whole = [row.id for row in self.ask(sort=sort)]
        first = [row.id for row in self.ask(sort=sort, limit=10)]
        with self.db.writer() as session:
            session.delete(session.get_one(models.Image, whole[0]))
            new = models.Image(
                id="new", project_id="red", name="new", disk_format="raw", container_format="bare"
            )
            session.add(new)
        rest = [row.id for row in self.ask(sort=sort, marker=first[-1])]
        self.assertEqual(whole[10:], rest)

    def test_filters(self) -> None:
        def linux(image: objects.Image) -> bool:
            return image.properties.get("os") == "linux"

        at = START + datetime.timedelta(seconds=4)
        cases: list[tuple[Condition, Callable[[objects.Image], bool]]] = [
            (Condition("name", "eq", ("b",)), lambda i: i.name == "b"),
            (Condition("name", "neq", ("b",)), lambda i: i.name != "b"),
            (Condition("name", "in", ("a", "é")), lambda i: i.name in ("a", "é")),
            (Condition("name", "prefix", ("ZÜ",)), lambda i: i.name == "Zürich"),
            (Condition("name", "prefix", ("b",)), lambda i: i.name in ("b", "B")),
            (Condition("name", "contains", ("%",)), lambda i: i.name == "50%"),
            (Condition("name", "contains", ("_",)), lambda i: i.name == "5_0"),
            (Condition("name", "contains", ("!",)), lambda i: i.name == "x!y"),
            (Condition("size", "gt", (1,)), lambda i: i.size is not None and i.size > 1),
            (Condition("size", "lte", (2,)), lambda i: i.size is not None and i.size <= 2),
            (Condition("size", "neq", (2,)), lambda i: i.size != 2),
            (Condition("size", "in", (1, 2**40)), lambda i: i.size in (1, 2**40)),
            (Condition("created_at", "gte", (at,)), lambda i: i.created_at >= at),
            (Condition("created_at", "lt", (at,)), lambda i: i.created_at < at),
            (Condition("protected", "eq", (True,)), lambda i: i.protected),
            (Condition("protected", "neq", (True,)), lambda i: not i.protected),
            (Condition("property", "eq", ("os",)), lambda i: "os" in i.properties),
            (Condition("property", "neq", ("os",)), lambda i: "os" not in i.properties),
            (Condition("property", "eq", ("os=linux",)), linux),
            (Condition("property", "neq", ("os=linux",)), lambda i: not linux(i)),
            (Condition("property", "eq", ("a.b=1",)), lambda i: "a.b" in i.properties),
        ]
        for asked, holds in cases:
            found = {row.id for row in self.ask(asked)}
            expected = {row.id for row in self.mine if holds(row)}
            if asked.values == ("ZÜ",) and self.kind is None:
                expected = set()  # SQLite knows upper and lower case of ASCII only.
            self.assertEqual(expected, found, str(asked))
        both = (Condition("size", "gte", (1,)), Condition("size", "lt", (3,)))
        self.assertEqual(
            {row.id for row in self.mine if row.size in (1, 2)}, {r.id for r in self.ask(*both)}
        )

    def test_every_sort_and_filter_of_the_api(self) -> None:
        """What the API offers, the database can do."""
        for name in schemas.LISTING.sort:
            self.assertEqual(len(self.mine), len(self.ask(sort=((name, True),))), name)
        for name in schemas.LISTING.filters:
            images.list.where([Condition(name, "eq", ("x",))])

    def test_numbers_as_markers(self) -> None:
        for number in range(5):
            events.record(
                self.db, project_id="red", action=f"a{number}", outcome="done", message=""
            )
        first, second = events.list(self.db, SCOPE, limit=2)
        rest = events.list(self.db, SCOPE, limit=9, marker=str(second.id))
        self.assertEqual(["a4", "a3"], [first.action, second.action])
        self.assertEqual(["a2", "a1", "a0"], [row.action for row in rest])


class TestListsOnSQLite(Everywhere):
    pass


class TestListsOnMariaDB(Everywhere):
    kind = mariadb.MariaDB


class TestListsOnPostgreSQL(Everywhere):
    kind = postgresql.PostgreSQL


# The loader takes what it finds in the module; what is only inherited from is no test.
del Everywhere
