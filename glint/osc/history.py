"""``openstack glint deployment|transfer|event ...``: cells, attempts, history."""

from __future__ import annotations

import argparse

from glint.osc import base, listing
from glint.osc.operation import learn_names
from glint.osc.text import problem, progress

STATUSES = (
    "absent",
    "queued",
    "copying",
    "verifying",
    "active",
    "removing",
    "failed",
    "drifted",
    "unknown",
)
_STATES = ("queued", "running", "done", "failed", "cancelled")


class ListDeployment(base.Lister):
    """List cells of the matrix with their state.

    Example: openstack glint deployment list --site DAIR --status failed
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--image", metavar="IMAGE", help="Only of this image (name or id)")
        parser.add_argument("--site", metavar="SITE", help="Only there (as in glint deploy --to)")
        parser.add_argument("--status", choices=STATUSES, help="Only with this status")
        wanted = parser.add_mutually_exclusive_group()
        wanted.add_argument("--wanted", action="store_true", default=None, help="Only wished ones")
        wanted.add_argument(
            "--not-wanted", action="store_false", default=None, dest="wanted", help="Only others"
        )
        return listing.add_options(
            parser, "status,updated_at:desc", example="updated_at=gt:2026-11-01"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        site = parsed_args.site
        asked = listing.query(
            parsed_args,
            image_id=finder.image(parsed_args.image)["id"] if parsed_args.image else None,
            credential_id=finder.credential(site)["id"] if site else None,
            status=parsed_args.status,
            wanted=parsed_args.wanted,
        )
        found = self.client.deployments.list(**asked)
        deployments = listing.cut(parsed_args, found)
        learn_names(finder, deployments)
        names = ("ID", "Image", "Credential", "Wanted", "Status", "Percent", "Remote ID", "Error")
        rows = [
            (
                d["id"],
                finder.image_name(d.get("image_id")),
                finder.credential_name(d.get("credential_id")),
                d.get("wanted"),
                d.get("status"),
                progress(d, "status", "active"),
                d.get("remote_id"),
                problem(d),
            )
            for d in deployments
        ]
        return names, rows


class ShowDeployment(base.ShowOne):
    """Show a cell: what is wished, what was seen, the proof.

    Example: openstack glint deployment show cirros@DAIR
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("deployment", metavar="DEPLOYMENT", help="Its id, or IMAGE@SITE")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        return base.one(self.finder().deployment(parsed_args.deployment))


class ListTransfer(base.Lister):
    """List attempts to make cells true.

    Example: openstack glint transfer list --state running
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--operation", metavar="ID", help="Only of this operation")
        parser.add_argument("--deployment", metavar="ID", help="Only of this cell")
        parser.add_argument("--image", metavar="IMAGE", help="Only of this image (name or id)")
        parser.add_argument("--state", choices=_STATES, help="Only in this state")
        parser.add_argument("--long", action="store_true", help="Also show why this method")
        return listing.add_options(parser, "created_at:asc", 100)

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        asked = listing.query(
            parsed_args,
            operation_id=parsed_args.operation,
            deployment_id=parsed_args.deployment,
            image_id=finder.image(parsed_args.image)["id"] if parsed_args.image else None,
            state=parsed_args.state,
        )
        found = self.client.transfers.list(**asked)
        transfers = listing.cut(parsed_args, found)
        learn_names(finder, transfers)
        names = ["ID", "Kind", "Method", "Image", "Credential", "State", "Percent", "Attempts"]
        names += ["Error", "Reason"] if parsed_args.long else ["Error"]
        rows = [
            (
                t["id"],
                t.get("kind"),
                t.get("method"),
                finder.image_name(t.get("image_id")),
                finder.credential_name(t.get("credential_id")),
                t.get("state"),
                progress(t, "state", "done"),
                t.get("attempts"),
                problem(t),
                *([t.get("reason")] if parsed_args.long else []),
            )
            for t in transfers
        ]
        return names, rows


class ShowTransfer(base.ShowOne):
    """Show an attempt to make a cell true: bytes, rate in bytes per second, seconds left, reason.

    Example: openstack glint transfer show 1b0e7d3a-5c57-4b9e-8a52-54a1c1e0d0c9
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("transfer", metavar="TRANSFER", help="Id of the transfer")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        return base.one(self.client.transfers.get(parsed_args.transfer))
