"""How lists are asked: ``limit``, ``marker``, ``sort``, ``fields`` and filters, as data.

A filter is ``field=value`` or ``field=operator:value``; of times and numbers several may be given,
and all must hold. Which operators there are follows from the field's own schema, so a list only
names its fields.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from glint.api.schemas import parts
from glint.api.schemas.parts import Schema


class Kind(enum.StrEnum):
    """What a filter's value is."""

    TEXT = "text"
    SEARCH = "search"
    ENUM = "enum"
    BOOL = "bool"
    NUMBER = "number"
    TIME = "time"


_RANGES = ("gt", "gte", "lt", "lte")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("eq", "neq", "in"),
    Kind.SEARCH: ("eq", "neq", "in", "prefix", "contains"),
    Kind.ENUM: ("eq", "neq", "in"),
    Kind.BOOL: ("eq", "neq"),
    Kind.NUMBER: ("eq", "neq", "in", *_RANGES),
    Kind.TIME: ("eq", "neq", *_RANGES),
}
_DAY = r"\d{4}-\d\d-\d\d"
_FORMS = {
    Kind.BOOL: "(true|false)",
    Kind.NUMBER: r"-?\d{1,18}",
    Kind.TIME: rf"{_DAY}(T\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?(Z|[+-]\d\d:\d\d)?)?",
}
_MEANT = {
    Kind.TEXT: "text",
    Kind.SEARCH: "text",
    Kind.BOOL: "true or false",
    Kind.NUMBER: "a whole number",
    Kind.TIME: "a time such as 2026-11-21T02:00:00Z (UTC)",
}

#: Most conditions on one field, most keys of an order.
MAX_REPEATED = 8
MAX_SORT = 4


@dataclasses.dataclass(frozen=True)
class Filter:
    """One field that can be filtered by.

    :ivar values: of an enumeration.
    :ivar operators: fewer than the kind has, where a list says so.
    """

    kind: Kind
    values: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        return self.operators or OPERATORS[self.kind]

    def schema(self) -> Schema:
        """Of the query parameter; that of a range may be given several times."""
        meant = _MEANT.get(self.kind) or f"one of {', '.join(self.values)}"
        told = f"{meant}; operators: {', '.join(f'{name}:' for name in self.allowed)}"
        form = "|".join(self.values) if self.kind is Kind.ENUM else _FORMS.get(self.kind)
        item: Schema = {"type": "string", "description": told}
        if form is None:
            item.update(minLength=1, maxLength=4096, format="label")
        else:
            plain = "|".join(name for name in self.allowed if name != "in")
            item["pattern"] = f"^(({plain}):)?({form})$"
            if "in" in self.allowed:
                item["pattern"] += f"|^in:({form})(,({form}))*$"
        if self.kind not in (Kind.NUMBER, Kind.TIME):
            return item
        return {"type": "array", "items": item, "maxItems": MAX_REPEATED}


def filter_of(schema: Schema) -> Filter:
    """The filter for a field, from its schema in answers."""
    kind = schema["type"]
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return Filter(Kind.ENUM, tuple(v for v in schema["enum"] if v is not None))
    if kind == "boolean":
        return Filter(Kind.BOOL)
    if kind in ("integer", "number"):
        return Filter(Kind.NUMBER)
    return Filter(Kind.TIME if schema.get("pattern") == parts.TIME["pattern"] else Kind.TEXT)


@dataclasses.dataclass(frozen=True)
class Listing:
    """One list of the API.

    :ivar name: of the list in the answer.
    :ivar item: schema of an entry.
    :ivar filters: by field, or by a name that is no field.
    :ivar ident: the field that markers are made of.
    :ivar beside: what the answer always has besides the list.
    """

    name: str
    item: Schema
    filters: Mapping[str, Filter]
    sort: tuple[str, ...]
    marker: Schema = dataclasses.field(default_factory=lambda: parts.ID)
    ident: str = "id"
    beside: Mapping[str, Schema] = dataclasses.field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.item["properties"])

    def query(self) -> dict[str, Schema]:
        """Every parameter but ``all_projects``."""
        key = f"({'|'.join(self.sort)})(:(asc|desc))?"
        name = f"({'|'.join(self.fields)})"
        return {
            "limit": parts.PAGE["limit"],
            "marker": self.marker,
            "sort": {
                "type": "string",
                "maxLength": 256,
                "pattern": f"^{key}(,{key}){{0,{MAX_SORT - 1}}}$",
                "description": "key:dir[,key:dir]; dir is asc or desc",
            },
            "fields": {
                "type": "string",
                "maxLength": 1024,
                "pattern": f"^{name}(,{name})*$",
                "description": f"name[,name]; {self.ident} is always there",
            },
            **{name: asked.schema() for name, asked in self.filters.items()},
        }

    def response(self) -> Schema:
        """The page; ``fields`` may leave out all but the id."""
        return self._page({**self.item, "required": [self.ident]})

    def full_response(self) -> Schema:
        """The page when nothing is left out."""
        return self._page(self.item)

    def _page(self, item: Schema) -> Schema:
        schema = parts.page(self.name, item)
        properties = {**schema["properties"], **self.beside}
        return {**schema, "properties": properties, "required": [self.name, *self.beside]}


def listing(
    name: str,
    item: Schema,
    *,
    filters: tuple[str, ...],
    sort: tuple[str, ...],
    search: tuple[str, ...] = (),
    more: Mapping[str, Filter] | None = None,
    **how: Any,
) -> Listing:
    """A list.

    :param filters: fields of an entry that can be filtered by.
    :param search: of these, the ones whose beginnings and parts can be looked for.
    :param more: filters that are no fields.
    """
    fields = item["properties"]
    found = {
        field: Filter(Kind.SEARCH) if field in search else filter_of(fields[field])
        for field in filters
    }
    return Listing(name, item, {**found, **(more or {})}, sort, **how)
