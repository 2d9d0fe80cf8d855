"""The labels of an image as options, for every command that sets them."""

from __future__ import annotations

import argparse
from typing import Any

from glint.osc import base


def add_labels(parser: argparse.ArgumentParser | argparse._ArgumentGroup, kept: str = "") -> None:
    """:param kept: for the help: what becomes of those that are not named."""
    parser.add_argument(
        "--property",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"Set a property, repeatable{kept}",
    )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help=f"Add a tag, repeatable{kept}"
    )
    parser.add_argument(
        "--min-disk", type=base.whole, metavar="GB", help="Disk that a server needs, in GB"
    )
    parser.add_argument(
        "--min-ram", type=base.whole, metavar="MB", help="Memory that a server needs, in MB"
    )


def labels(args: argparse.Namespace) -> dict[str, Any]:
    """What was given.

    :raises CommandError: a property is no KEY=VALUE.
    """
    found: dict[str, Any] = {
        "properties": dict(base.key_value("--property", pair) for pair in args.property),
        "tags": list(dict.fromkeys(args.tag)),
    }
    found = {key: value for key, value in found.items() if value}
    numbers = {"min_disk": args.min_disk, "min_ram": args.min_ram}
    return found | {key: value for key, value in numbers.items() if value is not None}
