"""``openstack glint matrix show``: which image is where."""

from __future__ import annotations

import argparse
import collections
import os
from typing import Any

from cliff import columns
from osc_lib import exceptions

from glint.client import Resource
from glint.client.client import Matrix
from glint.osc import base, listing
from glint.osc.history import STATUSES
from glint.osc.text import percent, problem, safe

_MAX_REASONS = 10
_SHOWS = ("all", "mine", "shared", "public")
_CONFLICTS = ("same_name", "same_content", "duplicate")
#: What a ! or a ? stands for.
_PROBLEMS = ("failed", "drifted", "unknown")
#: By the last character of a symbol: green, yellow, red.
_COLOURS = {"X": "32", "%": "33", "-": "33", "!": "31", "?": "31"}


def symbol(cell: Resource | None) -> str:
    """X there and proven, per cent on its way, - going, ! failed or changed, ? not known."""
    cell = cell or {}
    status = cell.get("status", "absent")
    if status in ("queued", "copying", "verifying"):
        return f"{percent(cell.get('bytes_done'), cell.get('bytes_total'))}%"
    signs = {"absent": "", "active": "X", "removing": "-", "failed": "!", "drifted": "!"}
    return signs.get(status, "?")


class Sign(columns.FormattableColumn[str]):
    """A symbol that a terminal shows in colour; it is ours, never text from elsewhere."""

    def human_readable(self) -> str:
        colour = _COLOURS.get(self._value[-1:])
        return f"\x1b[{colour}m{self._value}\x1b[0m" if colour else self._value

    def machine_readable(self) -> str:
        return self._value


