"""What stands around Pecan. ``app`` says in which order, and why."""

from __future__ import annotations

import logging
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy.exc
import webob
import webob.exc
from oslo_db import exception as db_exc
from oslo_middleware import request_id

from glint import exception
from glint.api import errors, versions
from glint.api.endpoint import ENV_CONTEXT
from glint.context import RequestContext

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

ENV_VERSION = "glint.version"
HEALTH = "/healthcheck"
METRICS = "/metrics"

#: No connection, or none free in time. psycopg2's refusals arrive as OperationalError.
_DATABASE_AWAY = (
    db_exc.DBConnectionError,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.TimeoutError,
)


class ByPath:
    """Sends what machines ask past everything else: it needs no token and fills no log."""

    def __init__(self, api: WSGIApp, others: Mapping[str, WSGIApp]) -> None:
        self._api, self._others = api, others

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        chosen = self._others.get(environ.get("PATH_INFO", ""), self._api)
        return chosen(environ, start_response)


class RequestLog:
    """One line per request. No query and no headers: tokens travel in these."""

    def __init__(self, app: WSGIApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        # Also ends what the thread's last request left for the log's format.
        RequestContext(request_id=environ.get(request_id.ENV_REQUEST_ID))
        began = time.monotonic()
        response = webob.Request(environ).get_response(self._app)
        context = environ.get(ENV_CONTEXT)
        LOG.info(
            "%s %s %d %.3f s project=%s",
            environ["REQUEST_METHOD"],
            # Quoted: a path may hold line feeds, and the log is read line by line.
            urllib.parse.quote(environ.get("PATH_INFO", "").encode("latin-1", "replace"))[:512],
            response.status_int,
            time.monotonic() - began,
            context.project_id if context is not None else "-",
        )
        return response(environ, start_response)


class Errors:
    """Turns every failure into the one shape of errors, and marks answers with the version."""

    def __init__(self, app: WSGIApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = self._answer(webob.Request(environ))
        version = environ.get(ENV_VERSION, versions.MINIMUM)
        response.headers[versions.HEADER] = f"{versions.SERVICE_TYPE} {version}"
        response.headers.add("Vary", versions.HEADER)
        return response(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        try:
            response = request.get_response(self._app)
        except exception.GlintError as error:
            if error.status >= 500:
                LOG.warning("%s: %s", error.code, error)
            return errors.render(error, request.environ)
        except webob.exc.HTTPException as error:
            response = error
        except _DATABASE_AWAY as error:
            LOG.error("database: %s", type(error).__name__)
            return errors.render(exception.DatabaseUnavailable(), request.environ)
        except Exception:
            LOG.exception("%s %s failed", request.method, errors.path_of(request))
            return errors.render(exception.GlintError(), request.environ)
        if response.status_int >= 400:
            return errors.translate(request, response)
        return response


def _check_path(environ: Environ) -> None:
    """Pecan would log a traceback about a path that is no text.

    :raises Invalid: it is not UTF-8.
    """
    try:
        environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise exception.Invalid(reason="the path is not UTF-8") from None


class Negotiate:
    """The version first, then the token: only the version document goes without one."""

    def __init__(self, guarded: WSGIApp, public: WSGIApp) -> None:
        self._guarded, self._public = guarded, public

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = webob.Request(environ).headers
        environ[ENV_VERSION] = versions.negotiate(headers)
        _check_path(environ)
        is_public = environ.get("PATH_INFO", "") in ("", "/")
        chosen = self._public if is_public else self._guarded
        return chosen(environ, start_response)


class Context:
    """What ``auth`` found out, as a context; only tokens with project scope pass."""

    def __init__(self, app: WSGIApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_IDENTITY_STATUS") != "Confirmed":
            # Reached where an operator set delay_auth_decision.
            raise exception.Unauthenticated
        context = RequestContext.from_environ(environ)
        if not context.project_id or not context.user_id:
            raise exception.Forbidden(
                "A token with project scope is needed: choose the project whose images are meant."
            )
        environ[ENV_CONTEXT] = context
        return self._app(environ, start_response)
