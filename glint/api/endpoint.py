"""What happens around every route, in this order.

Version and token are checked before Pecan is reached (``middleware``). Then: the route's policy,
content type, size, JSON, schemas; the controller acts; its answer is held against its schema.
"""

from __future__ import annotations

import dataclasses
import logging
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pecan
import webob

from glint import exception, policies, quotas
from glint.api import body, conditional, idempotency, lists, validation
from glint.api.route import Answer as Answer  # noqa: PLC0414
from glint.api.route import Spec as Spec  # noqa: PLC0414
from glint.api.route import Streamed
from glint.api.sampling import sample
from glint.api.schemas import parts
from glint.api.schemas.lists import Listing
from glint.api.services import Services
from glint.context import RequestContext
from glint.db import idempotency as db_idempotency
from glint.db import listing as db_listing
from glint.db import usage
from glint.objects import RequestKey, Scope

LOG = logging.getLogger(__name__)

#: Where the middleware leaves the context of a request.
ENV_CONTEXT = "glint.context"

T = TypeVar("T")

JSON = body.CONTENT_TYPE
BYTES = "application/octet-stream"

#: A controller's method sees to its Idempotency-Key itself.
ITSELF = ""

_NOTHING = validation.Validator(parts.body())


@dataclasses.dataclass
class Call:
    """One request, checked."""

    request: webob.Request
    services: Services
    context: RequestContext
    ident: str
    query: dict[str, Any]
    body: dict[str, Any]
    all_projects: bool = False
    listing: Listing | None = None

    @property
    def scope(self) -> Scope:
        return Scope(
            str(self.context.project_id), self.context.user_id, all_projects=self.all_projects
        )

    @property
    def admin_scope(self) -> Scope:
        """For what a policy allowed beyond the caller's project."""
        return Scope(str(self.context.project_id), self.context.user_id, all_projects=True)

    @property
    def generation(self) -> int | None:
        """The generation that a change is based on, from its body or its If-Match."""
        return conditional.generation(self.request, self.body.get("generation"))

    def key(self) -> RequestKey | None:
        """The request's Idempotency-Key."""
        return idempotency.key_of(self.request, self.scope, self.body, self.query)

    @property
    def base(self) -> str:
        """The API's address without ``/v1``."""
        return base_url(self.services, self.request)

    def check(self, rule: str) -> None:
        """:raises Forbidden: a policy besides the route's own does not allow it."""
        policies.check(self.services.enforcer, rule, self.context)

    def list(
        self, found: db_listing.Listing[T], view: Callable[[T], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """One page of the route's list, with a link to the next where there is more."""
        asked = self._listing()
        limit = self.limit()
        query = lists.list_query(asked, self.query, limit + 1)
        items = db_listing.page(self.services.db, found, self.scope, query)
        return self.shown([view(item) for item in items], limit)

    def _listing(self) -> Listing:
        if self.listing is None:
            raise TypeError("the route declares no listing")
        return self.listing

    def shown(self, items: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
        """The first ``limit`` entries with the fields that were asked for."""
        asked = self._listing()
        fields = lists.chosen(self.query, asked.ident)
        page = items[:limit]
        answer: dict[str, Any] = {
            asked.name: page
            if fields is None
            else [{name: item[name] for name in item if name in fields} for item in page]
        }
        if len(items) > limit:
            answer["links"] = [{"rel": "next", "href": self.next(str(page[-1][asked.ident]))}]
        return answer

    def check_quota(self, resource: str) -> None:
        """:raises QuotaExceeded: the caller's project may not have one more."""
        project, db = self.scope.project_id, self.services.db
        quotas.check(
            self.services.limits, project, resource, lambda: usage.of_project(db, project)[resource]
        )

    def limit(self) -> int:
        """Entries of a page."""
        most = self.services.conf.api.max_limit
        limit = int(self.query.get("limit", min(self.services.conf.api.default_limit, most)))
        if limit > most:
            raise exception.Invalid(reason=f"query parameter limit is too large: at most {most}")
        return limit

    def next(self, marker: str) -> str:
        """The link to the page after ``marker``."""
        given = {**self.query, "marker": marker}
        if self.all_projects:
            given["all_projects"] = True
        query = urllib.parse.urlencode(
            {k: str(v).lower() if isinstance(v, bool) else v for k, v in given.items()},
            doseq=True,
        )
        return f"{self.base}{urllib.parse.quote(self.request.path_info)}?{query}"


class Controller:
    """Base of the controllers of one resource each."""

    def __init__(self, services: Services) -> None:
        self.services = services


Act = Callable[[Any, Call], Mapping[str, Any] | Answer]


def endpoint(
    rule: str | None,
    *,
    query: Mapping[str, validation.Schema] | None = None,
    body: validation.Schema | None = None,
    response: validation.Schema | None = None,
    status: int = 200,
    all_projects: str | None = None,
    listing: Listing | None = None,
    takes_bytes: bool = False,
    gives_bytes: bool = False,
    repeatable: str | None = None,
) -> Callable[[Act], Callable[..., webob.Response]]:
    """Declare a controller's method as the end of a route.

    :param query: schemas of the parameters that it takes, besides those of a list.
    :param body: None where no body is taken.
    :param response: None where the answer has no body.
    :param listing: instead of ``response``: what the list that it answers with can be asked.
    :param takes_bytes: the request's body is no JSON but bytes, which the controller reads.
    :param gives_bytes: the answer's body is no JSON but bytes.
    :param repeatable: it takes an Idempotency-Key; the name of the method that answers a
        repetition, or ITSELF.
    """
    if listing is not None:
        response = listing.response()
    spec = Spec(
        rule=rule,
        query={
            **(listing.query() if listing is not None else {}),
            **(parts.ALL_PROJECTS if all_projects else {}),
            **(query or {}),
        },
        body=validation.Validator(body) if body is not None else None,
        response=validation.Validator(response) if response is not None else None,
        status=status,
        all_projects=all_projects,
        listing=listing,
        takes_bytes=takes_bytes,
        gives_bytes=gives_bytes,
        repeatable=repeatable,
    )

    def decorate(act: Act) -> Callable[..., webob.Response]:
        def serve(
            self: Controller, req: webob.Request, resp: webob.Response, *idents: str
        ) -> webob.Response:
            return _serve(self, spec, act, req, idents)

        serve.__name__, serve.__doc__ = act.__name__, act.__doc__
        serve.spec = spec  # type: ignore[attr-defined]
        serve.act = act  # type: ignore[attr-defined]
        exposed: Callable[..., webob.Response] = pecan.expose(content_type=JSON)(serve)
        return exposed

    return decorate


def _serve(
    controller: Controller, spec: Spec, act: Act, request: webob.Request, idents: Sequence[str]
) -> webob.Response:
    services = controller.services
    context = request.environ.get(ENV_CONTEXT)
    if spec.rule is not None:
        if context is None:
            raise exception.Unauthenticated
        policies.check(services.enforcer, spec.rule, context)
    call = Call(
        request=request,
        services=services,
        context=context,
        ident=idents[0] if idents else "",
        body=_read_body(services, spec, request),
        query=_read_query(spec, request),
        listing=spec.listing,
    )
    if call.query.pop("all_projects", False) and spec.all_projects:
        call.check(spec.all_projects)
        call.all_projects = True
    try:
        return _respond(spec, call, _act(controller, spec, act, call))
    except exception.GenerationConflict as error:
        if conditional.is_conditional(request):
            raise exception.PreconditionFailed(**error.facts) from error
        raise


def _act(controller: Controller, spec: Spec, act: Act, call: Call) -> Answer:
    key = call.key() if spec.repeatable not in (None, ITSELF) else None
    if spec.repeatable is None or key is None:
        return _answer(act(controller, call))
    # What asks a site may take as long as a conductor is waited for, several times.
    lease = 4 * call.services.conf.api.conductor_timeout
    db = call.services.db
    made = db_idempotency.begin(db, key, lease=lease)
    if made is not None:
        call.ident = made
        shown = _answer(getattr(type(controller), spec.repeatable).act(controller, call))
        return dataclasses.replace(
            shown, status=spec.status, headers={**shown.headers, idempotency.REPLAYED: "true"}
        )
    ident: str | None = None
    try:
        answer = _answer(act(controller, call))
        (thing,) = (answer.body or {"": {}}).values()
        ident = thing.get("id")
        return answer
    finally:
        db_idempotency.finish(db, key, ident)


def _answer(result: Mapping[str, Any] | Answer) -> Answer:
    return result if isinstance(result, Answer) else Answer(result)


def _read_body(services: Services, spec: Spec, request: webob.Request) -> dict[str, Any]:
    if request.method not in ("POST", "PATCH"):
        return {}
    if spec.body is None and not body.has_body(request):
        return {}
    value = body.read(request, services.conf.oslo_middleware.max_request_body_size)
    (spec.body or _NOTHING).check(value, "body")
    return dict(value)


def _read_query(spec: Spec, request: webob.Request) -> dict[str, Any]:
    try:
        pairs = urllib.parse.parse_qsl(
            request.query_string, keep_blank_values=True, errors="strict", max_num_fields=32
        )
    except ValueError as error:  # not UTF-8, or too many parameters
        raise exception.Invalid(reason="the query cannot be understood") from error
    if spec.listing is not None:
        lists.check_names(spec.listing, pairs)
    return spec.queries.check(pairs)


def _respond(spec: Spec, call: Call, answer: Answer) -> webob.Response:
    kind = webob.Response if answer.stream is None else Streamed
    response = kind(status=answer.status or spec.status, content_type=JSON)
    # What a project has is nobody else's, and old in the next second.
    response.headers["Cache-Control"] = "no-store"
    if answer.stream is not None:
        response.content_type = BYTES
        response.app_iter = answer.stream  # which also forgets the length
    response.headers.update(answer.headers)
    if answer.stream is not None:
        return response
    if answer.location is not None:
        response.headers["Location"] = call.base + answer.location
    if answer.body is None:
        response.content_type = None
        return response
    _check_answer(spec, call, answer.body)
    response.body, tag = conditional.encode(answer.body)
    if call.request.method != "POST" or response.status_int == 201:
        response.headers["ETag"] = f'W/"{tag}"'
    if conditional.is_known(call.request, tag):
        response.status, response.body = 304, b""
        response.content_type = None
    return response


def _check_answer(spec: Spec, call: Call, value: Mapping[str, Any]) -> None:
    mode = call.services.conf.api.response_validation
    if mode == "ignore":
        return
    expected = (spec.response if "fields" in call.query else spec.full_response) or _NOTHING
    checked = value if mode == "error" else sample(value, expected.schema)
    complaint = expected.complaint(checked)
    if complaint is not None:
        if mode == "error":
            raise AssertionError(complaint)
        LOG.warning("%s %s: %s", call.request.method, call.request.path, complaint)


def base_url(services: Services, request: webob.Request) -> str:
    """The API's address as users reach it, without ``/v1``."""
    configured = services.conf.api.public_endpoint
    return str(configured or request.application_url).rstrip("/")
