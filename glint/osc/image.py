"""``openstack glint image ...``: the catalogue, the rows of the matrix."""

from __future__ import annotations

import argparse

from glint.osc import base, listing
from glint.osc.text import Size


class ListImage(base.Lister):
    """List the images of your project's catalogue.

    Example: openstack glint image list --long
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="NAME", help="Only images of this name")
        parser.add_argument("--long", action="store_true", help="Also the whole hash and more")
        return listing.add_options(parser, "size:desc,name", example="size=gte:1000000000")

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        names = ["ID", "Name", "Size", "Disk Format"]
        keys = ["id", "name", "size", "disk_format"]
        if parsed_args.long:
            names += ["Hash Algorithm", "Hash", "Container Format", "Protected", "Tags", "Created"]
            keys += ["os_hash_algo", "os_hash_value", "container_format"]
            keys += ["protected", "tags", "created_at"]
        found = self.client.images.list(
            **listing.query(parsed_args, name=listing.exact(parsed_args.name))
        )
        images = listing.cut(parsed_args, found)
        rows = (
            [Size(image.get(key)) if key == "size" else image.get(key) for key in keys]
            for image in images
        )
        return names, rows


class ShowImage(base.ShowOne):
    """Show an image of the catalogue.

    Example: openstack glint image show cirros
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="Name or id of the image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        return base.one(self.finder().image(parsed_args.image))


class DeleteImage(base.Command):
    """Take images out of the catalogue. Copies at sites go first: openstack glint undeploy.

    Example: openstack glint image delete cirros
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", nargs="+", help="Name or id of an image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        finder = self.finder()
        self.for_each(
            parsed_args.image, lambda ref: self.client.images.delete(finder.image(ref)["id"])
        )
