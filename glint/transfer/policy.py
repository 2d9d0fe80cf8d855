"""Who holds the others back: the rule, apart from the machinery that measures it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar


class Laggable(Protocol):
    """Has a debt, in seconds."""

    behind: float


K = TypeVar("K")


def laggards(
    sinks: Mapping[K, int],
    hashers: Iterable[int],
    slots: int,
    helpers: Mapping[K, int] | None = None,
) -> frozenset[K]:
    """The sinks because of which the window is full just now, while others have nothing to do.

    A sink is one of them when it is half a window behind and at least half of the group has
    drained what there is. The half makes the pace of a group the pace of its majority: one fast
    site among seven equal ones does not make seven slow sites, and two slow sites of four cannot
    hide behind each other. That a sink frees a buffer now and then does not clear it.

    :param sinks: per sink how many of the chunks in the window it has not passed yet.
    :param hashers: the same for the hash threads. Where one of them is as far behind, the
        processor is the bottleneck and no site is to blame.
    :param slots: size of the window in chunks, which is full.
    :param helpers: as ``sinks``, of those that work for the others: they may be to blame, but that
        they have nothing to do blames nobody.
    """
    limit = max(1, slots // 2)
    drained = sum(lag == 0 for lag in sinks.values())
    if not drained or 2 * drained < len(sinks) or any(lag >= limit for lag in hashers):
        return frozenset()
    return frozenset(sink for sink, lag in {**sinks, **(helpers or {})}.items() if lag >= limit)


def charge(sinks: Sequence[Laggable], slow: Iterable[Laggable], seconds: float) -> None:
    """Add ``seconds`` to the debt of the ``slow`` ones and take them off that of the others.

    The debt (``behind``) is so the total for which a sink held others back, less the total for
    which others held it back: sites that are equally fast but stutter in turn (a flush to disk
    here, then there) owe each other nothing, however long the image is.
    """
    blamed = set(map(id, slow))
    for sink in sinks:
        debt = sink.behind + (seconds if id(sink) in blamed else -seconds)
        sink.behind = max(0.0, debt)
