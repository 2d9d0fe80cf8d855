"""What holds of schemas and of filters whatever is sent."""

from __future__ import annotations

import datetime
import json
from typing import Any

import testtools
from hypothesis import given
from hypothesis import strategies as st

from glint import exception, objects
from glint.api import lists
from glint.api.schemas import images as schemas
from glint.api.schemas.lists import Kind, Listing
from glint.db import api, images, listing, models
from tests.unit.properties import short
from tests.unit.test_contract import routes

SECRET = "correct-horse-battery-staple"

names = st.sampled_from(
    ["name", "type", "connection", "auth", "changes", "site_id", "shared", "generation", "size"]
)
things: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = [(f"{m} {p}", spec.body) for p, m, spec in routes() if spec.body is not None]
LISTINGS = [spec.listing for _, _, spec in routes() if spec.listing is not None]


class TestSchemas(testtools.TestCase):
    @short
    @given(st.sampled_from(BODIES), things)
    def test_a_body_is_taken_or_refused_without_repeating_it(
        self, route: tuple[str, Any], value: Any
    ) -> None:
        try:
            route[1].check(value, "body")
        except exception.Invalid as error:
            self.assertNotIn(SECRET, str(error))
            self.assertLess(len(str(error)), 2000)
        else:
            json.dumps(value)


texts = st.text("ab,:\"'%_!\\ é0-T", max_size=6)
operators = st.sampled_from(
    ["", "eq:", "neq:", "in:", "gt:", "gte:", "lt:", "prefix:", "contains:"]
)
values = texts | st.sampled_from(["5", "-3", "true", "2026-11-21", "2026-11-21T10:00:00+01:00"])


class TestFilters(testtools.TestCase):
    @short
    @given(st.sampled_from(LISTINGS), st.data())
    def test_a_filter_is_understood_or_refused(self, asked: Listing, data: Any) -> None:
        name = data.draw(st.sampled_from([*asked.filters]))
        kind = asked.filters[name]
        text = data.draw(operators) + data.draw(values)
        given_ = [text] if kind.kind in (Kind.NUMBER, Kind.TIME) else text
        try:
            query = lists.list_query(asked, {name: given_}, 10)
        except exception.Invalid:
            return
        (found,) = query.conditions
        self.assertEqual(name, found.field)
        self.assertIn(found.operator, kind.allowed)
        self.assertTrue(found.values)
        if kind.kind == Kind.TIME:
            self.assertTrue(all(one.tzinfo is None for one in found.values))


NAMES = ("a", "B", "b", "a,b", "50%", "5_0", "x!y", 'q"q', "in:a")
SIZES = (None, 0, 1, 2, 2**40)
SCOPE = objects.Scope("red", "alice")


def holds(value: Any, asked: objects.Condition) -> bool:
    """What an operator means, in Python."""
    wanted = asked.values[0]
    if asked.operator in ("eq", "in", "neq"):
        return (value in asked.values) == (asked.operator != "neq")
    if value is None:
        return False
    found: dict[str, bool] = {
        "prefix": lambda: value.lower().startswith(wanted.lower()),
        "contains": lambda: wanted.lower() in value.lower(),
        "gt": lambda: value > wanted,
        "gte": lambda: value >= wanted,
        "lt": lambda: value < wanted,
        "lte": lambda: value <= wanted,
    }[asked.operator]()
    return bool(found)


def conditions(field: str, known: tuple[Any, ...]) -> st.SearchStrategy[objects.Condition]:
    kind = schemas.LISTING.filters[field]
    one = st.sampled_from([value for value in known if value is not None])
    return st.sampled_from(kind.allowed).flatmap(
        lambda operator: st.builds(
            objects.Condition,
            st.just(field),
            st.just(operator),
            st.lists(one, min_size=1, max_size=3 if operator == "in" else 1).map(tuple),
        )
    )


class TestLists(testtools.TestCase):
    """A list of images against the same question asked in Python."""

    def setUp(self) -> None:
        super().setUp()
        self.db = api.Database("sqlite://")
        self.addCleanup(self.db.dispose)
        models.Base.metadata.create_all(self.db.engine)
        at = datetime.datetime(2026, 11, 21)  # noqa: DTZ001
        with self.db.writer() as session:
            for number in range(40):
                row = models.Image(
                    id=f"i{number:02}", project_id="red", name=NAMES[number * 7 % len(NAMES)],
                    size=SIZES[number * 3 % len(SIZES)], disk_format="raw",
                    container_format="bare", protected=number % 3 == 0,
                    created_at=at + datetime.timedelta(seconds=number // 9),
                )  # fmt: skip
                session.add(row)
        self.rows = listing.page(self.db, images.list, SCOPE, objects.ListQuery(100))

    @short
    @given(
        st.lists(
            conditions("name", NAMES)
            | conditions("size", SIZES)
            | conditions("protected", (True, False)),
            max_size=3,
        ),
        st.lists(
            st.tuples(st.sampled_from(["name", "size", "created_at"]), st.booleans()),
            max_size=2,
            unique_by=lambda key: key[0],
        ),
        st.integers(1, 9),
    )
    def test_pages_hold_what_was_asked_for_once(
        self,
        asked: list[objects.Condition],
        sort: list[tuple[str, bool]],
        limit: int,
    ) -> None:
        found: list[str] = []
        while True:
            marker = found[-1] if found else None
            query = objects.ListQuery(limit, marker, tuple(asked), tuple(sort))
            page = listing.page(self.db, images.list, SCOPE, query)
            found += [row.id for row in page]
            if len(page) < limit:
                break
        wished = {r.id for r in self.rows if all(holds(getattr(r, c.field), c) for c in asked)}
        self.assertEqual(wished, set(found))
        self.assertEqual(len(wished), len(found))
        if sort:
            field, descends = sort[0]
            seen = [getattr(row, field) for ident in found for row in self.rows if row.id == ident]
            order = sorted(seen, key=lambda v: (v is None, 0 if v is None else v), reverse=descends)
            self.assertEqual(order, seen)
