"""Hours of the day in which copies to a site may begin: ``22:00-06:00,12:00-13:00``, in UTC."""

from __future__ import annotations

import datetime
import re

from glint import exception

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

Spans = tuple[tuple[int, int], ...]


def parse(hours: str) -> Spans:
    """Pairs of minutes since midnight; the second is smaller where the span passes midnight.

    :raises BadHours: it is not understood.
    """
    spans = []
    for text in hours.split(","):
        found = _SPAN.fullmatch(text.strip())
        if found is None:
            raise exception.BadHours(hours=hours, reason=f"{text.strip()!r} is no span")
        first, last, end, minute = map(int, found.groups())
        span = (first * 60 + last, end * 60 + minute)
        if span[0] == span[1]:
            raise exception.BadHours(hours=hours, reason="a span must not be empty")
        spans.append(span)
    return tuple(spans)


def is_open(hours: str | None, now: datetime.datetime) -> bool:
    """Whether ``now`` (naive UTC) lies within the hours; None is always open."""
    if hours is None:
        return True
    minute = now.hour * 60 + now.minute
    for begin, end in parse(hours):
        inside = begin <= minute < end if begin < end else minute >= begin or minute < end
        if inside:
            return True
    return False
