"""``openstack glint event list``: what happened, and with --follow what happens."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import time
from collections.abc import Sequence
from typing import Any

from osc_lib import exceptions

from glint.client import Resource
from glint.osc import base, listing
from glint.osc.text import safe

_NAMES = ("At", "Action", "Outcome", "Message", "Code", "User")
_KEYS = ("at", "action", "outcome", "message", "error_code", "user_id")
#: Events from before that --follow begins with, unless --limit says otherwise.
_BEFORE = 10
_MANY = 100


class ListEvent(base.Lister):
    """List what happened, newest first; with --follow, oldest first and as it happens.

    --follow writes one line for each event until Ctrl-C: time, outcome and message, or with -f json
    a JSON object. It survives a restart of the service.

    Examples: openstack glint event list --follow --site DAIR --filter outcome=failed;
    openstack glint event list --limit 10 --filter at=gt:2026-11-01 -f json
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--image", metavar="IMAGE", help="Only about this image (name or id)")
        parser.add_argument("--site", metavar="SITE", help="Only about this site (name or id)")
        parser.add_argument("--operation", metavar="ID", help="Only about this operation")
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Go on with what happens from now on, until Ctrl-C",
        )
        parser.add_argument(
            "--timeout",
            type=base.positive,
            metavar="SECONDS",
            help="End --follow after so many seconds (default: never)",
        )
        return listing.add_options(
            parser,
            "at:asc",
            said=f"{_MANY}; with --follow {_BEFORE}, from before",
            example="outcome=neq:done",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        asked = listing.query(
            parsed_args,
            image_id=finder.image(parsed_args.image)["id"] if parsed_args.image else None,
            site_id=finder.site(parsed_args.site)["id"] if parsed_args.site else None,
            operation_id=parsed_args.operation,
        )
        if parsed_args.follow:
            if parsed_args.sort or parsed_args.marker:
                raise exceptions.CommandError(
                    "--follow has an order of its own: leave --sort and --marker out."
                )
            self._follow(parsed_args, asked)
            return _NAMES, ()
        parsed_args.limit = parsed_args.limit or _MANY
        found = self.client.events.list(**{**asked, "page_size": min(parsed_args.limit, 1000)})
        rows = [tuple(event.get(key) for key in _KEYS) for event in listing.cut(parsed_args, found)]
        return _NAMES, rows

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        """What was followed is written already."""
        if parsed_args.follow:
            return 0
        return super().produce_output(parsed_args, column_names, data)

    def _follow(self, parsed_args: argparse.Namespace, asked: dict[str, Any]) -> None:
        deadline = time.monotonic() + (parsed_args.timeout or math.inf)

        def pause(seconds: float) -> None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Over
            time.sleep(min(seconds, left))

        last = parsed_args.limit or _BEFORE
        line = _as_json if parsed_args.formatter == "json" else _as_text
        filters = {k: v for k, v in asked.items() if k not in ("sort", "marker", "page_size")}
        out = self.app.stdout
        with contextlib.suppress(_Over):
            for event in self.client.events.follow(last=last, sleep=pause, **filters):
                out.write(f"{line(event)}\n")
                out.flush()


class _Over(Exception):
    """The time that --follow was given."""


def _as_json(event: Resource) -> str:
    return json.dumps({name: event.get(key) for name, key in zip(_NAMES, _KEYS, strict=True)})


def _as_text(event: Resource) -> str:
    code = f" ({event['error_code']})" if event.get("error_code") else ""
    return safe(f"{event.get('at')} {event.get('outcome')}: {event.get('message')}{code}")
