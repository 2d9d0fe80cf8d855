"""The inventory: what each credential saw at its site when it was scanned last."""

from __future__ import annotations

from typing import Any

from glint.api import lists, views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import inventory as schemas
from glint.db import sightings


class Inventory(Controller):
    """/v1/credentials/{credential_id}/inventory."""

    @endpoint("inventory:list", listing=schemas.LISTING)
    def list(self, call: Call) -> dict[str, Any]:
        limit = call.limit()
        query = lists.list_query(schemas.LISTING, call.query, limit + 1)
        seen = sightings.list(self.services.db, call.scope, call.ident, query)
        return call.shown([views.seen_image(one) for one in seen], limit)
