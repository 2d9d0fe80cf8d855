"""The API's own description."""

from __future__ import annotations

from typing import Any

from glint import policies
from glint.api import openapi
from glint.api.endpoint import Call, Controller, endpoint
from glint.api.schemas import version as schemas
from glint.api.services import Services


class OpenAPI(Controller):
    """/v1/openapi.json."""

    def __init__(self, services: Services, routes: openapi.Routes) -> None:
        super().__init__(services)
        self._routes = routes

    @endpoint("version:openapi", response=schemas.OPENAPI)
    def show(self, call: Call) -> dict[str, Any]:
        return openapi.make(self._routes, policies.list_rules(), call.base)
