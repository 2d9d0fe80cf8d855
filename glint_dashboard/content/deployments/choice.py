"""Which part of the matrix is asked for, in the address of the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

SIZES = (25, 50, 100, 200)
#: Longest filter of columns that goes into an address.
MOST_COLUMNS = 100

#: State -> label, what the API is asked, and the name of its count (None: it counts none).
STATES: Mapping[str, tuple[Any, Mapping[str, str], str | None]] = {
    "all": (_("All"), {}, "all"),
    "differs": (_("Not as wished"), {"differs": "true"}, "differs"),
    "moving": (
        _("In progress"),
        {"status": "in:queued,copying,verifying,removing"},
        "moving",
    ),
    "failed": (_("Failed"), {"status": "failed"}, "failed"),
    "drifted": (_("Drifted"), {"status": "drifted"}, "drifted"),
    "unknown": (_("Unknown"), {"status": "unknown"}, "unknown"),
}
#: Whose an image was where it was found.
WHOSE: Mapping[str, tuple[Any, Mapping[str, str], str | None]] = {
    "": (_("everybody's"), {}, "all"),
    "mine": (_("of this project"), {"show": "mine"}, "mine"),
    "shared": (_("shared with it"), {"show": "shared"}, "shared"),
    "public": (_("public"), {"show": "public"}, "public"),
}
CONFLICTS: Mapping[str, tuple[Any, Mapping[str, str], str | None]] = {
    "": (_("with conflicts or not"), {}, "all"),
    "same_name": (_("name used twice"), {"conflict": "same_name"}, "same_name"),
    "same_content": (_("other names at sites"), {"conflict": "same_content"}, None),
    "duplicate": (_("twice at one site"), {"conflict": "duplicate"}, None),
}
#: Order -> fields of the API.
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "id"),
    "size": ("size", "id"),
    "format": ("disk_format", "name", "id"),
    "created": ("created_at", "id"),
}


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the user asked for; whatever is wrong in an address is ignored.

    :ivar order: with ``-`` before it for descending.
    :ivar after: the page that begins after this image; ``before``: that ends before it.
    :ivar hidden: credentials whose columns are left out.
    """

    show: str = "all"
    whose: str = ""
    conflict: str = ""
    search: str = ""
    order: str = "name"
    size: int = SIZES[0]
    after: str = ""
    before: str = ""
    hidden: frozenset[str] = frozenset()

    @classmethod
    def read(cls, query: QueryDict) -> Choice:
        order = query.get("order", "name")
        return cls(
            show=_one_of(query.get("show"), STATES, "all"),
            whose=_one_of(query.get("whose"), WHOSE, ""),
            conflict=_one_of(query.get("conflict"), CONFLICTS, ""),
            search=query.get("q", "").strip()[:255],
            order=order if order.removeprefix("-") in _ORDERS else "name",
            size=_size(query.get("size")),
            after=query.get("after", "")[:64],
            before=query.get("before", "")[:64],
            hidden=frozenset(query.getlist("hide")[:1000]),
        )

    def query(self, **changes: Any) -> str:
        """The address of a page with some of it changed, as a query string."""
        wish = dataclasses.replace(self, **changes)
        query = QueryDict(mutable=True)
        usual = Choice()
        names = ("show", "whose", "conflict", "order", "size", "after", "before")
        pairs = {name: getattr(wish, name) for name in names} | {"q": wish.search}
        left_out = {name: getattr(usual, name) for name in names} | {"q": ""}
        query.update({key: str(value) for key, value in pairs.items() if value != left_out[key]})
        query.setlist("hide", sorted(wish.hidden))
        return query.urlencode()

    def first(self, **changes: Any) -> str:
        """The same from its first page."""
        return self.query(after="", before="", **changes)

    @property
    def backwards(self) -> bool:
        """Whether the page is read from its end to its beginning."""
        return bool(self.before)

    def asked(self, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """What the API is asked.

        :param columns: only these; None: all.
        """
        asked: dict[str, Any] = {
            **STATES[self.show][1],
            **WHOSE[self.whose][1],
            **CONFLICTS[self.conflict][1],
            "limit": self.size,
            "sort": self._sort(),
        }
        if self.search:
            asked["name"] = f"contains:{self.search}"
        if self.after or self.before:
            asked["marker"] = self.before or self.after
        return asked | restricted(columns)

    def _sort(self) -> str:
        down = self.order.startswith("-") != self.backwards
        fields = _ORDERS[self.order.removeprefix("-")]
        return ",".join(f"{field}:{'desc' if down else 'asc'}" for field in fields)

    @property
    def orders(self) -> dict[str, str]:
        """Queries that order by something, the other way round when it is ordered so already."""
        return {
            name: self.first(order=f"-{name}" if self.order == name else name) for name in _ORDERS
        }


def restricted(columns: Sequence[str] | None) -> dict[str, str]:
    """The API's filter for some columns."""
    if columns is None or not 0 < len(columns) <= MOST_COLUMNS:
        return {}
    return {"credential_id": f"in:{','.join(columns)}"}


def _one_of(text: str | None, known: Mapping[str, Any], usual: str) -> str:
    return text if text is not None and text in known else usual


def _size(text: str | None) -> int:
    return next((size for size in SIZES if str(size) == text), SIZES[0])
