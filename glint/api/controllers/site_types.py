"""Site types: kinds of clouds that a driver is installed for."""

from __future__ import annotations

from typing import Any

from glint import exception
from glint.api import lists, views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import site_types as schemas


class SiteTypes(Controller):
    """/v1/site-types."""

    @endpoint("site_type:list", listing=schemas.LISTING)
    def list(self, call: Call) -> dict[str, Any]:
        limit = call.limit()
        query = lists.list_query(schemas.LISTING, call.query, limit + 1)
        kinds = map(views.site_type, self.services.site_types.values())
        return call.shown(lists.of_memory(kinds, query, "name"), limit)

    @endpoint("site_type:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        kind = self.services.site_types.get(call.ident)
        if kind is None:
            raise exception.NotFound("site type", call.ident)
        return {"site_type": views.site_type(kind)}
