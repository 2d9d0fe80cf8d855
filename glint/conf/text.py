"""Help texts are written in wrapped lines here, and wrapped anew by whoever shows them."""

from __future__ import annotations


def unwrap(text: str) -> str:
    """One line per paragraph; paragraphs are parted by an empty line."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))
