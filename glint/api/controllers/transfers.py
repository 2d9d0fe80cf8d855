"""Transfers: attempts to make one cell true."""

from __future__ import annotations

from typing import Any

from glint.api import views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import transfers as schemas
from glint.db import actions
from glint.db import transfers as db_transfers


class Transfers(Controller):
    """/v1/transfers."""

    @endpoint(
        "transfer:list",
        listing=schemas.LISTING,
        all_projects="transfer:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_transfers.list, views.transfer)

    @endpoint("transfer:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        found = db_transfers.get(self.services.db, call.scope, call.ident)
        return {"transfer": views.transfer(found)}

    @endpoint("transfer:cancel", response=schemas.ONE, status=202)
    def cancel(self, call: Call) -> dict[str, Any]:
        return self._act(call, "cancel")

    @endpoint("transfer:retry", response=schemas.ONE, status=202)
    def retry(self, call: Call) -> dict[str, Any]:
        return self._act(call, "retry")

    def _act(self, call: Call, verb: str) -> dict[str, Any]:
        found = actions.on_transfer(self.services.db, call.scope, verb, call.ident)
        self.services.conductor.wake()
        return {"transfer": views.transfer(found)}
