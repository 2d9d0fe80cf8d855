"""``openstack glint site image list``: what a credential sees at its site."""

from __future__ import annotations

import argparse
import itertools

from glint.osc import base
from glint.osc.text import Size


class ListSiteImage(base.Lister):
    """List the images that a credential saw at its site when it was scanned last.

    Catalogue is the image of Glint's catalogue that each belongs to, empty where it belongs to
    none; Glint's says whether it bears Glint's stamp. 'openstack glint credential scan' looks anew.

    Example: openstack glint site image list DAIR --not-in-catalogue
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "site",
            metavar="SITE",
            help="Name or id of a site where you have one credential, 'SITE (project)', or the id"
            " of a credential",
        )
        parser.add_argument("--name", metavar="NAME", help="Only images of this name")
        parser.add_argument(
            "--status", metavar="STATUS", help="Only with this status at the site, such as active"
        )
        parser.add_argument(
            "--not-in-catalogue",
            action="store_true",
            help="Only images that no row of the matrix holds",
        )
        parser.add_argument(
            "--long", action="store_true", help="Also the whole hash, visibility and time seen"
        )
        parser.add_argument(
            "--limit",
            type=base.count,
            default=1000,
            metavar="N",
            help="The most entries to show (default: 1000)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        found = self.client.credentials.inventory(
            finder.credential(parsed_args.site)["id"],
            name=parsed_args.name,
            status=parsed_args.status,
            page_size=min(parsed_args.limit, 1000),
        )
        if parsed_args.not_in_catalogue:
            found = (seen for seen in found if not seen.get("image_id"))
        images = list(itertools.islice(found, parsed_args.limit))
        names = ["ID", "Name", "Status", "Size", "Glint's", "Catalogue"]
        keys = ["remote_id", "name", "status", "size", "stamped", "image_id"]
        if parsed_args.long:
            names += ["Hash Algorithm", "Hash", "Visibility", "Protected", "Seen At"]
            keys += ["os_hash_algo", "os_hash_value", "visibility", "protected", "seen_at"]
        rows = (
            [Size(image.get(key)) if key == "size" else image.get(key) for key in keys]
            for image in images
        )
        return names, rows
