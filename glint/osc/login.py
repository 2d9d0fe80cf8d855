"""The login of a credential from the command line, without its secret among the arguments."""

from __future__ import annotations

import argparse
import json
from typing import Any

from osc_lib import exceptions

from glint.client import Client, Resource
from glint.osc import base, secret
from glint.osc.text import safe


def add_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """One kind of login, and where its secret comes from."""
    kind = parser.add_mutually_exclusive_group(required=required)
    kind.add_argument(
        "--home",
        action="store_true",
        help="The cloud that you are logged in to: Glint makes an application credential for"
        " itself with your token, and no secret is needed",
    )
    kind.add_argument(
        "--application-credential-file",
        metavar="FILE",
        help="clouds.yaml, or the JSON that 'openstack application credential create -f json'"
        " prints",
    )
    kind.add_argument(
        "--application-credential-id",
        metavar="ID",
        help="Id of an application credential at the site",
    )
    kind.add_argument("--username", metavar="USER", help="Name of a user at the site")
    kind.add_argument(
        "--auth-type",
        metavar="TYPE",
        help="Any other login that the type of the site knows, together with --auth; see:"
        " openstack glint site type show TYPE",
    )
    parser.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="A value of --auth-type that is no secret, repeatable",
    )
    parser.add_argument(
        "--auth-env",
        action="append",
        default=[],
        metavar="KEY=VARIABLE",
        help="A value of --auth-type from an environment variable, secrets too; repeatable",
    )
    parser.add_argument(
        "--cloud", metavar="CLOUD", help="Which cloud of the clouds.yaml, if it has several"
    )
    password = parser.add_argument_group("password")
    password.add_argument(
        "--user-domain", metavar="DOMAIN", help="Domain of the user (default: Default)"
    )
    password.add_argument("--project", metavar="PROJECT", help="Name of the remote project")
    password.add_argument(
        "--project-domain", metavar="DOMAIN", help="Domain of the project (default: Default)"
    )
    secret.add_options(password)


def auth(args: argparse.Namespace, client: Client, site: Resource) -> dict[str, Any] | None:
    """As the API wants it, secret included; None where no login was given.

    :raises CommandError: it is not whole.
    """
    if args.home:
        return {"auth_type": "home"}
    if args.application_credential_file:
        return secret.application_credential(args.application_credential_file, args.cloud)
    if args.application_credential_id:
        given = secret.read(args, f"Secret of {args.application_credential_id} at {site['name']}")
        return secret.application_credential_auth(args.application_credential_id, given)
    if args.auth_type:
        return _of_type(args, client, site)
    if args.username:
        return _password(args, site)
    return None


def _password(args: argparse.Namespace, site: Resource) -> dict[str, Any]:
    if not args.project:
        raise exceptions.CommandError("--username needs --project: the remote project.")
    return {
        "auth_type": "password",
        "username": args.username,
        "user_domain_name": args.user_domain or "Default",
        "project_name": args.project,
        "project_domain_name": args.project_domain or "Default",
        "password": secret.read(args, f"Password of {args.username} at {site['name']}"),
    }


def _of_type(args: argparse.Namespace, client: Client, site: Resource) -> dict[str, Any]:
    """What the site's type says about this kind of login decides what is a secret."""
    known = client.site_types.get(site["type"]).get("auth_schemas", {})
    if args.auth_type not in known:
        raise exceptions.CommandError(
            f"Sites of type {safe(site['type'])} know no login {safe(args.auth_type)!r}; they know:"
            f" {', '.join(safe(name) for name in sorted(known)) or 'none'}."
        )
    schema = known[args.auth_type]
    fields = schema.get("properties", {})
    secrets = [name for name, field in fields.items() if field.get("writeOnly")]
    values: dict[str, Any] = {"auth_type": args.auth_type}
    for pair in args.auth:
        key, text = base.key_value("--auth", pair)
        if key in secrets:
            raise exceptions.CommandError(
                f"{safe(key)} is a secret and must not be an argument, which others can read."
                " Leave it out: it is asked for, or comes from --password-file or --password-env."
            )
        values[key] = text if fields.get(key, {}).get("type") == "string" else _json(text)
    for pair in args.auth_env:
        key, variable = base.key_value("--auth-env", pair)
        values[key] = secret.from_environment(variable)
    for name in secrets:
        if name in schema.get("required", ()) and name not in values:
            values[name] = secret.read(args, f"{name} at {site['name']}")
    return values


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
