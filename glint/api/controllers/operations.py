"""Operations: one Save each. What the answer 202 names is in the database."""

from __future__ import annotations

from typing import Any

from glint import exception
from glint.api import idempotency, views
from glint.api.endpoint import ITSELF, Answer, Call, Controller, endpoint
from glint.api.schemas import operations as schemas
from glint.db import actions, forecasts
from glint.db import operations as db_operations
from glint.objects import WishedChange


class Operations(Controller):
    """/v1/operations."""

    @endpoint(
        "operation:list",
        listing=schemas.LISTING,
        all_projects="operation:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_operations.list, views.operation)

    @endpoint("operation:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        found = db_operations.get(self.services.db, call.scope, call.ident)
        return {"operation": views.operation(found)}

    @endpoint(
        "operation:create",
        query=schemas.CREATE_QUERY,
        body=schemas.CREATE,
        response=schemas.CREATED,
        status=202,
        repeatable=ITSELF,
    )
    def create(self, call: Call) -> Answer:
        changes = [WishedChange(**change) for change in call.body["changes"]]
        _check_distinct(changes)
        if call.query.get("dry_run"):
            found = forecasts.preview(self.services.db, call.scope, changes)
            return Answer({"plan": views.plan(changes, found)}, status=200)
        saved = db_operations.save(
            self.services.db,
            call.scope,
            changes,
            request_id=call.context.request_id,
            key=call.key(),
        )
        self.services.conductor.wake(saved.operation.id)
        repeated = saved.operation.request_id != call.context.request_id
        return Answer(
            {"operation": views.operation(saved)},
            location=f"/v1/operations/{saved.operation.id}",
            headers={idempotency.REPLAYED: "true"} if repeated else {},
        )

    @endpoint("operation:cancel", response=schemas.ONE, status=202)
    def cancel(self, call: Call) -> dict[str, Any]:
        return self._act(call, "cancel")

    @endpoint("operation:retry", response=schemas.ONE, status=202)
    def retry(self, call: Call) -> dict[str, Any]:
        return self._act(call, "retry")

    def _act(self, call: Call, verb: str) -> dict[str, Any]:
        found = actions.on_operation(self.services.db, call.scope, verb, call.ident)
        self.services.conductor.wake(found.operation.id)
        return {"operation": views.operation(found)}


def _check_distinct(changes: list[WishedChange]) -> None:
    """:raises Invalid: two changes are about one cell."""
    first: dict[tuple[str, str], int] = {}
    for place, change in enumerate(changes):
        known = first.setdefault((change.image_id, change.credential_id), place)
        if known != place:
            raise exception.Invalid(
                reason=f"body.changes[{place}] is about the same cell as body.changes[{known}]"
            )
