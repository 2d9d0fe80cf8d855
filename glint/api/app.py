"""The API put together. No paste.ini: the order of the parts is code, with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

import pecan
from oslo_config import cfg
from oslo_middleware import cors, healthcheck, http_proxy_to_wsgi, request_id
from oslo_policy import policy
from webob.multidict import MultiDict

from glint.api import auth, middleware, v1
from glint.api.middleware import WSGIApp
from glint.api.services import Home, Services
from glint.credentials import Keyring
from glint.db.api import Database
from glint.objects import SiteType
from glint.quotas import Limits, LocalLimits
from glint.rpc.api import ConductorClient
from glint.uploads import UploadFolder


class Request(pecan.Request):
    """Keeps Pecan from reading what ``endpoint`` reads, checks and hands to the controllers."""

    @property
    def json(self) -> NoReturn:
        raise ValueError("the body is read later")

    @property
    def params(self) -> MultiDict:
        return MultiDict()

    @property
    def GET(self) -> MultiDict:
        return MultiDict()


def make_app(
    conf: cfg.ConfigOpts,
    db: Database,
    conductor: ConductorClient,
    keyring: Keyring,
    site_types: Mapping[str, SiteType],
    enforcer: policy.Enforcer,
    home: Home | None,
    *,
    authenticate: Callable[[WSGIApp], WSGIApp] | None = None,
    metrics: WSGIApp | None = None,
    uploads: UploadFolder | None = None,
    limits: Limits | None = None,
) -> WSGIApp:
    """The WSGI application.

    :param home: the home cloud's Keystone; None where there is none.
    :param authenticate: wraps what needs a token; by default as ``conf`` says.
    :param uploads: where uploads wait for their sites; None: they are refused.
    :param limits: how much projects may use; None: as much as they like.
    :param metrics: what answers at ``/metrics``, and decides to whom; None: nobody does.
    """
    services = Services(
        conf, db, conductor, keyring, site_types, enforcer, home, uploads, limits or LocalLimits()
    )
    api = pecan.Pecan(
        v1.Router(v1.tree(services)),
        use_context_locals=False,
        guess_content_type_from_ext=False,
        default_renderer="json",
        request_cls=Request,
    )
    # Innermost first. The token is checked right before the context is made of it, so that nothing
    # else can write the headers that it is made of.
    guarded = (authenticate or auth.strategy(conf))(_audited(conf, middleware.Context(api)))
    app: WSGIApp = middleware.Negotiate(guarded, public=api)
    # Links in answers need the address that a proxy in front was asked for.
    app = http_proxy_to_wsgi.HTTPProxyToWSGI(app, conf)
    app = middleware.Errors(app)
    # Outside of Errors: a page of another origin shall read errors too.
    app = cors.CORS(app, conf)
    app = middleware.RequestLog(app)
    # Everything has a request id, the log's line too.
    app = request_id.RequestId(app, conf)
    others: dict[str, WSGIApp] = {middleware.HEALTH: healthcheck.Healthcheck(None, conf)}
    if metrics is not None:
        others[middleware.METRICS] = metrics
    return middleware.ByPath(app, others)


def _audited(conf: cfg.ConfigOpts, app: WSGIApp) -> WSGIApp:
    """Leaves an audit trail, where the operator wants one.

    Inside of what checks the token, because the trail tells who it was.
    """
    if not conf.api.audit_map_file:
        return app
    # The library makes its options known to the global configuration: only where it is wanted.
    from keystonemiddleware import audit

    # The trail tells how a request ended, so that errors must be answers by then.
    audited: WSGIApp = audit.AuditMiddleware(
        middleware.Errors(app),
        audit_map_file=conf.api.audit_map_file,
        ignore_req_list=",".join(conf.api.audit_ignore_methods),
        service_name="glint",
        oslo_config_config=conf,
    )
    return audited
