"""Lists: filters, order and pages of every table, written once. What a list is, is data.

A page goes on after its marker's place in the order (keyset paging), so that rows which come and go
meanwhile neither repeat nor hide others, and the last page costs no more than the first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api

T = TypeVar("T")

Filter = Callable[[objects.Condition], sa.ColumnElement[bool]]

#: A column of the order: what is compared, and whether it descends.
Key = tuple[Any, bool]

_ESCAPE = "!"


@dataclasses.dataclass(frozen=True)
class Listing(Generic[T]):
    """One list. It is called as a function: see :meth:`__call__`.

    :ivar visible: the rows that a scope sees.
    :ivar show: rows as objects, in their order.
    :ivar order: fields of the list's own order, each with whether it descends.
    :ivar columns: fields that are no column of the model, or another one.
    :ivar filters: fields that can only be asked for, each with what that means.
    :ivar ident: makes of a marker the value of the model's id.
    :ivar narrow: a page's ids are looked for before its rows, which are wide: what a filter passes
        over is then read from an index alone.
    """

    model: Any
    visible: Callable[[objects.Scope], sa.Select[Any]]
    show: Callable[[orm.Session, objects.Scope, Sequence[Any]], Sequence[T]]
    order: tuple[tuple[str, bool], ...]
    columns: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    filters: Mapping[str, Filter] = dataclasses.field(default_factory=dict)
    ident: Callable[[str], Any] = str
    narrow: bool = False

    def __call__(
        self,
        db: api.Database,
        scope: objects.Scope,
        *,
        limit: int,
        marker: str | None = None,
        **equal: Any,
    ) -> Sequence[T]:
        """The first entries in the list's own order.

        :param equal: fields that must have a value; None asks nothing.
        """
        asked = tuple(
            objects.Condition(field, "eq", (value,))
            for field, value in equal.items()
            if value is not None
        )
        return page(db, self, scope, objects.ListQuery(limit, marker, asked))

    def column(self, field: str) -> Any:
        """What stands for a field in statements."""
        found = self.columns.get(field)
        return getattr(self.model, field) if found is None else found

    def where(self, conditions: Sequence[objects.Condition]) -> list[sa.ColumnElement[bool]]:
        """Conditions as clauses."""
        return [
            self.filters[c.field](c)
            if c.field in self.filters
            else compare(self.column(c.field), c)
            for c in conditions
        ]

    def keys(self, sort: Sequence[tuple[str, bool]]) -> list[Key]:
        """The whole order: its last column is unique."""
        keys = [(self.column(field), descends) for field, descends in sort or self.order]
        if all(column is not self.model.id for column, _ in keys):
            keys.append((self.model.id, keys[-1][1]))
        return keys


@api.retry
def page(
    db: api.Database, listing: Listing[T], scope: objects.Scope, query: objects.ListQuery
) -> Sequence[T]:
    """The entries of one page.

    :raises Invalid: no row has the marker's id.
    """
    with db.reader() as session:
        return listing.show(session, scope, rows(session, listing, scope, query))


def rows(
    session: orm.Session,
    listing: Listing[Any],
    scope: objects.Scope,
    query: objects.ListQuery,
    *also: sa.ColumnElement[bool],
) -> Sequence[Any]:
    """The rows of one page.

    :param also: clauses besides those of the query.
    """
    keys = listing.keys(query.sort)
    statement = listing.visible(scope).where(*listing.where(query.conditions), *also)
    if query.marker is not None:
        statement = statement.where(_after(session, listing, scope, keys, query.marker))
    order = [part for column, descends in keys for part in _ordered(column, descends)]
    statement = statement.order_by(*order).limit(query.limit)
    if listing.narrow:
        found = statement.with_only_columns(listing.model.id).subquery()
        statement = sa.select(listing.model).join(found, found.c.id == listing.model.id)
        statement = statement.order_by(*order)
    return session.scalars(statement).unique().all()


def _after(
    session: orm.Session,
    listing: Listing[Any],
    scope: objects.Scope,
    keys: Sequence[Key],
    marker: str,
) -> sa.ColumnElement[bool]:
    """What comes after the marker's row, as far as the scope sees that."""
    columns = [column.label(f"key_{place}") for place, (column, _) in enumerate(keys)]
    found = listing.visible(scope).where(listing.model.id == listing.ident(marker))
    seen = session.execute(found.with_only_columns(*columns)).first()
    if seen is None:
        raise exception.Invalid(reason=f"no row has the marker {marker!r}")
    pairs = list(zip(keys, seen, strict=True))
    later: sa.ColumnElement[bool] = sa.false()
    for (column, descends), value in reversed(pairs):
        # SQLAlchemy renders "== None" as IS NULL.
        later = sa.or_(_beyond(column, value, descends), sa.and_(column == value, later))
    (first, descends), value = pairs[0]
    if len(pairs) > 1 and value is not None and not _nullable(first):
        # Says nothing new, but lets databases begin to read an index where the page begins.
        later = sa.and_(first <= value if descends else first >= value, later)
    return later


def _nullable(column: Any) -> bool:
    return bool(getattr(column, "nullable", True))


def _beyond(column: Any, value: Any, descends: bool) -> sa.ColumnElement[bool]:
    """Strictly after a value; NULL is greater than all values."""
    if value is None:
        return column.is_not(None) if descends else sa.false()
    if descends:
        return column < value
    return sa.or_(column > value, column.is_(None)) if _nullable(column) else column > value


def _ordered(column: Any, descends: bool) -> list[Any]:
    """Databases differ on where NULL belongs."""
    parts = [sa.case((column.is_(None), 1), else_=0)] if _nullable(column) else []
    return [part.desc() if descends else part.asc() for part in (*parts, column)]


def compare(column: Any, asked: objects.Condition) -> sa.ColumnElement[bool]:
    """A condition on a column. What is NULL is unequal to every value."""
    operator, value = asked.operator, asked.values[0] if asked.values else None
    if operator == "in":
        return column.in_(asked.values)
    if operator == "neq":
        unequal = column != value
        return sa.or_(unequal, column.is_(None)) if _nullable(column) else unequal
    if operator in ("prefix", "contains"):
        return _like(column, operator, str(value))
    clauses: dict[str, Callable[[], sa.ColumnElement[bool]]] = {
        "eq": lambda: column == value,
        "gt": lambda: column > value,
        "gte": lambda: column >= value,
        "lt": lambda: column < value,
        "lte": lambda: column <= value,
    }
    return clauses[operator]()


def _like(column: Any, operator: str, text: str) -> sa.ColumnElement[bool]:
    """Case does not count, and no character of the text is a wildcard."""
    escaped = text
    for special in (_ESCAPE, "%", "_"):
        escaped = escaped.replace(special, _ESCAPE + special)
    pattern = f"{escaped}%" if operator == "prefix" else f"%{escaped}%"
    return sa.func.lower(column).like(sa.func.lower(pattern), escape=_ESCAPE)


def truth(holds: sa.ColumnElement[bool], asked: objects.Condition) -> sa.ColumnElement[bool]:
    """For :attr:`Listing.filters`: a field that is true where a clause holds."""
    return holds if (asked.operator == "eq") == asked.values[0] else sa.not_(holds)


def each(make: Callable[[Any], T]) -> Callable[..., Sequence[T]]:
    """For :attr:`Listing.show`: every row by itself."""

    def show(_session: orm.Session, _scope: objects.Scope, found: Sequence[Any]) -> Sequence[T]:
        return [make(row) for row in found]

    return show
