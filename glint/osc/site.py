"""``openstack glint site ...``"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

from osc_lib import exceptions

from glint.client import Resource
from glint.osc import base, listing
from glint.osc.text import safe

_MAX_FILE = 1 << 20


class ListSiteType(base.Lister):
    """List the kinds of clouds that this Glint can talk to.

    Example: openstack glint site type list
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        return listing.add_options(
            parser, "name:desc", all_projects=False, example="name=prefix:open"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        found = self.client.site_types.list(**listing.query(parsed_args))
        types = listing.cut(parsed_args, found)
        rows = [(t["name"], t.get("description"), sorted(t.get("auth_schemas", {}))) for t in types]
        return ("Name", "Description", "Auth Types"), rows


class ShowSiteType(base.ShowOne):
    """Show what a kind of cloud needs to be told; best with -f json.

    Example: openstack glint site type show openstack -f json
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("type", metavar="TYPE", help="Name of the site type")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        return base.one(self.client.site_types.get(parsed_args.type))


def _add_connection_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--auth-url", metavar="URL", help="Address of the site's Keystone (type openstack)"
    )
    group.add_argument("--region", metavar="REGION", help="Region, if not the first of the site")
    group.add_argument(
        "--interface",
        choices=("public", "internal", "admin"),
        help="Which address of the site's catalogue to use (default: public)",
    )
    group.add_argument(
        "--ca-cert", metavar="FILE", help="PEM file with the CA that the site's certificate is from"
    )
    group.add_argument(
        "--insecure-tls",
        action="store_true",
        help="Do not verify the site's certificate; needs the role of an administrator",
    )
    group.add_argument(
        "--connection",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="Any other connection value that the site type knows, repeatable; JSON where it is"
        " JSON, else text. See: openstack glint site type show TYPE",
    )


def _connection(args: argparse.Namespace) -> dict[str, Any]:
    """The connection values that were given.

    :raises CommandError: one cannot be read.
    """
    values: dict[str, Any] = {
        "auth_url": args.auth_url,
        "region": args.region,
        "interface": args.interface,
        "ca_cert": _read(args.ca_cert) if args.ca_cert else None,
        "insecure": args.insecure_tls or None,
    }
    for pair in args.connection:
        key, text = base.key_value("--connection", pair)
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return {key: value for key, value in values.items() if value is not None}


def _read(path: str) -> str:
    try:
        with pathlib.Path(path).open("rb") as file:
            content = file.read(_MAX_FILE + 1)
        if len(content) > _MAX_FILE:
            raise exceptions.CommandError(f"{safe(path)} is larger than {_MAX_FILE} bytes")
        return content.decode()
    except (OSError, UnicodeDecodeError) as e:
        raise exceptions.CommandError(f"{safe(path)} cannot be read: {e}") from e


def _add_politeness_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-transfers", type=base.count, metavar="N", help="Copies to the site at one time"
    )
    parser.add_argument(
        "--bandwidth",
        type=base.count,
        metavar="BYTES",
        help="Bytes per second into the site, and as many out of it, over all conductors",
    )
    parser.add_argument(
        "--hours",
        metavar="HH:MM-HH:MM[,...]",
        help="Hours in UTC in which copies to the site may begin, for example 22:00-06:00",
    )


def _politeness(parsed_args: argparse.Namespace) -> dict[str, Any]:
    names = ("max_transfers", "bandwidth", "hours")
    values = {name: getattr(parsed_args, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


class CreateSite(base.ShowOne):
    """Add a cloud in which images can be kept. It is asked first whether it answers.

    Example: openstack glint site create DAIR --auth-url https://keystone.dair.example:5000/v3
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="What the site shall be called")
        parser.add_argument(
            "--type", default="openstack", metavar="TYPE", help="Site type (default: openstack)"
        )
        _add_connection_options(parser)
        _add_politeness_options(parser)
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument(
            "--shared",
            action="store_true",
            help="For all projects; needs the role of an administrator",
        )
        whose.add_argument(
            "--private",
            action="store_true",
            help="For yourself only (default: for your whole project)",
        )
        parser.add_argument("--disabled", action="store_true", help="Do not use it yet")
        parser.add_argument("--no-probe", action="store_true", help="Do not ask the site first")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        site = self.client.sites.create(
            parsed_args.name,
            parsed_args.type,
            _connection(parsed_args),
            enabled=not parsed_args.disabled,
            shared=parsed_args.shared,
            private=parsed_args.private,
            probe=not parsed_args.no_probe,
            **_politeness(parsed_args),
        )
        return base.one(site)


