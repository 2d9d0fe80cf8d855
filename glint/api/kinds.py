"""Site types in use: checking what users send against what a driver says it needs."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from glint import exception
from glint.api import validation
from glint.objects import SiteType

HOME = "home"


def find(site_types: Mapping[str, SiteType], name: str) -> SiteType:
    """:raises SiteTypeUnknown: no driver of that name is installed."""
    if name not in site_types:
        known = ", ".join(sorted(site_types)) or "none"
        raise exception.SiteTypeUnknown(name=name, known=known)
    return site_types[name]


def check_connection(kind: SiteType, connection: Mapping[str, Any]) -> None:
    """:raises Invalid: the type's schema is broken, or an address is unfit."""
    for name, schema in kind.connection_schema.get("properties", {}).items():
        if schema.get("format") == "uri" and isinstance(connection.get(name), str):
            check_url(f"body.connection.{name}", connection[name])
    _validator(kind, None).check(connection, "body.connection")


def split_auth(kind: SiteType, auth: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A credential's public part and its secrets.

    :raises Invalid: the type's schema is broken.
    """
    auth_type = str(auth["auth_type"])
    if auth_type not in kind.auth_schemas:
        known = ", ".join(sorted([*kind.auth_schemas, HOME]))
        raise exception.Invalid(
            reason=f"body.auth.auth_type {auth_type!r} is unknown to sites of type {kind.name}"
            f" (known: {known})"
        )
    _validator(kind, auth_type).check(auth, "body.auth")
    public = {k: v for k, v in auth.items() if k not in kind.secret_fields}
    secret = {k: v for k, v in auth.items() if k in kind.secret_fields}
    return public, secret


def addresses(kind: SiteType, connection: Mapping[str, Any]) -> dict[str, Any]:
    """What decides whom a credential is sent to: addresses, and how they are proven."""
    properties = kind.connection_schema.get("properties", {})
    urls = {name for name, schema in properties.items() if schema.get("format") == "uri"}
    return {k: v for k, v in connection.items() if k in urls | {"ca_cert", "insecure"}}


def check_url(where: str, url: str) -> None:
    """Only plain web addresses: a password in a URL would be shown to everybody.

    :raises Invalid: the URL is anything else. The message does not repeat it.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise exception.Invalid(reason=f"{where} is not a URL") from error
    if parts.scheme not in ("http", "https") or not host:
        raise exception.Invalid(reason=f"{where} must begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise exception.Invalid(
            reason=f"{where} must not hold a user name or password; they belong to a credential"
        )
    if parts.fragment or parts.query or "#" in url or "?" in url:
        raise exception.Invalid(reason=f"{where} must have neither query nor fragment")


def _validator(kind: SiteType, auth_type: str | None) -> validation.Validator:
    schema = kind.connection_schema if auth_type is None else kind.auth_schemas[auth_type]
    return validation.Validator(schema)
