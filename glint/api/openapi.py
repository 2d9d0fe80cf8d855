"""The API as an OpenAPI 3.1 document, made of what the API itself works with.

Paths and methods are those of the route table; queries, bodies and answers the schemas that they
are checked with; sentences those of the policies. What is the same for all routes is said here: the
version header, the token, the shape of errors.
"""

from __future__ import annotations

import http
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import webob
from oslo_policy import policy

from glint.api import codes, idempotency, versions
from glint.api.endpoint import BYTES, JSON, Spec
from glint.api.schemas import (
    credentials,
    deployments,
    errors,
    events,
    images,
    inventory,
    operations,
    parts,
    site_types,
    sites,
    transfers,
)
from glint.exception import catalogue

Document = dict[str, Any]
Routes = Mapping[str, Mapping[str, Callable[..., webob.Response]]]

#: Schemas that have a name in the document; all others stand where they are used.
NAMED: Mapping[str, parts.Schema] = {
    "Site": sites.SITE,
    "SiteType": site_types.SITE_TYPE,
    "Credential": credentials.CREDENTIAL,
    "Image": images.IMAGE,
    "Deployment": deployments.DEPLOYMENT,
    "Operation": operations.OPERATION,
    "Plan": operations.PLAN,
    "Transfer": transfers.TRANSFER,
    "Event": events.EVENT,
    "SeenImage": inventory.SEEN,
    "Error": errors.ERROR,
    "Errors": errors.ERRORS,
}

#: What an id in a path is made of; ``v1`` takes no other.
PATH_ID: parts.Schema = {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,64}$"}

#: Errors that any route can answer with: nonsense in the path or the headers, an unknown version, a
#: method that is not there, a fault of Glint's own, and a database that is away.
_ALWAYS = (
    "request.invalid",
    "request.unknown_parameter",
    "request.not_found",
    "request.method",
    "request.microversion",
    "glint.internal",
    "database.unavailable",
)
_GUARDED = (
    "request.unauthenticated",
    "request.forbidden",
    "identity.unavailable",
    "identity.users_unusable",
)
#: Methods that take If-Match.
EDITS = ("PATCH", "DELETE")
_REPEATED = ("idempotency.in_progress", "idempotency.key_reused")
_LISTS = ("request.unknown_sort_key", "request.unknown_field")
_WITH_BODY = ("request.malformed_json", "request.body_too_large", "request.content_type")
BODY_METHODS = ("POST", "PATCH", "PUT")


def make(routes: Routes, rules: Iterable[policy.RuleDefault], base: str) -> Document:
    """The document.

    :param rules: policies; their descriptions say what a route does.
    :param base: address of the API, without ``/v1``.
    """
    told = {rule.name: str(rule.description) for rule in rules}
    paths: Document = {}
    for path, verbs in routes.items():
        paths[path] = {
            method.lower(): _operation(path, method, handler, told)
            for method, handler in verbs.items()
        }
        idents = re.findall(r"{(\w+)}", path)
        if idents:
            paths[path]["parameters"] = [_path_parameter(name) for name in idents]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Glint",
            "summary": "Keeps the same images on many clouds, and proves it by content hash.",
            "version": versions.MAXIMUM,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "security": [{name: []} for name in _SECURITY],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(path) for path in routes)],
        "paths": paths,
        "components": {
            "schemas": {name: named(schema, root=True) for name, schema in NAMED.items()},
            "parameters": {"Version": _VERSION},
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def errors_of(path: str, method: str, spec: Spec) -> tuple[str, ...]:
    """The errors that a route can answer with: its own, and those that its form brings with it."""
    found = [*_ALWAYS, *codes.ERRORS.get(spec.rule or "", ())]
    if spec.rule is not None:
        found += _GUARDED
    if "{" in path:
        found.append(f"{_kind(path)}.not_found")
    if spec.listing is not None:
        found += _LISTS
    if method in EDITS:
        found.append("request.precondition_failed")
    if spec.repeatable is not None:
        found += _REPEATED
    if method in BODY_METHODS:
        found += _WITH_BODY
    return tuple(sorted(set(found)))


def named(schema: Any, *, root: bool = False) -> Any:
    """A schema in which those of ``NAMED`` are references; they are known by being the same object.

    :param root: it is itself one of them, and shall be told in full.
    """
    if isinstance(schema, Mapping):
        if not root:
            for name, known in NAMED.items():
                if known is schema:
                    return {"$ref": f"#/components/schemas/{name}"}
        return {key: named(value) for key, value in schema.items()}
    if isinstance(schema, list | tuple):
        return [named(item) for item in schema]
    return schema


def _operation(
    path: str, method: str, handler: Callable[..., webob.Response], told: Mapping[str, str]
) -> Document:
    spec: Spec = handler.spec  # type: ignore[attr-defined]
    owner = type(getattr(handler, "__self__", None)).__name__
    operation: Document = {
        "operationId": f"{_snake(owner)}_{handler.__name__}",
        "tags": [_tag(path)],
        "summary": told.get(spec.rule or "", "List the versions of the API."),
        "parameters": [
            {"$ref": "#/components/parameters/Version"},
            *(_query_parameter(name, schema) for name, schema in spec.query.items()),
            *_headers(method, spec),
        ],
        "responses": dict(_responses(path, method, spec)),
    }
    if handler.__doc__:
        operation["description"] = inspect.cleandoc(handler.__doc__)
    if spec.rule is None:
        operation["security"] = []
    else:
        operation["x-policy"] = spec.rule
    if spec.all_projects:
        operation["x-policy-all-projects"] = spec.all_projects
    if spec.takes_bytes:
        operation["requestBody"] = {"required": True, "content": {BYTES: {}}}
    elif spec.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": named(spec.body.schema)}},
        }
    return operation


