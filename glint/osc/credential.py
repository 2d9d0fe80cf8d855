"""``openstack glint credential ...``: the columns of the matrix."""

from __future__ import annotations

import argparse
import time
from typing import Any

from osc_lib import exceptions

from glint.client import Resource
from glint.osc import base, listing, login
from glint.osc.text import problem, safe

_SCAN_TIMEOUT = 120.0
_SCAN_INTERVAL = 0.5


def _add_register(parser: Any, default: str) -> None:
    parser.add_argument(
        "--register",
        action="append",
        choices=("shared", "community", "public"),
        help="Take images of other projects there into the catalogue too, when they are shared with"
        f" yours, or for the community, or public; repeatable (default: {default})",
    )


class CreateCredential(base.ShowOne):
    """Add the right to use a site: a column of the matrix. It is tried out at the site first.

    The secret is asked for at the terminal, or comes from --password-file, --password-env or
    --application-credential-file; it cannot be given as an argument. The same remote project again
    renews the credential that exists.

    Examples: openstack glint credential create ALTO --home;
    openstack glint credential create DAIR --application-credential-file clouds.yaml;
    openstack glint credential create DAIR --username ada --project physics
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("site", metavar="SITE", help="Name or id of the site")
        login.add_options(parser, required=True)
        parser.add_argument(
            "--shared",
            action="store_true",
            help="Usable by everyone in your project (default: by you only)",
        )
        _add_register(parser, "only images of your own project there")
        parser.add_argument(
            "--no-verify", action="store_true", help="Do not try it out at the site"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        site = self.finder().site(parsed_args.site)
        credential = self.client.credentials.create(
            site["id"],
            login.auth(parsed_args, self.client, site) or {},
            shared=parsed_args.shared,
            verify=not parsed_args.no_verify,
            register=parsed_args.register,
        )
        return base.one(credential)


class ListCredential(base.Lister):
    """List the credentials that you can use: the columns of the matrix.

    Example: openstack glint credential list --site DAIR
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--site", metavar="SITE", help="Only those of this site")
        return listing.add_options(parser, "site_id,created_at:desc")

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        site_id = self.finder().site(parsed_args.site)["id"] if parsed_args.site else None
        found = self.client.credentials.list(**listing.query(parsed_args, site_id=site_id))
        names = ("ID", "Name", "Site", "Auth Type", "Shared", "Verified At", "Scanned At", "Error")
        rows = (
            (
                c["id"],
                c["name"],
                c.get("site_name"),
                c.get("auth", {}).get("auth_type"),
                c.get("shared"),
                c.get("verified_at"),
                c.get("scanned_at"),
                problem(c),
            )
            for c in listing.cut(parsed_args, found)
        )
        return names, rows


class _OneCredential(base.ShowOne):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "credential",
            metavar="CREDENTIAL",
            help="Id, name 'SITE (project)', or the site's name where it has only one",
        )
        return parser


class ShowCredential(_OneCredential):
    """Show a credential, without its secret.

    Example: openstack glint credential show 'DAIR (physics)'
    """

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        return base.one(self.finder().credential(parsed_args.credential))


class SetCredential(_OneCredential):
    """Change a credential: a new login, or who may use it. What is not named stays.

    A new login is tried out at the site before it takes the place of the old one. Its secret is
    asked for, or comes from a file or the environment, as with 'glint credential create'.

    Examples: openstack glint credential set DAIR --shared;
    openstack glint credential set DAIR --register public;
    openstack glint credential set DAIR --application-credential-file clouds.yaml
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        login.add_options(parser, required=False)
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument(
            "--shared",
            action="store_true",
            default=None,
            help="Usable by everyone in your project",
        )
        whose.add_argument(
            "--private",
            action="store_false",
            default=None,
            dest="shared",
            help="Usable by you only",
        )
        found = parser.add_mutually_exclusive_group()
        _add_register(found, "as before")
        found.add_argument(
            "--no-register",
            action="store_const",
            const=[],
            dest="register",
            help="Take only your own project's images into the catalogue from now on; what is there"
            " stays",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        credential = finder.credential(parsed_args.credential)
        auth = login.auth(parsed_args, self.client, finder.site(credential["site_id"]))
        changes = {"auth": auth, "shared": parsed_args.shared, "register": parsed_args.register}
        changes = {key: value for key, value in changes.items() if value is not None}
        if not changes:
            raise exceptions.CommandError("Nothing to change was given; see --help.")
        changes["generation"] = credential["generation"]
        return base.one(self.client.credentials.update(credential["id"], **changes))


class VerifyCredential(_OneCredential):
    """Try a credential out at its site now. Exit code 1 when the site does not accept it.

    Example: openstack glint credential verify DAIR
    """

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        ident = self.finder().credential(parsed_args.credential)["id"]
        return base.one(self.client.credentials.verify(ident))


class ScanCredential(_OneCredential):
    """Look now what images a site has, and wait until that is done.

    Example: openstack glint credential scan DAIR --timeout 60
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--no-wait", action="store_true", help="Only order the scan")
        parser.add_argument(
            "--timeout",
            type=base.positive,
            default=_SCAN_TIMEOUT,
            metavar="SECONDS",
            help=f"How long to wait (default: {_SCAN_TIMEOUT:g} seconds)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        before = self.finder().credential(parsed_args.credential)
        credential = self.client.credentials.scan(before["id"])
        if not parsed_args.no_wait:
            credential = self._wait(before, parsed_args.timeout)
        return base.one(credential)

    def _wait(self, before: Resource, timeout: float) -> Resource:
        """Until the time of the last scan, or the error of the credential, has changed."""
        deadline = time.monotonic() + timeout
        while True:
            now = self.client.credentials.get(before["id"])
            if now.get("scanned_at") != before.get("scanned_at"):
                return now
            if now.get("error_code") and _error(now) != _error(before):
                self.failures.append(f"{safe(now['name'])}: {safe(problem(now))}")
                return now
            if time.monotonic() >= deadline:
                self.late.append(
                    f"{safe(now['name'])}: no scan was finished within {timeout:g} s"
                    f" {safe(problem(now))}".rstrip()
                )
                return now
            time.sleep(_SCAN_INTERVAL)


def _error(credential: Resource) -> tuple[Any, ...]:
    return tuple(credential.get(k) for k in ("error_code", "error_detail", "updated_at"))


class DeleteCredential(base.Command):
    """Delete credentials: the columns go, the images at the sites stay.

    Example: openstack glint credential delete 'DAIR (physics)'
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "credential", metavar="CREDENTIAL", nargs="+", help="Id, or name 'SITE (project)'"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Even with images wished there, or when the application credential that Glint made"
            " for itself cannot be removed",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        finder = self.finder()
        self.for_each(
            parsed_args.credential,
            lambda ref: self.client.credentials.delete(
                finder.credential(ref)["id"], force=parsed_args.force
            ),
        )