class ShowMatrix(base.Lister):
    """Show which image is at which site.

    X: there, its content proven. A number: per cent of a copy under way. -: being removed.
    !: failed, or changed at the site. ?: not known, the site does not answer. Empty: not there.
    In colour where standard output is a terminal, unless NO_COLOR is set.

    Rows can be chosen by their cells in the columns that are shown, whatever these are.

    Examples: openstack glint matrix show --site DAIR --problems;
    openstack glint matrix show --differs --sort size:desc --limit 20;
    openstack glint matrix show --counts
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="NAME", help="Only images of this name")
        parser.add_argument(
            "--site",
            action="append",
            default=[],
            metavar="SITE",
            help="Only the columns of this site or credential (name or id); repeatable",
        )
        cells = parser.add_mutually_exclusive_group()
        cells.add_argument(
            "--problems", action="store_true", help="Only images with a ! or ? in a column shown"
        )
        cells.add_argument(
            "--status",
            action="append",
            choices=STATUSES,
            help="Only images with a cell of this status; repeatable, one of them is enough",
        )
        parser.add_argument(
            "--differs",
            action="store_true",
            default=None,
            help="Only images with a cell that is not as wished",
        )
        parser.add_argument(
            "--conflict",
            choices=_CONFLICTS,
            help="Only images whose name another one has, whose content is somewhere under another"
            " name, or which a site has twice",
        )
        parser.add_argument(
            "--show",
            choices=_SHOWS,
            help="Whose images: of the project that the credential is for, of others that share"
            " them, or public ones (default: all)",
        )
        parser.add_argument(
            "--counts",
            action="store_true",
            help="Instead of images, how many of them each of these choices would show",
        )
        return listing.add_options(
            parser, "size:desc,name", example="size=gte:1000000000", all_projects=False
        )

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        columns = self._columns(parsed_args.site)
        if parsed_args.counts:
            counts = self.client.matrix_counts(credential_id=columns)
            return ("Choice", "Images"), sorted(counts.items())
        status = _PROBLEMS if parsed_args.problems else parsed_args.status
        asked = listing.query(
            parsed_args,
            name=listing.exact(parsed_args.name),
            credential_id=columns,
            status=f"in:{','.join(status)}" if status else None,
            differs=parsed_args.differs,
            conflict=parsed_args.conflict,
            show=parsed_args.show,
        )
        matrix = self.client.matrix(**asked)
        matrix = Matrix(matrix.credentials, iter(listing.cut(parsed_args, matrix.images)))
        if base.structured(parsed_args):
            return _structure(matrix)
        names, rows = self._table(matrix)
        if parsed_args.formatter == "table" and self._colourful():
            return names, [[row[0], *(Sign(cell) for cell in row[1:])] for row in rows]
        return names, rows

    def _columns(self, refs: list[str]) -> str | None:
        """The filter for the columns that are asked for; None for all.

        :raises CommandError: one of ``refs`` means none of them.
        """
        if not refs:
            return None
        keys = ("id", "name", "site_id", "site_name")
        known = self.finder().credentials.values()
        for ref in refs:
            if not any(ref in (column.get(key) for key in keys) for column in known):
                names = ", ".join(safe(column["name"]) for column in known) or "none"
                raise exceptions.CommandError(f"{safe(ref)!r} is no column; there are: {names}.")
        chosen = [c["id"] for c in known if {c.get(key) for key in keys} & {*refs}]
        return f"in:{','.join(chosen)}"

    def _colourful(self) -> bool:
        return self.app.stdout.isatty() and not os.environ.get("NO_COLOR")

    def _table(self, matrix: Matrix) -> tuple[list[str], list[list[str]]]:
        images = list(matrix.images)
        names = _image_names(images)
        rows = []
        reasons = []
        for image in images:
            cells = image.get("cells", {})
            row = [names[image["id"]]]
            for credential in matrix.credentials:
                cell = cells.get(credential["id"])
                row.append(symbol(cell))
                if row[-1] in ("!", "?"):
                    reasons.append(_reason(row[-1], image, credential, cell))
            rows.append(row)
        for reason in reasons[:_MAX_REASONS]:
            self.say(reason)
        if len(reasons) > _MAX_REASONS:
            self.say(f"... and {len(reasons) - _MAX_REASONS} more; see -f json")
        return ["Image", *_headers(matrix.credentials)], rows


def _reason(sign: str, image: Resource, credential: Resource, cell: Resource | None) -> str:
    why = problem(cell or {}) or (cell or {}).get("status")
    return f"{sign} {image.get('name')} at {credential.get('name')}: {why}"


def _headers(credentials: list[Resource]) -> list[str]:
    """A name per column; a table cannot have two of one name, so those get their id added.

    Compared as they are shown: the names are foreign, and cleaning can make two of them alike.
    """
    names = [safe(c["name"]) for c in credentials]
    taken = collections.Counter(["Image", *names])
    return [
        f"{name} [{c['id']}]" if taken[name] > 1 or c["id"] in name else name
        for name, c in zip(names, credentials, strict=True)
    ]


def _image_names(images: list[Resource]) -> dict[str, str]:
    """A label per row; a part of the content's hash tells images of one name apart."""
    times = collections.Counter(image["name"] for image in images)
    return {
        image["id"]: f"{image['name']} [{(image.get('os_hash_value') or image['id'])[:12]}]"
        if times[image["name"]] > 1
        else str(image["name"])
        for image in images
    }


def _structure(matrix: Matrix) -> base.Table:
    keys = ("id", "name", "size", "os_hash_algo", "os_hash_value", "disk_format", "generation")
    names = (*keys, "conflicts", "cells")
    rows = (
        [
            *(image.get(key) for key in keys),
            image.get("conflicts", []),
            [_cell(image, credential) for credential in matrix.credentials],
        ]
        for image in matrix.images
    )
    return names, rows


def _cell(image: Resource, credential: Resource) -> dict[str, Any]:
    cell = image.get("cells", {}).get(credential["id"]) or {"status": "absent"}
    where = {
        "credential_id": credential["id"],
        "credential": credential["name"],
        "site": credential.get("site_name"),
    }
    return {**where, "symbol": symbol(cell), **cell}
