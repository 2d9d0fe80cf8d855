"""The options that all lists have, and what they mean to the API."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from typing import Any

from glint.client import Resource
from glint.osc import base

#: The most that a server gives at once.
_MOST = 1000


def add_options(
    parser: argparse.ArgumentParser, keys: str, limit: int | None = None, said: str = ""
) -> argparse.ArgumentParser:
    """:param keys: for the help: some keys that the list can be sorted by.

    :param limit: default of --limit; None is all.
    :param said: the default in words, where the command itself decides.
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
        " lt: lte: prefix: or contains:, such as created_at=gt:2026-11-01",
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
    return parser


def query(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments for the client's ``list``."""
    filters: dict[str, list[str]] = {}
    for pair in args.filter:
        key, value = base.key_value("--filter", pair)
        filters.setdefault(key, []).append(value)
    size = None if args.limit is None else min(args.limit, _MOST)
    return {"sort": args.sort, "marker": args.marker, "page_size": size, **filters}


def cut(args: argparse.Namespace, found: Iterable[Resource]) -> list[Resource]:
    """No more than --limit."""
    return list(itertools.islice(found, args.limit))


def exact(text: str | None) -> str | None:
    """A value that is meant as it is, whatever it begins with."""
    return None if text is None else f"eq:{text}"
