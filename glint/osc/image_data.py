"""``openstack glint image create`` and ``save``: from sites, files and URLs, and to files."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import stat
import sys
from collections.abc import Iterator
from typing import Any

import tqdm
from osc_lib import exceptions

from glint.client import ClientError, Resource
from glint.client.files import Progress
from glint.osc import base, options
from glint.osc.text import safe

#: How files of a format usually end.
_ENDINGS = {
    ".qcow2": "qcow2", ".raw": "raw", ".vmdk": "vmdk", ".vdi": "vdi", ".vhd": "vhd",
    ".vhdx": "vhdx", ".iso": "iso",
}  # fmt: skip
_PACKED = (".gz", ".bz2", ".xz", ".zst")

#: Options that say what a site says itself of its images.
_OF_A_FILE = ("name", "disk_format", "container_format", "size", "checksum", "property", "tag",
              "min_disk", "min_ram")  # fmt: skip


class CreateImage(base.ShowOne):
    """Take an image into the catalogue: from a site, from a file, or from a URL.

    A file is sent at once, to Glint or, with --credential, from there to a first site; a URL is
    read when the image is first deployed. An image at a site keeps the name, format and properties
    that it has there. Nothing stays in the catalogue when the upload fails.

    Examples: openstack glint image create --file debian.qcow2 --credential ALTO;
    openstack glint image create --url https://cloud.example.org/debian.qcow2 --min-disk 2;
    openstack glint image create --site-image 13a9e000-0000-4000-8000-000000000001 --credential ALTO
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--site-image", metavar="ID", help="Id that the image has at a site")
        source.add_argument("--file", metavar="FILE", help="File to upload; - is standard input")
        source.add_argument("--url", metavar="URL", help="Where the image is on the web")
        parser.add_argument(
            "--credential",
            metavar="CREDENTIAL",
            help="Where the image is, or where a file goes first: id, name 'SITE (project)', or the"
            " site's name where it has only one",
        )
        labels = parser.add_argument_group("of a file or a URL")
        labels.add_argument(
            "--name", metavar="NAME", help="Name (default: that of the file without its ending)"
        )
        labels.add_argument(
            "--disk-format",
            metavar="FORMAT",
            help="raw, qcow2, vmdk, ... (default: what the file's name ends with)",
        )
        labels.add_argument(
            "--container-format", metavar="FORMAT", help="bare, ova, ... (default: bare)"
        )
        labels.add_argument(
            "--size",
            type=base.count,
            metavar="BYTES",
            help="What the content must have, in bytes (default: any)",
        )
        labels.add_argument(
            "--checksum",
            action="append",
            default=[],
            metavar="ALGORITHM:HEX",
            help="What the content must have, such as sha256:9f86d0...; repeatable",
        )
        options.add_labels(labels)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        args = parsed_args
        if args.site_image:
            if args.credential is None:
                raise exceptions.CommandError("--site-image needs --credential: where it is.")
            given = [name for name in _OF_A_FILE if getattr(args, name) not in (None, [])]
            if given:
                option = f"--{given[0].replace('_', '-')}"
                raise exceptions.CommandError(
                    f"{option} does not go with --site-image: the site says it. See: openstack"
                    " glint image set"
                )
        if args.credential is not None and args.url:
            raise exceptions.CommandError(
                "A URL is read when the image is deployed: leave --credential out here."
            )
        column = self.finder().credential(args.credential)["id"] if args.credential else None
        if args.site_image:
            return base.one(self.client.images.create(str(column), args.site_image))
        if args.url:
            return base.one(self._create(args, args.url.partition("?")[0], source_url=args.url))
        return base.one(self._upload(args, column))

    def _create(self, args: argparse.Namespace, path: str, **more: Any) -> Resource:
        name = path.rpartition("/")[2]
        plain = name
        for ending in _PACKED:
            plain = plain.removesuffix(ending)
        disk_format = args.disk_format or _ENDINGS.get(pathlib.PurePath(plain.lower()).suffix)
        if disk_format is None:
            raise exceptions.CommandError("Say with --disk-format what format the image has.")
        name = args.name or pathlib.PurePath(plain).stem
        if not name or name == "-":
            raise exceptions.CommandError("Say with --name how the image is to be called.")
        expected = dict(_checksum(text) for text in args.checksum)
        given = {"container_format": args.container_format, "size": args.size}
        more |= {key: value for key, value in given.items() if value is not None}
        more |= options.labels(args)
        return self.client.image_files.create(name, disk_format, expected=expected, **more)

    def _upload(self, args: argparse.Namespace, column: str | None) -> Resource:
        with _opened(args.file) as stream:
            image = self._create(args, "-" if args.file == "-" else args.file)
            try:
                with progress(image["name"], self.quiet) as tell:
                    done = self.client.image_files.upload(
                        image["id"], stream, credential_id=column, progress=tell
                    )
            except BaseException:  # Ctrl-C too
                self._withdraw(image)
                raise
        if done["operation_id"] is not None:
            self.say(f"Operation {done['operation_id']} brings it to {args.credential}.")
        found: Resource = done["image"]
        return found

    def _withdraw(self, image: Resource) -> None:
        """The service keeps nothing of a broken upload; its row in the catalogue goes as well."""
        try:
            self.client.images.delete(image["id"])
        except ClientError as error:
            self.say(f"Image {image['id']} stays in the catalogue: {error}")


class SaveImage(base.Command):
    """Save the content of an image to a file, and check it.

    The file is there only when it is whole and right; what came of a download that failed is
    removed.

    Example: openstack glint image save --file debian.qcow2 debian
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--file", metavar="FILE", required=True, help="Where to write it")
        parser.add_argument("image", metavar="IMAGE", help="Name or id of the image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        image = self.finder().image(parsed_args.image)
        with progress(image["name"], self.quiet) as tell:
            size = self.client.image_files.download(image["id"], parsed_args.file, progress=tell)
        self.say(f"{size} bytes were saved to {parsed_args.file}.")


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise exceptions.CommandError(f"{safe(path)}: {error.strerror}") from error
    with file:
        state = os.fstat(file.fileno())
        if stat.S_ISREG(state.st_mode) and not state.st_size:
            raise exceptions.CommandError(f"{safe(path)} is empty.")
        yield file


def _checksum(text: str) -> tuple[str, str]:
    algorithm, colon, digest = text.partition(":")
    if not colon or not digest:
        raise exceptions.CommandError(f"{safe(text)} is no checksum: write sha256:9f86d0...")
    return algorithm.lower(), digest


@contextlib.contextmanager
def progress(name: str, quiet: bool) -> Iterator[Progress]:
    """A bar on standard error, where a person looks at it and wants it."""
    bar: tqdm.tqdm[Any] | None = None

    def tell(done: int, total: int | None) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm.tqdm(
                desc=safe(name)[:40],
                total=total,
                file=sys.stderr,
                unit="B",
                unit_scale=True,
                unit_divisor=1024,
                leave=False,
                disable=quiet or not sys.stderr.isatty(),
            )
        bar.update(done - bar.n)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()
