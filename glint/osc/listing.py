"""The options that all lists have, and what they mean to the API."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from typing import Any

from osc_lib import exceptions

from glint.client import Resource
from glint.osc import base
from glint.osc.text import safe

#: The most that a server gives at once.
_MOST = 1000
#: Other parameters of the API and of the client.
_NO_FILTERS = frozenset(
    {"limit", "marker", "sort", "fields", "page_size", "all_projects", "counts", "changes_since"}
    | {"last", "interval", "clock", "sleep"}
)


def add_options(
    parser: argparse.ArgumentParser,
    keys: str,
    limit: int | None = None,
    said: str = "",
    *,
    all_projects: bool = True,
    example: str = "created_at=gt:2026-11-01",
) -> argparse.ArgumentParser:
    """:param keys: for the help: some keys that the list can be sorted by.

    :param limit: default of --limit; None is all.
    :param said: the default in words, where the command itself decides.
    :param all_projects: the list can be asked for all projects.
    :param example: for the help: a filter.
    """
    group = parser.add_argument_group("list")
    group.add_argument(
        "--sort",
        metavar="KEY[:asc|:desc][,...]",
        help=f"Order of the whole list, on the server, such as {keys}",
    )
    group.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="Any other filter of the API, repeatable. VALUE may begin with eq: neq: in: gt: gte:"
        f" lt: lte: prefix: or contains:, such as {example}",
    )
    shown = said or ("all" if limit is None else limit)
    group.add_argument(
        "--limit",
        type=base.count,
        default=limit,
        metavar="N",
        help=f"The most entries to show (default: {shown})",
    )
    group.add_argument("--marker", metavar="ID", help="Begin after the entry with this id")
    if all_projects:
        group.add_argument(
            "--all-projects",
            action="store_true",
            default=None,
            help="Of all projects; needs the role of an administrator",
        )
    return parser


def query(args: argparse.Namespace, **own: Any) -> dict[str, Any]:
    """The arguments for the client's ``list``.

    :param own: what the command's own options ask for; None asks nothing.
    :raises CommandError: a filter that is none, or that an option asks for too.
    """
    asked = {key: value for key, value in own.items() if value is not None}
    filters: dict[str, list[str]] = {}
    for pair in args.filter:
        key, value = base.key_value("--filter", pair)
        if key in _NO_FILTERS:
            raise exceptions.CommandError(f"--filter {safe(key)}: that is no filter.")
        if key in asked:
            raise exceptions.CommandError(f"--filter {safe(key)}: an option asks for that already.")
        filters.setdefault(key, []).append(value)
    size = None if args.limit is None else min(args.limit, _MOST)
    how = {"sort": args.sort, "marker": args.marker, "page_size": size}
    return {**how, "all_projects": getattr(args, "all_projects", None), **asked, **filters}


def cut(args: argparse.Namespace, found: Iterable[Resource]) -> list[Resource]:
    """No more than --limit."""
    return list(itertools.islice(found, args.limit))


def exact(text: str | None) -> str | None:
    """A value that is meant as it is, whatever it begins with."""
    return None if text is None else f"eq:{text}"
