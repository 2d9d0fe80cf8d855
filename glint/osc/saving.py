"""What all commands that Save have in common: the dry run, the Save, the wait, the rows."""

from __future__ import annotations

import argparse
import time
from typing import Any

from osc_lib import exceptions

from glint.client import Conflict, Resource
from glint.osc import base, operation
from glint.osc.find import Finder
from glint.osc.text import Size, human_bytes, problem, safe

#: Statuses that end by themselves, and those that need a person.
_MOVING = frozenset({"queued", "copying", "verifying", "removing"})
_BAD = frozenset({"failed", "drifted", "unknown"})
_INTERVAL = 1.0


class Saving(operation.Waiting, base.Lister):
    """A command that writes wishes, and waits for them if told to."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--wait",
            nargs="?",
            const=operation.A_DAY,
            type=base.positive,
            metavar="SECONDS",
            help="Wait until it is done, with progress on standard error"
            f" (default: {operation.A_DAY:g} seconds); exit code 1 unless all went well, 3 when"
            " the time is over",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Only show what would be done; exit code 1 if something would be refused",
        )
        return parser

    def save(
        self, parsed_args: argparse.Namespace, finder: Finder, changes: list[dict[str, Any]]
    ) -> base.Table:
        """Save, or tell what a Save would do; a row for each cell."""
        if parsed_args.dry_run:
            return self._plan(finder, changes)
        try:
            saved = self.client.operations.create(changes)
        except Conflict as e:
            if e.code != "operation.no_change":
                raise _with_hint(e) from e
            self.say(e.detail)
            return self._as_it_is(finder, changes, parsed_args.wait)
        if parsed_args.wait is not None:
            saved = self.wait(finder, saved, parsed_args.wait)
        return operation.cells(finder, [saved])

    def _plan(self, finder: Finder, changes: list[dict[str, Any]]) -> base.Table:
        """What would be done, cell by cell, and how many bytes that are."""
        plan = self.client.operations.plan(changes)
        cells = plan.get("cells", [])
        operation.learn_names(finder, cells)
        for cell in cells:
            if cell.get("action") == "refused":
                option = _OPTIONS.get(cell.get("error_code"))
                hint = f" The option for that is {option}." if option else ""
                self.failures.append(
                    f"{safe(finder.cell(cell))}: refused ({safe(problem(cell))}){hint}"
                )
        self.say(
            f"{human_bytes(plan.get('bytes_to_move'))} would come to sites,"
            f" {human_bytes(plan.get('bytes_to_read'))} would be read. Nothing was saved."
        )
        rows = [
            (
                finder.image_name(cell.get("image_id")),
                finder.credential_name(cell.get("credential_id")),
                cell.get("action"),
                cell.get("method"),
                Size(cell.get("bytes")),
                cell.get("reason"),
            )
            for cell in cells
        ]
        return ("Image", "Credential", "Action", "Method", "Bytes", "Reason"), rows

    def _as_it_is(
        self, finder: Finder, changes: list[dict[str, Any]], wait: float | None
    ) -> base.Table:
        """The cells when there was nothing to save: that is no failure, a script may repeat itself.

        A cell that is not as wished all the same is one.
        """
        deadline = time.monotonic() + (wait or 0.0)
        rows = []
        for change in changes:
            cell = self._settled(change, deadline)
            status = cell.get("status", "absent")
            if status in _BAD or (wait and status in _MOVING):
                why = safe(problem(cell)) or "no reason given"
                said = self.failures if status in _BAD else self.late
                said.append(f"{safe(finder.cell(change))}: {safe(status)} ({why})")
            rows.append(
                (
                    finder.image_name(change["image_id"]),
                    finder.credential_name(change["credential_id"]),
                    "deploy" if change["wanted"] else "undeploy",
                    status,
                    problem(cell),
                    None,
                )
            )
        return operation.CELL_COLUMNS, rows

    def _settled(self, change: dict[str, Any], deadline: float) -> Resource:
        """The cell when nothing moves there any more, or when the time is over."""
        while True:
            found = self.client.deployments.list(
                image_id=change["image_id"], credential_id=change["credential_id"]
            )
            cell = next(found, {})
            if cell.get("status") not in _MOVING or time.monotonic() >= deadline:
                return cell
            time.sleep(_INTERVAL)


#: Refusals that an option of ours overrides.
_OPTIONS = {
    "deployment.not_made_by_glint": "--allow-foreign",
    "deployment.last_copy": "--allow-last-copy",
}


def _with_hint(error: Conflict) -> Exception:
    option = _OPTIONS.get(error.code)
    if option is None:
        return error
    return exceptions.CommandError(f"{safe(error)} The option for that is {option}.")