def _responses(path: str, method: str, spec: Spec) -> Iterator[tuple[str, Document]]:
    for status in (spec.status, *codes.SUCCESSES.get(spec.rule or "", ())):
        response: Document = {
            "description": http.HTTPStatus(status).phrase,
            "headers": _refer("OpenStack-API-Version", "X-OpenStack-Request-ID"),
        }
        if status in (201, 202) and spec.body is not None:
            response["headers"] |= _refer("Location")
        if method == "GET" and not spec.gives_bytes:
            response["headers"] |= _refer("ETag")
        if spec.gives_bytes and status != http.HTTPStatus.NOT_MODIFIED:
            response["content"] = {BYTES: {}}
        elif spec.response is not None:
            response["content"] = {JSON: {"schema": named(spec.response.schema)}}
        yield str(status), response
    if method == "GET" and not spec.gives_bytes:
        known_already: Document = {
            "description": "The client has it already.",
            "headers": _refer("OpenStack-API-Version", "X-OpenStack-Request-ID", "ETag"),
        }
        yield "304", known_already
    known = {entry.code: entry.status for entry in catalogue.entries()}
    by_status: dict[int, list[str]] = {}
    for code in errors_of(path, method, spec):
        if code in known:
            by_status.setdefault(known[code], []).append(code)
    for status, possible in sorted(by_status.items()):
        headers = ["OpenStack-API-Version", "X-OpenStack-Request-ID"]
        headers += {401: ["WWW-Authenticate"], 405: ["Allow"]}.get(status, [])
        yield (
            str(status),
            {
                "description": " or ".join(f"`{code}`" for code in possible),
                "headers": _refer(*headers),
                "content": {JSON: {"schema": named(errors.ERRORS)}},
                "x-codes": possible,
            },
        )


def _tag(path: str) -> str:
    words = path.strip("/").split("/")
    return words[1] if len(words) > 1 and "." not in words[1] else "versions"


def _kind(path: str) -> str:
    """What the first id in a path names, as codes begin with it."""
    return path.split("/")[2].removesuffix("s").replace("-", "_")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _path_parameter(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": PATH_ID}


def _query_parameter(name: str, schema: Mapping[str, Any]) -> Document:
    return {"name": name, "in": "query", "required": False, "schema": named(schema)}


def _headers(method: str, spec: Spec) -> Iterator[Document]:
    """Headers of requests that depend on what was seen or done before."""
    if method in EDITS:
        yield _header("If-Match", "The ETag of what the change is based on.")
    elif method == "GET" and not spec.gives_bytes:
        yield _header("If-None-Match", "The ETag of what the client has.")
    elif spec.repeatable is not None:
        told = "The same key with the same request answers what the first one made."
        yield _header(idempotency.HEADER, told)


def _header(name: str, description: str) -> Document:
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


def _refer(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _text_header(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}


_VERSION: Document = {
    "name": versions.HEADER,
    "in": "header",
    "required": False,
    "description": "The version that the client was written for; without it the oldest is served.",
    "schema": {
        "type": "string",
        "enum": [f"{versions.SERVICE_TYPE} {v}" for v in (*versions.VERSIONS, "latest")],
    },
}
_HEADERS: Document = {
    "OpenStack-API-Version": _text_header("The version that was served."),
    "X-OpenStack-Request-ID": _text_header("What the request is called in the logs."),
    "ETag": _text_header("Stands for what the answer says; of what can be edited, its state too."),
    "Location": _text_header("Address of what was made."),
    "WWW-Authenticate": _text_header("Who gives tokens, and for what."),
    "Allow": _text_header("The methods that are possible here."),
}
_SECURITY: Document = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": "A Keystone token with project scope.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "Where the operator chose [api] auth_strategy = http_basic.",
    },
}
