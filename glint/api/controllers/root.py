"""Version documents."""

from __future__ import annotations

from typing import Any

from glint.api import versions
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import version as schemas

RESOURCES = (
    "site-types",
    "sites",
    "credentials",
    "images",
    "matrix",
    "operations",
    "deployments",
    "transfers",
    "events",
)


class Root(Controller):
    """Where a client begins."""

    @endpoint(None, response=schemas.VERSIONS)
    def versions(self, call: Call) -> dict[str, Any]:
        return {"versions": [versions.document(call.base)]}

    @endpoint("version:show", response=schemas.VERSION)
    def version(self, call: Call) -> dict[str, Any]:
        document = versions.document(call.base)
        document["links"] += [{"rel": name, "href": f"{call.base}/v1/{name}"} for name in RESOURCES]
        return {"version": document}
