"""``openstack glint site image list``: what a credential sees at its site."""

from __future__ import annotations

import argparse

from glint.osc import base, listing
from glint.osc.text import Size


class ListSiteImage(base.Lister):
    """List the images that a credential saw at its site when it was scanned last.

    Catalogue is the image of Glint's catalogue that each belongs to, empty where it belongs to
    none; Glint's says whether it bears Glint's stamp. 'openstack glint credential scan' looks anew.

    Examples: openstack glint site image list DAIR --not-in-catalogue;
    openstack glint site image list DAIR --filter name=prefix:debian --filter size=gt:1000000000
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
        catalogue = parser.add_mutually_exclusive_group()
        catalogue.add_argument(
            "--in-catalogue",
            action="store_true",
            default=None,
            help="Only images that a row of the matrix holds",
        )
        catalogue.add_argument(
            "--not-in-catalogue",
            action="store_false",
            default=None,
            dest="in_catalogue",
            help="Only images that no row of the matrix holds",
        )
        parser.add_argument(
            "--long", action="store_true", help="Also the whole hash, visibility and time seen"
        )
        return listing.add_options(
            parser, "remote_id:desc", 1000, all_projects=False, example="size=gte:1000000000"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        asked = listing.query(
            parsed_args,
            name=listing.exact(parsed_args.name),
            status=listing.exact(parsed_args.status),
            in_catalogue=parsed_args.in_catalogue,
        )
        column = self.finder().credential(parsed_args.site)["id"]
        images = listing.cut(parsed_args, self.client.credentials.inventory(column, **asked))
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
