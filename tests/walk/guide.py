"""The installation guide as a list of steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tests import documents

GUIDE = documents.SOURCE / "install" / "service.rst"


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do, in the order of the page.

    :ivar file: where ``text`` goes, or None where ``text`` is a command
    :ivar not_run: why the walk leaves it out, or None
    """

    text: str
    file: str | None
    not_run: str | None


def steps() -> Iterator[Step]:
    """The commands and files of the guide; code blocks that are neither are examples."""
    for block in documents.blocks(GUIDE):
        left = None
        if block.mark and block.mark.kind == "not run":
            left = block.mark.text
        elif block.mark and not block.mark.text.endswith(".GuideTest.test_the_walk"):
            left = f"by {block.mark.text}"
        if block.caption:
            yield Step(block.text, block.caption, left)
        for command in block.commands():
            yield Step(command, None, left)