class ListSite(base.Lister):
    """List the sites that your project can see.

    Example: openstack glint site list --long
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="NAME", help="Only sites of this name")
        parser.add_argument("--type", metavar="TYPE", help="Only sites of this type")
        parser.add_argument("--long", action="store_true", help="Also address and state in words")
        return listing.add_options(parser, "health,name:desc", example="health=neq:ok")

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        names = ["ID", "Name", "Type", "Health", "Enabled", "Home", "Shared", "Private"]
        keys = ["id", "name", "type", "health", "enabled", "home", "shared", "private"]
        if parsed_args.long:
            names += ["Connection", "Health Code", "Health Detail", "Health At", "Max Transfers"]
            keys += ["connection", "health_code", "health_detail", "health_at", "max_transfers"]
        asked = listing.query(
            parsed_args,
            name=listing.exact(parsed_args.name),
            type=listing.exact(parsed_args.type),
        )
        found = self.client.sites.list(**asked)
        sites = listing.cut(parsed_args, found)
        return names, ([site.get(key) for key in keys] for site in sites)


class _OneSite(base.ShowOne):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("site", metavar="SITE", help="Name or id of the site")
        return parser


class ShowSite(_OneSite):
    """Show a site.

    Example: openstack glint site show DAIR -f json
    """

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        return base.one(self.finder().site(parsed_args.site))


class ProbeSite(_OneSite):
    """Ask a site now whether it answers. Exit code 1 when it does not.

    Example: openstack glint site probe DAIR
    """

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        site = self.client.sites.probe(self.finder().site(parsed_args.site)["id"])
        if site.get("health") != "ok":
            self.failures.append(_illness(site))
        return base.one(site)


def _illness(site: Resource) -> str:
    parts = [site.get("health_code"), site.get("health_detail")]
    why = ": ".join(safe(part) for part in parts if part) or safe(site.get("health"))
    return f"Site {safe(site.get('name'))} is not well: {why}"


class SetSite(_OneSite):
    """Change a site. Connection values that are not named stay; a changed one is tried out first.

    Examples: openstack glint site set DAIR --disable;
    openstack glint site set DAIR --bandwidth 50000000 --hours 22:00-06:00
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="NAME", help="New name")
        _add_connection_options(parser)
        _add_politeness_options(parser)
        parser.add_argument(
            "--no-bandwidth", action="store_true", help="Lift the cap on the bandwidth"
        )
        parser.add_argument("--no-hours", action="store_true", help="Let copies begin at any time")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument(
            "--enable",
            action="store_true",
            default=None,
            dest="enabled",
            help="Use the site again: what is wished there is carried out",
        )
        switch.add_argument(
            "--disable",
            action="store_false",
            default=None,
            dest="enabled",
            help="Do not use the site; what is wished there waits",
        )
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument(
            "--private",
            action="store_true",
            default=None,
            help="Keep the site for yourself: nobody else may have a credential for it",
        )
        whose.add_argument(
            "--no-private",
            action="store_false",
            default=None,
            dest="private",
            help="Give the site to your whole project",
        )
        parser.add_argument(
            "--unset-connection",
            action="append",
            default=[],
            metavar="KEY",
            help="Forget a connection value, repeatable: region, interface, ca_cert, insecure, ...",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        site = self.finder().site(parsed_args.site)
        changes: dict[str, Any] = {
            "name": parsed_args.name,
            "enabled": parsed_args.enabled,
            "private": parsed_args.private,
            **_politeness(parsed_args),
        }
        changes = {key: value for key, value in changes.items() if value is not None}
        for name in ("bandwidth", "hours"):
            if getattr(parsed_args, f"no_{name}"):
                changes[name] = None
        connection, known = _connection(parsed_args), site.get("connection", {})
        for key in parsed_args.unset_connection:
            if key not in known:
                raise exceptions.CommandError(
                    f"{safe(site['name'])} has no connection value {safe(key)!r}; it has:"
                    f" {', '.join(safe(name) for name in sorted(known))}."
                )
        if connection or parsed_args.unset_connection:
            left = {k: v for k, v in known.items() if k not in parsed_args.unset_connection}
            changes["connection"] = {**left, **connection}
        if not changes:
            raise exceptions.CommandError("Nothing to change was given; see --help.")
        changes["generation"] = site["generation"]
        return base.one(self.client.sites.update(site["id"], **changes))


class DeleteSite(base.Command):
    """Delete sites. Their credentials go first; nothing is removed in the clouds themselves.

    Example: openstack glint site delete DAIR
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("site", metavar="SITE", nargs="+", help="Name or id of a site")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        finder = self.finder()
        self.for_each(
            parsed_args.site, lambda ref: self.client.sites.delete(finder.site(ref)["id"])
        )
