"""``openstack glint operation|deployment|transfer cancel|retry``."""

from __future__ import annotations

import argparse
from typing import ClassVar

from glint.client import Resource
from glint.client.resources import Actionable
from glint.osc import base


class _Action(base.Command):
    """Acts on each thing that is named; says which did not go, and why."""

    thing: ClassVar[str]
    verb: ClassVar[str]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        also = ", or IMAGE@SITE" if self.thing == "deployment" else ""
        parser.add_argument(
            "ids", metavar=self.thing.upper(), nargs="+", help=f"Id of the {self.thing}{also}"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        collection: Actionable = getattr(self.client, f"{self.thing}s")
        finder = self.finder()

        def act(ref: str) -> Resource:
            ident = finder.deployment(ref)["id"] if self.thing == "deployment" else ref
            return collection.cancel(ident) if self.verb == "cancel" else collection.retry(ident)

        self.for_each(parsed_args.ids, act)


class CancelOperation(_Action):
    """Stop what is at work for a Save and withdraw its wishes; nothing is left at the sites.

    Example: openstack glint operation cancel 6d3f0c52-8a5e-4f0e-9d1c-0b8a1f7e2c44
    """

    thing, verb = "operation", "cancel"


class RetryOperation(_Action):
    """Try the failed cells of a Save again, and only those.

    Example: openstack glint operation retry 6d3f0c52-8a5e-4f0e-9d1c-0b8a1f7e2c44
    """

    thing, verb = "operation", "retry"


class CancelDeployment(_Action):
    """Stop what is at work for a cell and withdraw its wish.

    Example: openstack glint deployment cancel cirros@DAIR
    """

    thing, verb = "deployment", "cancel"


class RetryDeployment(_Action):
    """Try a cell that failed or drifted again.

    Example: openstack glint deployment retry cirros@DAIR debian@DAIR
    """

    thing, verb = "deployment", "retry"


class CancelTransfer(_Action):
    """Stop a transfer that waits or runs, and withdraw the wish that it works for.

    Example: openstack glint transfer cancel 1b0e7d3a-5c57-4b9e-8a52-54a1c1e0d0c9
    """

    thing, verb = "transfer", "cancel"


class RetryTransfer(_Action):
    """Try the cell of a failed transfer again.

    Example: openstack glint transfer retry 1b0e7d3a-5c57-4b9e-8a52-54a1c1e0d0c9
    """

    thing, verb = "transfer", "retry"
