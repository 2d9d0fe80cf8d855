"""What an EC2 site and its credentials need to be told. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glint.objects import SiteType

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

# No user information, query or fragment; the last group refuses the line feed that "$" lets pass.
_URL = r"^https?://[^\s/?#@\\]+(/[^\s?#@\\]*)?$(?!\n)"
_REGION = r"^[a-z]{2,8}(-[a-z0-9]{1,16}){1,4}$(?!\n)"


def _text(description: str, limit: int = 255, **more: Any) -> dict[str, Any]:
    facts = {"type": "string", "minLength": 1, "maxLength": limit, "description": description}
    return {**facts, **more}


def _secret(description: str) -> dict[str, Any]:
    return _text(description, 4096, writeOnly=True, format="password")


_CONNECTION: Mapping[str, Any] = {
    "$schema": _DRAFT,
    "title": "EC2 site",
    "type": "object",
    "properties": {
        "region": _text("Region in which the images are, such as eu-west-1.", 64, pattern=_REGION),
        "endpoint": _text(
            "Address at which EC2, EBS direct and STS answer, where they are not Amazon's own."
            " The region's own addresses are used without it.",
            2048,
            pattern=_URL,
            format="uri",
        ),
        "ca_cert": _text(
            "Certificate authority of the endpoint in PEM text. With it, only this authority is"
            " trusted for the site; without it, the usual public ones are.",
            65536,
            pattern="-----BEGIN CERTIFICATE-----",
        ),
        "kms_key": _text(
            "Key (KMS ARN) with which snapshots are encrypted. Without it the account's own"
            " setting decides.",
            2048,
            pattern=r"^arn:[A-Za-z0-9:/_-]+$(?!\n)",
        ),
        "read_back": {
            "type": "boolean",
            "default": False,
            "description": "Read every copy back and hash it, instead of relying on the checksums"
            " that EBS compares for each block and for all of them. It costs time and money.",
        },
        "insecure": {
            "type": "boolean",
            "default": False,
            "description": "Do not verify the endpoint's certificate. Anybody between Glint and"
            " the site can then read what is sent.",
        },
    },
    "required": ["region"],
    "additionalProperties": False,
}

_KEY = {
    "access_key_id": _text("Id of the access key.", 128, pattern=r"^[A-Za-z0-9_]{16,128}$(?!\n)"),
    "secret_access_key": _secret("Secret of the access key."),
}

_ACCESS_KEY: Mapping[str, Any] = {
    "$schema": _DRAFT,
    "title": "Access key",
    "type": "object",
    "properties": {
        "auth_type": {"const": "access_key", "description": "The access key of an IAM user."},
        **_KEY,
        "session_token": _secret("Session token, where the key is a temporary one."),
    },
    "required": ["auth_type", "access_key_id", "secret_access_key"],
    "additionalProperties": False,
}

_ASSUME_ROLE: Mapping[str, Any] = {
    "$schema": _DRAFT,
    "title": "Role",
    "type": "object",
    "properties": {
        "auth_type": {
            "const": "assume_role",
            "description": "A role that the access key may assume: sessions of an hour, renewed by"
            " themselves.",
        },
        **_KEY,
        "role_arn": _text(
            "The role.", 2048, pattern=r"^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[\w+=,.@/-]+$(?!\n)"
        ),
        "external_id": _secret("External id that the role's trust policy wants."),
    },
    "required": ["auth_type", "access_key_id", "secret_access_key", "role_arn"],
    "additionalProperties": False,
}

#: The site type ``ec2``.
EC2 = SiteType(
    name="ec2",
    description="One region of Amazon EC2, or of what speaks its API: images as AMIs",
    connection_schema=_CONNECTION,
    auth_schemas={"access_key": _ACCESS_KEY, "assume_role": _ASSUME_ROLE},
    secret_fields=frozenset({"secret_access_key", "session_token", "external_id"}),
)
