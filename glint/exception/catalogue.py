"""All error codes with cause and remedy, read off the classes; documents are made of it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from glint.exception.base import GlintError
from glint.exception.request import GenerationConflict, InUse, NameInUse, NotFound
from glint.exception.site import SiteError

#: Classes whose code begins with the kind of thing that they are about, and these kinds.
FAMILIES: Mapping[type[GlintError], tuple[str, ...]] = {
    NotFound: ("credential", "deployment", "image", "operation", "site", "site_type", "transfer"),
    NameInUse: ("site",),
    InUse: ("credential", "image", "site"),
    GenerationConflict: ("credential", "image", "site"),
}
_ENDINGS: Mapping[type[GlintError], str] = {
    NotFound: "not_found",
    NameInUse: "name_in_use",
    InUse: "in_use",
    GenerationConflict: "generation_conflict",
}

#: The remedy of what Glint itself tries again, where the class names no other.
_PATIENCE = "Glint tries again by itself. If it goes on failing, look at the site."

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One code.

    :ivar cause: what happened, with the names of what is filled in.
    :ivar remedy: what to do about it.
    :ivar retry: Glint itself tries again.
    """

    code: str
    status: int
    title: str
    cause: str
    remedy: str
    retry: bool


def classes(root: type[GlintError] = GlintError) -> Iterator[type[GlintError]]:
    """All classes of errors that were imported, each once, the root first."""
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


def entries() -> list[Entry]:
    """The codes of all classes that were imported, sorted; the first class of a code tells it."""
    found: dict[str, Entry] = {}
    for kind in classes():
        for code in _codes(kind):
            found.setdefault(code, _entry(kind, code))
    return [found[code] for code in sorted(found)]


def _codes(kind: type[GlintError]) -> tuple[str, ...]:
    if kind in FAMILIES:
        return tuple(f"{subject}.{_ENDINGS[kind]}" for subject in FAMILIES[kind])
    return (kind.code,)


def _entry(kind: type[GlintError], code: str) -> Entry:
    cause, remedy = split(kind)
    retry = issubclass(kind, SiteError) and kind.retry
    return Entry(code, kind.status, kind.title, cause, remedy, retry)


def split(kind: type[GlintError]) -> tuple[str, str]:
    """Cause and remedy of a class.

    The remedy is its own ``remedy``, else what follows the first sentence, else its parent's.
    """
    own: str = vars(kind).get("remedy", "")
    cause, *rest = _SENTENCE_END.split(kind.template)
    if own or rest:
        return (kind.template, own) if own and not rest else (cause, own or " ".join(rest))
    if issubclass(kind, SiteError) and kind.retry:
        return cause, _PATIENCE
    return cause, kind.remedy
