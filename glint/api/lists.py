"""From the query of a request to what is asked of a list."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from glint import exception
from glint.api.schemas.lists import Filter, Kind, Listing
from glint.objects import Condition, ListQuery


def check_names(listing: Listing, given: Iterable[tuple[str, str]]) -> None:
    """Names in ``sort`` and ``fields``, with errors that tell the possible ones.

    :raises UnknownSortKey, UnknownField: see the names.
    """
    for parameter, text in given:
        if parameter == "sort":
            for key in text.split(","):
                _known(key.partition(":")[0], listing.sort, exception.UnknownSortKey)
        elif parameter == "fields":
            for name in text.split(","):
                _known(name, listing.fields, exception.UnknownField)


def _known(name: str, known: tuple[str, ...], error: type[exception.Invalid]) -> None:
    if name not in known:
        raise error(name=name[:64], known=", ".join(sorted(known)))


def list_query(listing: Listing, query: Mapping[str, Any], limit: int) -> ListQuery:
    """What is asked of the database.

    :param query: checked against :meth:`Listing.query`.
    :raises Invalid: a value has the form that its schema wants, and no meaning nevertheless.
    """
    return ListQuery(
        limit=limit,
        marker=query.get("marker"),
        conditions=conditions(listing.filters, query),
        sort=_sort(query.get("sort")),
    )


def conditions(filters: Mapping[str, Filter], query: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The filters of a query.

    :raises Invalid: as :func:`list_query`.
    """
    return tuple(
        _condition(name, filters[name], text)
        for name, given in query.items()
        if name in filters
        for text in ([given] if isinstance(given, str) else given)
    )


def _sort(text: str | None) -> tuple[tuple[str, bool], ...]:
    if text is None:
        return ()
    pairs = [key.partition(":") for key in text.split(",")]
    names = [name for name, _, _ in pairs]
    if len(names) > len(set(names)):
        raise exception.Invalid(reason="query parameter sort names a key twice")
    return tuple((name, direction == "desc") for name, _, direction in pairs)


def _condition(name: str, kind: Filter, text: str) -> Condition:
    verb, colon, rest = text.partition(":")
    if not colon or verb not in kind.allowed:
        verb, rest = "eq", text
    texts = _split(name, rest) if verb == "in" else [rest]
    read = _READERS.get(kind.kind, str)
    try:
        return Condition(name, verb, tuple(read(value) for value in texts))
    except (ValueError, OverflowError):
        raise exception.Invalid(reason=f"query parameter {name} is no {kind.kind}") from None


def _split(name: str, text: str) -> list[str]:
    """Values with commas between them; one with a comma in it stands in double quotes."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise exception.Invalid(
            reason=f"query parameter {name} has a list with unbalanced quotes"
        ) from None
    # csv takes an empty line for a row without fields.
    return (rows[0] if rows else []) or [""]


def _time(text: str) -> datetime.datetime:
    """Naive UTC."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(datetime.UTC).replace(tzinfo=None)


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: int,
    Kind.BOOL: lambda text: text == "true",
    Kind.TIME: _time,
}


def chosen(query: Mapping[str, Any], ident: str) -> frozenset[str] | None:
    """The fields that an answer shall have; None for all."""
    text = query.get("fields")
    return None if text is None else frozenset([ident, *text.split(",")])


def narrowed(query: ListQuery, conditions: Iterable[Condition]) -> ListQuery:
    """The same with these conditions only."""
    return dataclasses.replace(query, conditions=tuple(conditions))


def of_memory(
    items: Iterable[Mapping[str, Any]], query: ListQuery, ident: str
) -> list[Mapping[str, Any]]:
    """A page of a list that no database holds.

    :raises Invalid: no entry has the marker's id.
    """
    kept = [item for item in items if all(_holds(item[c.field], c) for c in query.conditions)]
    for field, descends in reversed(query.sort or ((ident, False),)):
        kept.sort(key=operator.itemgetter(field), reverse=descends)
    if query.marker is not None:
        places = [item[ident] for item in kept]
        if query.marker not in places:
            raise exception.Invalid(reason=f"no entry has the marker {query.marker!r}")
        kept = kept[places.index(query.marker) + 1 :]
    return kept[: query.limit]


def _holds(value: str, asked: Condition) -> bool:
    wanted = asked.values[0]
    found: dict[str, bool] = {
        "eq": value == wanted,
        "neq": value != wanted,
        "in": value in asked.values,
        "prefix": value.lower().startswith(wanted.lower()),
        "contains": wanted.lower() in value.lower(),
    }
    return found[asked.operator]
