"""What all commands share: the client, clean output, exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from osc_lib import exceptions
from osc_lib.command import command

from glint.client import Client, ClientError
from glint.osc import find
from glint.osc.text import plain, safe

#: What a display command returns: column names and values.
Table = tuple[Sequence[str], Iterable[Any]]

#: Formats that escape whatever they hold, and keep structure.
_STRUCTURED = frozenset({"json", "yaml"})


#: Exit code when the time limit of a wait is over and the work goes on.
TIMED_OUT = 3


class Glint(command.Command):
    """Mixed into every command.

    ``failures`` are sentences about parts of the command that went wrong: they are said at the end,
    after the output, and make the exit code 1. ``late`` are sentences about what is not finished
    when the time is over; alone they make the exit code 3.
    """

    failures: list[str]
    late: list[str]

    @property
    def client(self) -> Client:
        return cast(Client, self.app.client_manager.image_distribution)  # type: ignore[attr-defined]

    @property
    def quiet(self) -> bool:
        """Whether the openstack command was told --quiet."""
        return getattr(self.app_args, "verbose_level", 1) == 0

    def finder(self) -> find.Finder:
        return find.Finder(self.client)

    def run(self, parsed_args: argparse.Namespace) -> int:
        self.failures, self.late = [], []
        try:
            code = super().run(parsed_args)
        except ClientError as e:
            raise exceptions.CommandError(safe(e)) from e
        if self.failures:
            raise exceptions.CommandError("\n".join([*self.failures, *self.late]))
        for sentence in self.late:
            self.say(sentence)
        return TIMED_OUT if self.late else code

    def say(self, sentence: str) -> None:
        """A word to the person, beside the output."""
        sys.stderr.write(f"{safe(sentence)}\n")

    def for_each(self, refs: Sequence[str], act: Callable[[str], object]) -> None:
        """Do ``act`` for all, whatever happens with some of them; say which failed and why."""
        for ref in refs:
            try:
                act(ref)
            except ClientError as e:
                self.failures.append(f"{safe(ref)}: {safe(e)}")
            except exceptions.CommandError as e:
                self.failures.append(f"{safe(ref)}: {e}")


class _Display(Glint):
    """Cleans what goes to a terminal; JSON and YAML keep the values as they are."""

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        if parsed_args.formatter not in _STRUCTURED:
            column_names = [safe(name) for name in column_names]
            data = self.cleaned(parsed_args.formatter, data)
        return cast(int, super().produce_output(parsed_args, column_names, data))  # type: ignore[misc]

    def cleaned(self, formatter: str, data: Any) -> Any:
        raise NotImplementedError


class Command(Glint):
    """Prints nothing."""


class Lister(_Display, command.Lister):
    """Prints a table."""

    def cleaned(self, formatter: str, data: Any) -> Any:
        return [[plain(value) for value in row] for row in data]


class ShowOne(_Display, command.ShowOne):
    """Prints one thing."""

    def cleaned(self, formatter: str, data: Any) -> Any:
        values = [plain(value) for value in data]
        if formatter == "shell":
            values = [_for_shell(v) if isinstance(v, str) else v for v in values]
        return values


def _for_shell(value: str) -> str:
    """What the formatter itself forgets inside double quotes; it is made to be evaluated."""
    return value.replace("\\", "\\\\").replace("$", "\\$").replace("`", "\\`")


def structured(parsed_args: argparse.Namespace) -> bool:
    """Whether the chosen format keeps lists and mappings."""
    return parsed_args.formatter in _STRUCTURED


def one(thing: dict[str, Any]) -> Table:
    """A thing of the API as ShowOne wants it, in the API's order."""
    return tuple(thing), tuple(thing.values())


def key_value(option: str, pair: str) -> tuple[str, str]:
    """Both sides of ``KEY=VALUE``.

    :raises CommandError: it is no such pair.
    """
    key, equals, value = pair.partition("=")
    if not key or not equals:
        raise exceptions.CommandError(f"{option} {safe(pair)!r}: expected KEY=VALUE")
    return key, value


def positive(text: str) -> float:
    """Seconds; for argparse."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return value


def whole(text: str) -> int:
    """A number that may be 0; for argparse."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return value


def count(text: str) -> int:
    """A number of things; for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
