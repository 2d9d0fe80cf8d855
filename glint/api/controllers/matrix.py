"""The matrix: images down, credentials across."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

from glint import exception
from glint.api import lists, views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import matrix as schemas
from glint.db import matrix as db_matrix
from glint.objects import Condition, Credential, RowChoice, Site

Columns = Sequence[tuple[Credential, Site]]

_EPOCH = datetime.datetime.fromisoformat("1970-01-01T00:00:00")
_MICROSECOND = datetime.timedelta(microseconds=1)
#: With ``changes_since`` nothing but these: what a filter let through may not pass it any more.
_WITH_CHANGES = {"changes_since", "limit", *schemas.COLUMNS}


class Matrix(Controller):
    """/v1/matrix."""

    @endpoint("matrix:show", listing=schemas.LISTING, query=schemas.QUERY)
    def show(self, call: Call) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        query = lists.list_query(schemas.LISTING, call.query, call.limit() + 1)
        chosen = tuple(_columns_own(c) for c in query.conditions if c.field in schemas.COLUMNS)
        columns = db_matrix.columns(self.services.db, call.scope, chosen)
        answer: dict[str, Any] = {
            "credentials": [views.column(*column) for column in columns],
            "links": [],
            "cursor": _cursor(now, columns),
            "reset": False,
            "deleted": [],
            "counts": None,
        }
        ids = [credential.id for credential, _ in columns]
        if "changes_since" in call.query:
            return {**answer, **self._changes(call, columns, ids)}
        if call.query.get("counts"):
            answer["counts"] = db_matrix.counts(self.services.db, call.scope, ids)
        own = [c for c in query.conditions if c.field not in {*schemas.COLUMNS, *schemas.CHOICES}]
        rows = db_matrix.page(
            self.services.db,
            call.scope,
            lists.narrowed(query, own),
            ids,
            _row_choice(query.conditions),
        )
        shown = [views.matrix_row(row, ids) for row in rows]
        return {**answer, **call.shown(shown, call.limit())}

    def _changes(self, call: Call, columns: Columns, ids: Sequence[str]) -> dict[str, Any]:
        others = set(call.query) - _WITH_CHANGES
        if others:
            raise exception.Invalid(
                reason=f"changes_since cannot go with {', '.join(sorted(others))}"
            )
        since, _, seen = call.query["changes_since"].partition(".")
        reset = {"images": [], "reset": True}
        try:
            moment = _EPOCH + int(since) * _MICROSECOND
        except OverflowError:
            return reset
        if seen != _digest(columns):
            # Cells of a column that has come, or was shared, may be older than the cursor.
            return reset
        found = db_matrix.changed(self.services.db, call.scope, ids, moment, call.limit())
        if found is None:
            return reset
        return {
            "images": [views.matrix_row(row, row.cells) for row in found.rows],
            "deleted": [*found.deleted],
        }


def _columns_own(asked: Condition) -> Condition:
    """A choice of columns as a condition on credentials."""
    field = "id" if asked.field == "credential_id" else asked.field
    return Condition(field, asked.operator, asked.values)


def _row_choice(conditions: Sequence[Condition]) -> RowChoice:
    values = {c.field: c.values for c in conditions if c.field in schemas.CHOICES}
    one = {name: given[0] for name, given in values.items() if name != "status"}
    return RowChoice(**one, status=values.get("status", ()))


def _digest(columns: Columns) -> str:
    ids = sorted(credential.id for credential, _ in columns)
    return hashlib.sha256("\0".join(ids).encode()).hexdigest()[:16]


def _cursor(now: datetime.datetime, columns: Columns) -> str:
    """When the matrix was read, and which columns it had."""
    return f"{(now - _EPOCH) // _MICROSECOND}.{_digest(columns)}"
