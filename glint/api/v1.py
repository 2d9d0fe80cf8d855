"""The whole API on one screen, and the Pecan controller that follows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pecan
import webob

from glint import exception
from glint.api import errors
from glint.api.controllers.conductors import Conductors
from glint.api.controllers.credentials import Credentials
from glint.api.controllers.deployments import Deployments
from glint.api.controllers.events import Events
from glint.api.controllers.image_files import ImageFiles
from glint.api.controllers.images import Images
from glint.api.controllers.inventory import Inventory
from glint.api.controllers.matrix import Matrix
from glint.api.controllers.openapi import OpenAPI
from glint.api.controllers.operations import Operations
from glint.api.controllers.quotas import Quotas
from glint.api.controllers.root import Root
from glint.api.controllers.site_types import SiteTypes
from glint.api.controllers.sites import Sites
from glint.api.controllers.transfers import Transfers
from glint.api.services import Services

Handler = Callable[..., webob.Response]
Tree = Mapping[str, Mapping[str, Handler]]

#: What an id in a path can be made of; anything else is not there, and the database is not asked.
_IDENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def tree(services: Services) -> Tree:
    """Every route: path, method, and the controller's method at its end."""
    root = Root(services)
    types, sites, credentials = SiteTypes(services), Sites(services), Credentials(services)
    images, matrix, operations = Images(services), Matrix(services), Operations(services)
    files = ImageFiles(services)
    deployments, transfers = Deployments(services), Transfers(services)
    events, inventory = Events(services), Inventory(services)
    routes: dict[str, Mapping[str, Handler]] = {
        "/": {"GET": root.versions},
        "/v1": {"GET": root.version},
        "/v1/site-types": {"GET": types.list},
        "/v1/site-types/{name}": {"GET": types.show},
        "/v1/sites": {"GET": sites.list, "POST": sites.create},
        "/v1/sites/{id}": {"GET": sites.show, "PATCH": sites.update, "DELETE": sites.delete},
        "/v1/sites/{id}/probe": {"POST": sites.probe},
        "/v1/credentials": {"GET": credentials.list, "POST": credentials.create},
        "/v1/credentials/{id}": {
            "GET": credentials.show,
            "PATCH": credentials.update,
            "DELETE": credentials.delete,
        },
        "/v1/credentials/{id}/verify": {"POST": credentials.verify},
        "/v1/credentials/{id}/scan": {"POST": credentials.scan},
        "/v1/credentials/{id}/inventory": {"GET": inventory.list},
        "/v1/images": {"GET": images.list, "POST": images.create},
        "/v1/images/{id}": {"GET": images.show, "PATCH": images.update, "DELETE": images.delete},
        "/v1/images/{id}/file": {"PUT": files.upload, "GET": files.download},
        "/v1/matrix": {"GET": matrix.show},
        "/v1/operations": {"GET": operations.list, "POST": operations.create},
        "/v1/operations/{id}": {"GET": operations.show},
        "/v1/operations/{id}/cancel": {"POST": operations.cancel},
        "/v1/operations/{id}/retry": {"POST": operations.retry},
        "/v1/deployments": {"GET": deployments.list},
        "/v1/deployments/{id}": {"GET": deployments.show},
        "/v1/deployments/{id}/cancel": {"POST": deployments.cancel},
        "/v1/deployments/{id}/retry": {"POST": deployments.retry},
        "/v1/transfers": {"GET": transfers.list},
        "/v1/transfers/{id}": {"GET": transfers.show},
        "/v1/transfers/{id}/cancel": {"POST": transfers.cancel},
        "/v1/transfers/{id}/retry": {"POST": transfers.retry},
        "/v1/events": {"GET": events.list},
        "/v1/quotas": {"GET": Quotas(services).show},
        "/v1/conductors": {"GET": Conductors(services).list},
    }
    routes["/v1/openapi.json"] = {"GET": OpenAPI(services, routes).show}
    return routes


class Router:
    """The root controller. Pecan's own rules would find more than the tree declares: methods of

    any name, trailing words, ``?_method=``.
    """

    def __init__(self, routes: Tree) -> None:
        self._routes = [(path.strip("/").split("/"), verbs) for path, verbs in routes.items()]

    @pecan.expose()
    def _route(self, args: Sequence[str], request: webob.Request) -> tuple[Any, list[str]]:
        # One slash at the end is forgiven. Without a content type Pecan would bargain about it.
        segments = list(args[:-1] if len(args) > 1 and not args[-1] else args)
        request.pecan["content_type"] = "application/json"
        for pattern, verbs in self._routes:
            idents = _match(pattern, segments)
            if idents is not None:
                return _verb(request, verbs), idents
        raise exception.RouteNotFound(path=errors.path_of(request))


def _match(pattern: Sequence[str], segments: Sequence[str]) -> list[str] | None:
    """The ids in a path that has the pattern's form, or None."""
    if len(pattern) != len(segments):
        return None
    idents = []
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not _IDENT.fullmatch(segment):
                return None
            idents.append(segment)
        elif expected != segment:
            return None
    return idents


def _verb(request: webob.Request, verbs: Mapping[str, Handler]) -> Handler:
    method = "GET" if request.method == "HEAD" else request.method
    if method not in verbs:
        allowed = sorted({*verbs, *(("HEAD",) if "GET" in verbs else ())})
        raise exception.MethodNotAllowed(method=request.method, allowed=", ".join(allowed))
    return verbs[method]
