"""The processes that carry everything out. They belong to no project."""

from __future__ import annotations

from typing import Any

from glint.api import views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import conductors as schemas
from glint.db import conductors as db_conductors


class Conductors(Controller):
    """/v1/conductors."""

    @endpoint("conductor:list", response=schemas.LIST)
    def list(self, call: Call) -> dict[str, Any]:
        db = self.services.db
        living = {row.id for row in db_conductors.living(db)}
        running = db_conductors.running(db)
        return {
            "conductors": [
                {
                    "id": row.id,
                    "host": row.host,
                    "alive": row.id in living,
                    "running": running.get(row.id, 0),
                    "started_at": views.when(row.started_at),
                    "beat_at": views.when(row.beat_at),
                }
                for row in db_conductors.list(db)
            ]
        }
