"""Secrets come from a prompt, a file, standard input or the environment: never from an argument,

which every user of the machine could read in the list of processes.
"""

from __future__ import annotations

import argparse
import getpass
import os
import pathlib
import stat
import sys
from collections.abc import Mapping
from typing import Any

import yaml
from osc_lib import exceptions

from glint.osc.text import safe

_MAX_FILE = 1 << 20
_STDIN = "-"


def add_options(parser: argparse._ActionsContainer) -> None:
    """Where the password, or the secret of an application credential, comes from."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--password-file",
        metavar="FILE",
        help="File whose first line is the secret; - is standard input (default: ask)",
    )
    where.add_argument(
        "--password-env", metavar="VARIABLE", help="Environment variable that holds the secret"
    )


def read(args: argparse.Namespace, what: str) -> str:
    """The secret.

    :param what: said at the prompt.
    :raises CommandError: none was given; the text never holds a part of one.
    """
    if args.password_env:
        return from_environment(args.password_env)
    if args.password_file:
        secret = (_read(args.password_file).splitlines() or [""])[0]
        source = _source(args.password_file)
    else:
        secret = _ask(what)
        source = "The answer"
    if not secret:
        raise exceptions.CommandError(f"{source} holds no secret.")
    return secret


def from_environment(variable: str) -> str:
    """:raises CommandError: it is empty, or there is none."""
    secret = os.environ.get(variable, "")
    if not secret:
        raise exceptions.CommandError(f"The environment variable {safe(variable)} holds no secret.")
    return secret


def _source(path: str) -> str:
    return "Standard input" if path == _STDIN else safe(path)


def _ask(what: str) -> str:
    if not sys.stdin.isatty():
        raise exceptions.CommandError(
            "There is no terminal to ask for the secret at. Give --password-file, --password-env or"
            " --application-credential-file."
        )
    try:
        return getpass.getpass(f"{safe(what)}: ")
    except EOFError:
        return ""


def application_credential(path: str, cloud: str | None) -> dict[str, Any]:
    """The ``auth`` of an application credential from a file.

    The file is a clouds.yaml (as Horizon hands out), or the JSON or YAML that ``openstack
    application credential create -f json`` prints.

    :param cloud: which cloud of a clouds.yaml; needed when it has several.
    :raises CommandError: the file does not hold one; the text never quotes the file.
    """
    try:
        content = yaml.safe_load(_read(path))
    except yaml.YAMLError as e:
        # The error's own text quotes the line, which may be the secret.
        raise exceptions.CommandError(f"{safe(path)} is neither YAML nor JSON.") from e
    if not isinstance(content, dict):
        raise exceptions.CommandError(f"{safe(path)} holds no application credential.")
    found = {str(key).lower(): value for key, value in _auth(content, path, cloud).items()}
    ident = found.get("application_credential_id") or found.get("id")
    secret = found.get("application_credential_secret") or found.get("secret")
    if not ident or not secret:
        raise exceptions.CommandError(
            f"{safe(path)} holds no application credential with both id and secret. One by name"
            " must be given with its id."
        )
    return application_credential_auth(str(ident), str(secret))


def application_credential_auth(ident: str, secret: str) -> dict[str, Any]:
    """As the API wants it."""
    return {
        "auth_type": "v3applicationcredential",
        "application_credential_id": ident,
        "application_credential_secret": secret,
    }


def _auth(content: Mapping[str, Any], path: str, cloud: str | None) -> Mapping[str, Any]:
    """The part of a file that has id and secret."""
    clouds = content.get("clouds")
    if clouds is None:
        if cloud:
            raise exceptions.CommandError(f"{safe(path)} is no clouds.yaml; leave --cloud out.")
        return content
    names = list(clouds) if isinstance(clouds, dict) else []
    chosen = cloud or (names[0] if len(names) == 1 else None)
    if chosen not in names:
        known = ", ".join(safe(name) for name in names) or "none"
        raise exceptions.CommandError(
            f"Say with --cloud which cloud of {safe(path)} is meant; it has: {known}."
        )
    entry = clouds[chosen]
    auth = entry.get("auth") if isinstance(entry, dict) else None
    return auth if isinstance(auth, dict) else {}


def _read(path: str) -> str:
    try:
        if path == _STDIN:
            return sys.stdin.read(_MAX_FILE)
        with pathlib.Path(path).open(encoding="utf-8") as file:
            _warn_about_mode(path, os.fstat(file.fileno()).st_mode)
            return file.read(_MAX_FILE)
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not text in UTF-8"
        raise exceptions.CommandError(f"{safe(path)} cannot be read: {reason}") from e


def _warn_about_mode(path: str, mode: int) -> None:
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        sys.stderr.write(
            f"Note: other users of this machine can read {safe(path)} (chmod 600 it).\n"
        )
