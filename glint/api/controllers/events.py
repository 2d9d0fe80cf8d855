"""Events: history that a person can read."""

from __future__ import annotations

from typing import Any

from glint.api import views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import events as schemas
from glint.db import events as db_events


class Events(Controller):
    """/v1/events."""

    @endpoint(
        "event:list",
        listing=schemas.LISTING,
        all_projects="event:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_events.list, views.event)
