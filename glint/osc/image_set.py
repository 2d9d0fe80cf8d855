"""``openstack glint image set`` and ``unset``: labels change, an image's content never does."""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions

from glint.client import Resource
from glint.osc import base, options
from glint.osc.text import safe


class _Change(base.ShowOne):
    """Reads an image, changes it, and names the generation that was read.

    Somebody else's change in between is refused by the service instead of being undone.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="Name or id of the image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        image = self.finder().image(parsed_args.image)
        changes = self.changes(parsed_args, image)
        if not changes:
            raise exceptions.CommandError("Nothing to change was given; see --help.")
        changes["generation"] = image["generation"]
        return base.one(self.client.images.update(image["id"], **changes))

    def changes(self, args: argparse.Namespace, image: Resource) -> dict[str, Any]:
        raise NotImplementedError


class SetImage(_Change):
    """Change the name, the properties or the tags of an image in the catalogue.

    Copies that are made from now on get them; copies that are there already keep theirs.

    Examples: openstack glint image set cirros --property os_distro=cirros --tag gold --min-disk 1;
    openstack glint image set cirros --repair
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="NAME", help="New name")
        options.add_labels(parser, kept="; the others stay")
        drift = parser.add_mutually_exclusive_group()
        drift.add_argument(
            "--repair",
            action="store_true",
            default=None,
            help="Let Glint make copies good again that went missing or changed at their site; of"
            " a new image it does not",
        )
        drift.add_argument(
            "--no-repair",
            action="store_false",
            default=None,
            dest="repair",
            help="Only show such copies as drifted",
        )
        return parser

    def changes(self, args: argparse.Namespace, image: Resource) -> dict[str, Any]:
        given = {"name": args.name, "repair": args.repair}
        changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        changes |= options.labels(args)
        if "properties" in changes:
            changes["properties"] = {**image.get("properties", {}), **changes["properties"]}
        if "tags" in changes:
            changes["tags"] = list(dict.fromkeys([*image.get("tags", ()), *changes["tags"]]))
        return changes


class UnsetImage(_Change):
    """Take properties or tags off an image in the catalogue.

    Example: openstack glint image unset cirros --property os_distro --tag gold
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--property",
            action="append",
            default=[],
            metavar="KEY",
            help="Remove a property, repeatable",
        )
        parser.add_argument(
            "--tag", action="append", default=[], metavar="TAG", help="Remove a tag, repeatable"
        )
        return parser

    def changes(self, args: argparse.Namespace, image: Resource) -> dict[str, Any]:
        properties, tags = dict(image.get("properties", {})), list(image.get("tags", ()))
        for what, given, there in (
            ("property", args.property, properties),
            ("tag", args.tag, tags),
        ):
            missing = [name for name in given if name not in there]
            if missing:
                raise exceptions.CommandError(
                    f"{safe(image['name'])} has no {what} {safe(missing[0])!r}."
                )
        changes: dict[str, Any] = {}
        if args.property:
            left = {k: v for k, v in properties.items() if k not in args.property}
            changes["properties"] = left
        if args.tag:
            changes["tags"] = [tag for tag in tags if tag not in args.tag]
        return changes
