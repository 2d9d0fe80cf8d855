"""Deployments: the cells of the matrix, one by one."""

from __future__ import annotations

from typing import Any

from glint.api import views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import deployments as schemas
from glint.db import actions
from glint.db import deployments as db_deployments


class Deployments(Controller):
    """/v1/deployments."""

    @endpoint(
        "deployment:list",
        listing=schemas.LISTING,
        all_projects="deployment:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_deployments.list, views.deployment)

    @endpoint("deployment:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        found = db_deployments.get(self.services.db, call.scope, call.ident)
        return {"deployment": views.deployment(found)}

    @endpoint("deployment:cancel", response=schemas.ONE, status=202)
    def cancel(self, call: Call) -> dict[str, Any]:
        return self._act(call, "cancel")

    @endpoint("deployment:retry", response=schemas.ONE, status=202)
    def retry(self, call: Call) -> dict[str, Any]:
        return self._act(call, "retry")

    def _act(self, call: Call, verb: str) -> dict[str, Any]:
        found = actions.on_deployment(self.services.db, call.scope, verb, call.ident)
        self.services.conductor.wake()
        return {"deployment": views.deployment(found)}
