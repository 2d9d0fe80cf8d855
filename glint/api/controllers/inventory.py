"""The inventory: what each credential saw at its site when it was scanned last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glint import objects
from glint.api import views
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import inventory as schemas
from glint.db import sightings


class Inventory(Controller):
    """/v1/credentials/{credential_id}/inventory."""

    @endpoint("inventory:list", query=schemas.FILTERS, response=schemas.LIST, paged=True)
    def list(self, call: Call) -> dict[str, Any]:
        def fetch(db: Any, scope: objects.Scope, **query: Any) -> Sequence[objects.SeenImage]:
            return sightings.list(db, scope, call.ident, **query)

        return call.page("inventory", fetch, views.seen_image, lambda seen: seen.remote_id)
