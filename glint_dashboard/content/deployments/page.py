"""Which part of the matrix a page shows: filter, search, order, columns, page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from glint_dashboard.api import Client, Resource
from glint_dashboard.content.deployments import cells

SIZES = (25, 50, 100, 200)
#: Rows that are read from the service at once.
BATCH = 200

Row = dict[str, Any]

_FILTERS: Mapping[str, tuple[Any, Callable[[Row], bool]]] = {
    "all": (_("All"), lambda row: True),
    "moving": (_("In progress"), lambda row: bool(row["kinds"] & cells.MOVING)),
    "failed": (_("Failed"), lambda row: "failed" in row["kinds"]),
    "drifted": (_("Drifted"), lambda row: "drifted" in row["kinds"]),
    "unknown": (_("Unknown"), lambda row: "unknown" in row["kinds"]),
    "conflicts": (_("Conflicts"), lambda row: bool(row["conflicts"])),
}
_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "name": lambda row: (row["name"].casefold(), row["id"]),
    "size": lambda row: (row["size"] or 0, row["id"]),
    "format": lambda row: (row["disk_format"], row["name"].casefold(), row["id"]),
}


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the user asked for in the address of the page; whatever is wrong there is ignored.

    :ivar order: with ``-`` before it for descending.
    :ivar hidden: credentials whose columns are left out.
    """

    show: str = "all"
    search: str = ""
    order: str = "name"
    size: int = SIZES[0]
    number: int = 1
    hidden: frozenset[str] = frozenset()

    @classmethod
    def read(cls, query: QueryDict) -> Choice:
        show, order = query.get("show", "all"), query.get("order", "name")
        return cls(
            show=show if show in _FILTERS else "all",
            search=query.get("q", "").strip()[:255],
            order=order if order.removeprefix("-") in _ORDERS else "name",
            size=_number(query.get("size"), SIZES[0], among=SIZES),
            number=_number(query.get("page"), 1),
            hidden=frozenset(query.getlist("hide")[:1000]),
        )

    def query(self, **changes: Any) -> str:
        """The address of a page with some of it changed, as a query string."""
        wish = dataclasses.replace(self, **changes)
        query = QueryDict(mutable=True)
        pairs = {
            "show": wish.show,
            "q": wish.search,
            "order": wish.order,
            "size": str(wish.size),
            "page": str(wish.number),
        }
        usual = {"show": "all", "q": "", "order": "name", "size": str(SIZES[0]), "page": "1"}
        query.update({key: value for key, value in pairs.items() if value != usual[key]})
        query.setlist("hide", sorted(wish.hidden))
        return query.urlencode()


def _number(text: str | None, usual: int, among: Sequence[int] = ()) -> int:
    if not text or not text.isascii() or not text.isdigit() or len(text) > 6:
        return usual
    number = int(text)
    return number if number in among or (not among and number > 0) else usual


@dataclasses.dataclass(frozen=True)
class Page:
    """What is shown.

    :ivar columns: those that are not hidden.
    :ivar every_column: those too.
    :ivar filters: name, label, count and query of each filter.
    :ivar total: rows after filter and search.
    """

    choice: Choice
    columns: list[Resource]
    every_column: list[Resource]
    rows: list[Row]
    filters: list[dict[str, Any]]
    total: int
    pages: int
    images: int
    counts: dict[str, int]

    @property
    def around(self) -> dict[str, str | None]:
        """Queries of the pages before and after this one."""
        number = self.choice.number
        return {
            "previous": self.choice.query(number=number - 1) if number > 1 else None,
            "next": self.choice.query(number=number + 1) if number < self.pages else None,
        }

    @property
    def orders(self) -> dict[str, str]:
        """Queries that order by something, the other way round when it is ordered so already."""
        now = self.choice.order
        return {
            name: self.choice.query(order=f"-{name}" if now == name else name, number=1)
            for name in _ORDERS
        }

    @property
    def moving(self) -> int:
        """Cells of the whole matrix, not only of this page, at which something happens."""
        return sum(self.counts.get(kind, 0) for kind in cells.MOVING)


def load(client: Client, choice: Choice) -> Page:
    """Read the matrix, and cut out what was asked for.

    :raises glint_dashboard.api.ClientError: the service did not answer, or refused.
    """
    matrix = client.matrix(page_size=BATCH)
    every = matrix.credentials
    known = {column["id"] for column in every}
    hidden = choice.hidden & known
    columns = [dict(one, shown=one["id"] not in hidden) for one in every]
    visible = [one for one in columns if one["shown"]]
    rows = [_row(image, visible) for image in matrix.images]
    found = [row for row in rows if choice.search.casefold() in row["name"].casefold()]
    filters = [
        {
            "name": name,
            "label": label,
            "count": sum(1 for row in found if test(row)),
            "query": choice.query(show=name, number=1),
            "current": name == choice.show,
        }
        for name, (label, test) in _FILTERS.items()
    ]
    kept = [row for row in found if _FILTERS[choice.show][1](row)]
    kept.sort(key=_ORDERS[choice.order.removeprefix("-")], reverse=choice.order.startswith("-"))
    pages = max(1, -(-len(kept) // choice.size))
    choice = dataclasses.replace(choice, number=min(choice.number, pages), hidden=hidden)
    first = (choice.number - 1) * choice.size
    counts: dict[str, int] = {}
    for row in rows:
        for cell in row["cells"]:
            counts[cell["kind"]] = counts.get(cell["kind"], 0) + 1
    return Page(
        choice=choice,
        columns=visible,
        every_column=columns,
        rows=kept[first : first + choice.size],
        filters=filters,
        total=len(kept),
        pages=pages,
        images=len(rows),
        counts=counts,
    )


def _row(image: Resource, columns: Sequence[Resource]) -> Row:
    found = [
        {"credential": column["id"], "site": column["name"]}
        | cells.shown(image["cells"][column["id"]])
        for column in columns
    ]
    return {
        "id": image["id"],
        "name": image["name"],
        "size": image["size"],
        "disk_format": image["disk_format"],
        "generation": image["generation"],
        "conflicts": image["conflicts"],
        "cells": found,
        "kinds": {cell["kind"] for cell in found},
        "bits": "".join(str(int(cell["wanted"])) for cell in found),
    }
