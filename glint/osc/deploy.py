"""``openstack glint deploy`` and ``undeploy``: write wishes, and wait for them if told to."""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions

from glint.client import Client, Resource
from glint.osc import base
from glint.osc.find import Finder
from glint.osc.saving import Saving


def everywhere(client: Client) -> list[Resource]:
    """All columns on enabled sites; the matrix names them in one request.

    :raises CommandError: there is none.
    """
    targets = [column for column in client.matrix(page_size=1).credentials if column.get("enabled")]
    if not targets:
        raise exceptions.CommandError(
            "No enabled site has a credential that you can use. See: openstack glint"
            " credential list"
        )
    return targets


class _Wish(Saving):
    """Both ways of a wish."""

    wanted: bool

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", nargs="+", help="Name or id of an image")
        return parser

    def wish(
        self, parsed_args: argparse.Namespace, finder: Finder, targets: list[Resource], **extra: Any
    ) -> base.Table:
        """Every image at every target, each cell once."""
        images = [finder.image(ref) for ref in parsed_args.image]
        pairs = {(image["id"], target["id"]): None for image in images for target in targets}
        changes = [
            {"image_id": i, "credential_id": c, "wanted": self.wanted, **extra} for i, c in pairs
        ]
        return self.save(parsed_args, finder, changes)


class Deploy(_Wish):
    """Wish images to be at sites. Glint copies, proves and keeps them there.

    SITE is the name or id of a site where you have one credential, 'SITE (project)', or the id of a
    credential. Wishing what is wished already does nothing.

    Examples: openstack glint deploy cirros --to DAIR --wait;
    openstack glint deploy cirros debian --all --wait 600
    """

    wanted = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        # Images first: after --to, argparse takes all that follows for sites.
        parser.usage = "%(prog)s IMAGE [IMAGE ...] (--to SITE [SITE ...] | --all) [options]"
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument(
            "--to", metavar="SITE", nargs="+", action="extend", help="Where; repeatable"
        )
        where.add_argument(
            "--all", action="store_true", help="Everywhere: all your columns on enabled sites"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        if parsed_args.all:
            targets = everywhere(self.client)
        else:
            targets = [finder.credential(ref) for ref in parsed_args.to]
        return self.wish(parsed_args, finder, targets)


class Undeploy(_Wish):
    """Wish images not to be at sites. Glint removes the copies that it made.

    Example: openstack glint undeploy cirros --from DAIR --wait
    """

    wanted = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.usage = "%(prog)s IMAGE [IMAGE ...] --from SITE [SITE ...] [options]"
        parser.add_argument(
            "--from",
            dest="sites",
            metavar="SITE",
            nargs="+",
            action="extend",
            required=True,
            help="From where; repeatable",
        )
        parser.add_argument(
            "--allow-foreign",
            action="store_true",
            help="Also remove a copy that Glint did not make",
        )
        parser.add_argument(
            "--allow-last-copy",
            action="store_true",
            help="Also remove the last known copy of an image: its content is lost then",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        targets = [finder.credential(ref) for ref in parsed_args.sites]
        return self.wish(
            parsed_args,
            finder,
            targets,
            allow_foreign=parsed_args.allow_foreign,
            allow_last_copy=parsed_args.allow_last_copy,
        )
