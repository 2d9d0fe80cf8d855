"""Who asks: ``[api] auth_strategy``.

Each strategy is a middleware right in front of :class:`glint.api.middleware.Context`, and writes
what that reads, in the words of keystonemiddleware. Whatever a client itself sent in these words is
removed first.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
from collections.abc import Callable, Iterable
from typing import Any

from keystonemiddleware import auth_token
from oslo_config import cfg

from glint import exception
from glint.api import versions
from glint.api.users import NAME, User, Users

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

KEYSTONE, HTTP_BASIC, NOAUTH = "keystone", "http_basic", "noauth"

#: Bytes of an Authorization header that are looked at.
_HEADER_LIMIT = 1024

# Beginnings of what keystonemiddleware tells, and oslo.context reads, of a caller.
_IDENTITY = (
    "HTTP_X_IDENTITY", "HTTP_X_USER", "HTTP_X_PROJECT", "HTTP_X_DOMAIN", "HTTP_X_TENANT",
    "HTTP_X_ROLE", "HTTP_X_SERVICE", "HTTP_X_IS_ADMIN", "HTTP_X_AUTH", "HTTP_X_SYSTEM",
    "HTTP_OPENSTACK_SYSTEM",
)  # fmt: skip

#: Headers by which a proxy says that somebody else asks.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


def strategy(conf: cfg.ConfigOpts) -> Callable[[WSGIApp], WSGIApp]:
    """What ``conf`` says to wrap around all that needs to know who asks."""
    wanted = conf.api.auth_strategy
    if wanted == HTTP_BASIC:
        users = Users(conf.api.http_basic_user_file)
        return lambda app: HttpBasic(app, users)
    if wanted == NOAUTH:
        LOG.warning(
            "NO AUTHENTICATION: [api] auth_strategy = noauth lets everybody who can reach this"
            " Glint from its own machine do everything. It is for tests only."
        )
        return NoAuth
    return lambda app: _keystone(conf, app)


def _keystone(conf: cfg.ConfigOpts, app: WSGIApp) -> WSGIApp:
    protocol: WSGIApp = auth_token.AuthProtocol(
        app,
        {
            "oslo_config_config": conf,
            # For tokens of application credentials with access rules.
            "service_type": versions.SERVICE_TYPE,
        },
    )
    return protocol


def _become(environ: Environ, user: str, project: str, roles: Iterable[str]) -> None:
    for name in [name for name in environ if name.startswith(_IDENTITY)]:
        del environ[name]
    environ.update(
        HTTP_X_IDENTITY_STATUS="Confirmed",
        HTTP_X_USER_ID=user,
        HTTP_X_USER_NAME=user,
        HTTP_X_PROJECT_ID=project,
        HTTP_X_PROJECT_NAME=project,
        HTTP_X_ROLES=",".join(roles),
    )


class HttpBasic:
    """Name and password in each request, as RFC 7617 says, checked against a file."""

    def __init__(self, app: WSGIApp, users: Users) -> None:
        self._app, self._users = app, users

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        # What is behind does not need the password.
        user = self._user(environ.pop("HTTP_AUTHORIZATION", ""))
        if user is None:
            raise exception.PasswordNeeded
        _become(environ, user.name, user.project, user.roles)
        return self._app(environ, start_response)

    def _user(self, header: str) -> User | None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "basic" or len(value) > _HEADER_LIMIT:
            return None
        try:
            given = base64.b64decode(value.strip(), validate=True)
            name, colon, password = given.partition(b":")
            return self._users.authenticate(name.decode("ascii"), password) if colon else None
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None


class NoAuth:
    """Believes everybody on this machine, and nobody else.

    A token ``user:project:role,role`` chooses who to be; without one it is an administrator.
    """

    def __init__(self, app: WSGIApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not is_loopback(environ.get("REMOTE_ADDR", "")) or any(
            name in environ for name in _FORWARDED
        ):
            raise exception.Forbidden(
                "This Glint checks nobody (auth_strategy = noauth), so it answers its own machine"
                " only. Ask the operator for another auth_strategy."
            )
        user, project, roles = "noauth", "noauth", ["admin", "member", "reader"]
        token = environ.get("HTTP_X_AUTH_TOKEN", "")
        # keystoneauth's plugin "none" sends a word.
        if ":" in token:
            user, project, roles = _persona(token)
        _become(environ, user, project, roles)
        return self._app(environ, start_response)


def _persona(token: str) -> tuple[str, str, list[str]]:
    parts = token.split(":")
    roles = parts[-1].split(",")
    if len(parts) != 3 or not all(NAME.fullmatch(one) for one in (*parts[:2], *roles)):
        raise exception.Unauthenticated("Without authentication a token is user:project:roles.")
    return parts[0], parts[1], roles


def is_loopback(host: str) -> bool:
    """Whether only this machine is meant by an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
