"""What an OpenStack site and its credentials need to be told. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glint.objects import SiteType

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

# No user information, query or fragment in the address: a password in it would not be kept as a
# secret. The last group refuses the line feed that Python's "$" lets pass.
_URL = r"^https?://[^\s/?#@\\]+(/[^\s?#@\\]*)?$(?!\n)"


def _text(description: str, limit: int = 255, **more: Any) -> dict[str, Any]:
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": limit,
        "description": description,
        **more,
    }


def _secret(description: str) -> dict[str, Any]:
    return _text(description, 4096, writeOnly=True, format="password")


def _one_of(first: str, second: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [first]}, {"required": [second]}]}


def _not_both(first: str, second: str) -> dict[str, Any]:
    return {"not": {"required": [first, second]}}


_CONNECTION: Mapping[str, Any] = {
    "$schema": _DRAFT,
    "title": "OpenStack site",
    "type": "object",
    "properties": {
        "auth_url": _text(
            "Address of the cloud's Keystone, with or without /v3, such as"
            " https://cloud.example.org:5000.",
            2048,
            pattern=_URL,
            format="uri",
        ),
        "region": _text(
            "Region whose image service is used. Without it the first one of the catalogue is."
        ),
        "interface": {
            "type": "string",
            "enum": ["public", "internal", "admin"],
            "default": "public",
            "description": "Which of the catalogue's addresses of the image service is used.",
        },
        "ca_cert": _text(
            "Certificate authority of the site in PEM text. With it, only this authority is"
            " trusted for the site; without it, those of Glint's host are.",
            65536,
            pattern="-----BEGIN CERTIFICATE-----",
        ),
        "server_side_import": {
            "type": "boolean",
            "default": True,
            "description": "Let the site fetch images by itself from other regions of the same"
            " Keystone, where it offers that (glance-download). It needs room for a second copy"
            " of each image meanwhile.",
        },
        "insecure": {
            "type": "boolean",
            "default": False,
            "description": "Do not verify the site's certificate. Anybody between Glint and the"
            " site can then read its credentials.",
        },
    },
    "required": ["auth_url"],
    "additionalProperties": False,
}

_PASSWORD: Mapping[str, Any] = {
    "$schema": _DRAFT,
    "title": "User and password",
    "type": "object",
    "properties": {
        "auth_type": {"const": "password", "description": "A user's name and password."},
        "username": _text("Name of the user at the site."),
        "user_id": _text("Id of the user, in place of name and domain.", 64),
        "user_domain_name": _text("Domain of the user.", default="Default"),
        "user_domain_id": _text("Id of the user's domain, in place of its name.", 64),
        "password": _secret("Password of the user."),
        "project_name": _text("Name of the project whose images are meant."),
        "project_id": _text("Id of the project, in place of name and domain.", 64),
        "project_domain_name": _text("Domain of the project.", default="Default"),
        "project_domain_id": _text("Id of the project's domain, in place of its name.", 64),
    },
    "required": ["auth_type", "password"],
    "allOf": [
        _one_of("username", "user_id"),
        _one_of("project_name", "project_id"),
        _not_both("user_domain_name", "user_domain_id"),
        _not_both("project_domain_name", "project_domain_id"),
    ],
    "additionalProperties": False,
}

_APPLICATION_CREDENTIAL: Mapping[str, Any] = {
    "$schema": _DRAFT,
    "title": "Application credential",
    "type": "object",
    "properties": {
        "auth_type": {
            "const": "v3applicationcredential",
            "description": "An application credential, which can be revoked without changing a"
            " password. It belongs to one project.",
        },
        "application_credential_id": _text("Id of the application credential.", 64),
        "application_credential_secret": _secret("Secret of the application credential."),
    },
    "required": ["auth_type", "application_credential_id", "application_credential_secret"],
    "additionalProperties": False,
}

#: The site type ``openstack``.
OPENSTACK = SiteType(
    name="openstack",
    description="An OpenStack cloud: one region of Keystone v3 and Glance v2",
    connection_schema=_CONNECTION,
    auth_schemas={
        "password": _PASSWORD,
        "v3applicationcredential": _APPLICATION_CREDENTIAL,
    },
    secret_fields=frozenset({"password", "application_credential_secret"}),
    registers=("shared", "community", "public"),
)
