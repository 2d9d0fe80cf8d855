"""The installation guide as a list of steps."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "doc" / "source" / "install" / "service.rst"

_BLOCK = re.compile(r"^\.\. code-block:: (\w+)$")
_CAPTION = re.compile(r"^   :caption: (\S+)$")
_NOT_RUN = re.compile(r"^\.\. not run by the test: (.+)$")


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do, in the order of the page.

    :ivar file: where ``text`` goes, or None where ``text`` is a command
    :ivar not_run: why the walk leaves it out, or None
    """

    text: str
    file: str | None
    not_run: str | None


def steps(text: str) -> Iterator[Step]:
    """The commands and files of a page; code blocks that are neither are examples."""
    lines, not_run = text.splitlines(), None
    for number, line in enumerate(lines):
        if found := _NOT_RUN.match(line):
            not_run = found[1]
        elif found := _BLOCK.match(line):
            caption = _CAPTION.match(lines[number + 1])
            body = _body(lines[number + (2 if caption else 1) :])
            if caption:
                yield Step(body, caption[1], not_run)
            elif found[1] == "console":
                for command in body.splitlines():
                    yield Step(command.removeprefix("# ").removeprefix("$ "), None, not_run)
            not_run = None


def _body(lines: list[str]) -> str:
    """What is indented, until something is not."""
    body = []
    for line in lines:
        if line and not line.startswith("   "):
            break
        body.append(line[3:])
    return "\n".join(body).strip("\n") + "\n"
