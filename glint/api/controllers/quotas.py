"""How much the caller's project may use, and uses."""

from __future__ import annotations

from typing import Any

from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import quotas as schemas
from glint.db import usage
from glint.quotas import RESOURCES


class Quotas(Controller):
    """/v1/quotas."""

    @endpoint("quota:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        project = call.scope.project_id
        limits, used = self.services.limits.of(project), usage.of_project(self.services.db, project)
        return {"quotas": {name: {"limit": limits[name], "used": used[name]} for name in RESOURCES}}
