"""``openstack glint operation ...``, and what all commands that Save have in common."""

from __future__ import annotations

import argparse
from typing import cast

from keystoneauth1 import exceptions as ksa

from glint.client import ClientError, Resource, WaitTimeout
from glint.osc import base, listing
from glint.osc.find import Finder
from glint.osc.progress import Progress
from glint.osc.text import Lines, problem, progress, safe

#: Seconds for which --wait without a number waits: a day.
A_DAY = 86400.0

CELL_COLUMNS = ("Image", "Credential", "Wish", "State", "Error", "Operation")

_ALL_AT_ONCE = 5


def learn_names(finder: Finder, things: list[Resource]) -> None:
    """Read the catalogue in one go where many images are to be named."""
    if len({thing.get("image_id") for thing in things}) > _ALL_AT_ONCE:
        finder.learn_images()


class Waiting(base.Glint):
    """Mixed into commands that wait for operations."""

    def wait(self, finder: Finder, operation: Resource, timeout: float) -> Resource:
        """The operation when it is finished, or when the time is over.

        What did not come true is added to the failures, cell by cell; what is not finished, to
        what is late.
        """
        ident = operation["id"]
        try:
            with Progress(self.client, finder) as progress:
                told = None if self.quiet else progress
                operation = self.client.wait_for(ident, timeout=timeout, callback=told)
        except WaitTimeout as e:
            self.late.append(f"{safe(e.detail)} See: openstack glint operation wait {ident}")
            return cast(Resource, e.operation or operation)
        except (KeyboardInterrupt, ClientError, ksa.ClientException):
            self.say(f"The operation goes on. See: openstack glint operation wait {ident}")
            raise
        self.failures += self.failed_cells(finder, operation)
        return operation

    def failed_cells(self, finder: Finder, operation: Resource) -> list[str]:
        """One sentence for each change of a finished operation that did not come true."""
        if operation["state"] == "done":
            return []
        sentences = [
            f"{safe(finder.cell(change))}: {safe(change['state'])}"
            f" ({safe(problem(change)) or 'no reason given'})"
            for change in operation.get("changes", [])
            if change.get("state") in ("failed", "cancelled")
        ]
        return sentences or [f"Operation {operation['id']} is {safe(operation['state'])}"]


class ListOperation(base.Lister):
    """List the Saves of your project, newest first.

    Example: openstack glint operation list --limit 10
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return listing.add_options(super().get_parser(prog_name), "created_at:asc", 100)

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        operations = self.client.operations.list(**listing.query(parsed_args))
        rows = [
            (
                o["id"],
                o["state"],
                len(o.get("changes", [])),
                progress(o, "state", "done"),
                o.get("created_at"),
            )
            for o in listing.cut(parsed_args, operations)
        ]
        return ("ID", "State", "Changes", "Percent", "Created At"), rows


class ShowOperation(base.ShowOne):
    """Show a Save, and what became of each of its cells.

    Example: openstack glint operation show 6d3f0c52-8a5e-4f0e-9d1c-0b8a1f7e2c44
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("operation", metavar="OPERATION", help="Id of the operation")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        operation = self.client.operations.get(parsed_args.operation)
        if not base.structured(parsed_args):
            finder = self.finder()
            changes = operation.get("changes", [])
            learn_names(finder, changes)
            operation["changes"] = Lines(_line(finder, change) for change in changes)
        return base.one(operation)


def _line(finder: Finder, change: Resource) -> str:
    wish = "deploy" if change.get("wanted") else "undeploy"
    why = problem(change)
    tail = f" ({why})" if why else ""
    return f"{wish} {finder.cell(change)}: {change.get('state') or 'nothing to do'}{tail}"


class WaitOperation(Waiting, base.Lister):
    """Wait until operations are finished.

    Exit code 1 unless all cells came true, 3 when the time is over before.

    Example: openstack glint operation wait 6d3f0c52-8a5e-4f0e-9d1c-0b8a1f7e2c44 --timeout 600
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("operation", metavar="OPERATION", nargs="+", help="Id of an operation")
        parser.add_argument(
            "--timeout",
            type=base.positive,
            default=A_DAY,
            metavar="SECONDS",
            help=f"How long to wait for each (default: {A_DAY:g} seconds, a day)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        finder = self.finder()
        operations: list[Resource] = []

        def wait(ref: str) -> None:
            known = self.client.operations.get(ref)
            operations.append(self.wait(finder, known, parsed_args.timeout))

        self.for_each(parsed_args.operation, wait)
        return cells(finder, operations)


def cells(finder: Finder, operations: list[Resource]) -> base.Table:
    """One row for each cell of the operations."""
    changes = [(o, change) for o in operations for change in o.get("changes", [])]
    learn_names(finder, [change for _, change in changes])
    rows = [
        (
            finder.image_name(change.get("image_id")),
            finder.credential_name(change.get("credential_id")),
            "deploy" if change.get("wanted") else "undeploy",
            change.get("state") or operation["state"],
            problem(change),
            operation["id"],
        )
        for operation, change in changes
    ]
    return CELL_COLUMNS, rows
