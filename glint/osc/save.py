"""``openstack glint save``: many wishes from a file, all together or none."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from osc_lib import exceptions

from glint.osc import base, changes, deploy
from glint.osc.saving import Saving


class _FileOrFormat(argparse.Action):
    """-f: of every other command it is the format, and of this one people expect the file.

    The name of a format is the format; a file of such a name is written ./json.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        formats = next(a.choices for a in parser._actions if a.dest == "formatter")
        named = option_string == "-f" and values in (formats or ())
        setattr(namespace, "formatter" if named else self.dest, values)


class Save(Saving):
    """Save the wishes of a file: all of them, or none if one is refused.

    The file is YAML or JSON: a list 'changes', whose entries have 'image' (a name or id, or a list
    of them) and 'to' or 'from' or both (a site, a credential, a list of them, or all), and with
    'from' optionally 'allow_foreign: true' and 'allow_last_copy: true'. Such as:
    'changes: [{image: [cirros, debian], to: all}, {image: centos-7, from: DAIR}]'

    Example: openstack glint save -f changes.yaml --dry-run
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        formats = parser._option_string_actions.pop("-f")
        formats.option_strings = [o for o in formats.option_strings if o != "-f"]
        parser.add_argument(
            "-f",
            "--file",
            action=_FileOrFormat,
            metavar="FILE",
            help="The file with the wishes; - is standard input. Followed by the name of an output"
            " format (json, yaml, ...), -f chooses that, as elsewhere",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        if parsed_args.file is None:
            raise exceptions.CommandError("Name the file with the wishes: -f FILE.")
        finder = self.finder()
        entries = changes.read(parsed_args.file)
        wished = changes.resolve(entries, finder, lambda: deploy.everywhere(self.client))
        return self.save(parsed_args, finder, wished)
