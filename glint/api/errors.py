"""Every error in one shape: ``{"errors": [{status, title, detail, code, request_id}]}``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import webob
from oslo_middleware import request_id

from glint import exception, objects
from glint.api import versions, views

#: How errors that libraries answer with (Pecan, keystonemiddleware) are told.
_FOREIGN: dict[int, Callable[[webob.Request, webob.Response], exception.GlintError]] = {
    400: lambda _req, _resp: exception.Invalid(reason="path or headers cannot be understood"),
    401: lambda _req, _resp: exception.Unauthenticated(),
    404: lambda req, _resp: exception.RouteNotFound(path=path_of(req)),
    405: lambda req, resp: exception.MethodNotAllowed(
        method=req.method, allowed=", ".join(sorted(resp.allow or ())) or "nothing"
    ),
    503: lambda _req, _resp: exception.IdentityUnavailable(),
}

#: Headers of a library's error that say something to the client.
_KEPT = ("WWW-Authenticate", "Allow", "Retry-After")


#: How a row is shown that changed since the client read it.
_FRESH: dict[type, Callable[[Any], Mapping[str, Any]]] = {
    objects.Image: views.image,
    objects.Credential: views.credential,
    objects.Site: views.site,
}


def path_of(request: webob.Request) -> str:
    """The request's path as sent, short enough for a sentence."""
    return str(request.path)[:128]


def render(error: exception.GlintError, environ: Mapping[str, Any]) -> webob.Response:
    """The answer that tells an error."""
    told: dict[str, Any] = {
        "status": error.status,
        "title": error.title,
        "detail": str(error),
        "code": error.code,
        "request_id": environ.get(request_id.ENV_REQUEST_ID),
    }
    fresh = error.facts.get("fresh")
    if type(fresh) in _FRESH:
        told["fresh"] = _FRESH[type(fresh)](fresh)
    if isinstance(error, exception.NotAcceptableVersion):
        told["min_version"], told["max_version"] = versions.MINIMUM, versions.MAXIMUM
    response = webob.Response(
        json.dumps({"errors": [told]}).encode(),
        status=error.status,
        content_type="application/json",
    )
    if isinstance(error, exception.PasswordNeeded):
        response.headers["WWW-Authenticate"] = 'Basic realm="glint", charset="UTF-8"'
    if isinstance(error, exception.MethodNotAllowed):
        response.headers["Allow"] = str(error.facts.get("allowed", ""))
    return response


def translate(request: webob.Request, foreign: webob.Response) -> webob.Response:
    """A library's error answer in our shape; its text is dropped, it may tell too much."""
    known = _FOREIGN.get(foreign.status_int)
    if known is not None:
        error = known(request, foreign)
    elif foreign.status_int < 500:
        error = exception.Invalid(reason=foreign.status)
        error.status = foreign.status_int
    else:
        error = exception.GlintError()
    response = render(error, request.environ)
    for name in _KEPT:
        if name in foreign.headers:
            response.headers[name] = foreign.headers[name]
    return response
