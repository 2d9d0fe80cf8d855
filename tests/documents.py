"""The pages of the documentation, as tests read them: blocks, commands, and who runs them.

Before each block with commands stands a comment that says who runs it, invisible to readers::

    .. run by: tests.functional.test_pages.PagesTest.test_first_steps
    .. not run: it needs an account at Amazon

At the top of a page, before its title, the comment holds for all blocks without one of their own.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCE = ROOT / "doc" / "source"
#: Written when the documentation is built.
MADE = SOURCE / "api" / "made"

_MARK = re.compile(r"^ *\.\. (run by|not run): (.+)$")
_BLOCK = re.compile(r"^( *)\.\. (code-block|literalinclude):: (\S+)$")
_OPTION = re.compile(r"^ +:([\w-]+): (.+)$")
_LITERAL = re.compile(r"^( *)(?!\.\. ).*::$")
_TITLE = re.compile(r"^([=~-])\1{2,}$")
_SPOKEN = re.compile(r"(?<!`)``([^`]+?)``(?!`)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Mark:
    """Who runs the commands of a block (``run by``), or why nobody does (``not run``)."""

    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Block:
    """What stands indented after ``.. code-block::`` or ``::``, or in an included file.

    :ivar where: page and line
    :ivar language: empty after ``::``
    :ivar caption: the file that the text belongs in, or None
    :ivar lines: what it takes of the page, from 0
    """

    where: str
    language: str
    caption: str | None
    text: str
    mark: Mark | None
    lines: range

    def commands(self) -> list[str]:
        """What is typed after a prompt, each on one line."""
        prompts = {"console": ("$ ", "# "), "": ("$ ",)}.get(self.language, ())
        joined = self.text.replace("\\\n", " ")
        lines = (line for line in joined.splitlines() if prompts and line.startswith(prompts))
        return [" ".join(line[2:].split()) for line in lines]


def pages() -> list[pathlib.Path]:
    """All pages that are written by hand."""
    top = [*ROOT.glob("*.rst"), *(ROOT / "api-ref").glob("*.rst"), *ROOT.glob("devstack/*.rst")]
    return sorted([*top, *(path for path in SOURCE.rglob("*.rst") if MADE not in path.parents)])


def blocks(page: pathlib.Path) -> Iterator[Block]:
    """In the order of the page."""
    lines = page.read_text("utf-8").splitlines()
    whole: Mark | None = None
    titled = False
    mark: Mark | None = None
    for number, line in enumerate(lines):
        titled = titled or bool(_TITLE.match(line))
        if found := _MARK.match(line):
            mark = Mark(found[1], found[2])
            if not titled:
                whole, mark = mark, None
        elif block := _block(page, lines, number):
            yield dataclasses.replace(block, mark=mark or whole)
            mark = None


def _block(page: pathlib.Path, lines: list[str], number: int) -> Block | None:
    where = f"{page.relative_to(ROOT)}:{number + 1}"
    if found := _BLOCK.match(lines[number]):
        options, rest = {}, number + 1
        while rest < len(lines) and (option := _OPTION.match(lines[rest])):
            options[option[1]] = option[2]
            rest += 1
        if found[2] == "literalinclude":
            text = (page.parent / found[3]).read_text("utf-8")
            language = options.get("language", "")
            return Block(where, language, None, text, None, range(number, rest))
        text, end = _body(lines, rest, len(found[1]))
        return Block(where, found[3], options.get("caption"), text, None, range(number, end))
    if found := _LITERAL.match(lines[number]):
        text, end = _body(lines, number + 1, len(found[1]))
        return Block(where, "", None, text, None, range(number + 1, end))
    return None


def _body(lines: list[str], begin: int, outside: int) -> tuple[str, int]:
    """What is indented more than ``outside``, until something is not, and where that is."""
    end = begin
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > outside):
        end += 1
    inside = min((_indent(line) for line in lines[begin:end] if line.strip()), default=0)
    return "\n".join(line[inside:] for line in lines[begin:end]).strip("\n") + "\n", end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def commands(page: pathlib.Path, run_by: str) -> list[str]:
    """The commands of a page that are marked as run by a test; for that test."""
    wanted = Mark("run by", run_by)
    return [text for block in blocks(page) if block.mark == wanted for text in block.commands()]


def spoken(page: pathlib.Path) -> list[str]:
    """What stands between double backticks in the text of a page, outside of blocks."""
    inside = {number for block in blocks(page) for number in block.lines}
    lines = page.read_text("utf-8").splitlines()
    text = "\n".join("" if number in inside else line for number, line in enumerate(lines))
    return [" ".join(found.split()) for found in _SPOKEN.findall(text)]
