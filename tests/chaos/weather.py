"""Bad weather on the wires: which fault is set next, drawn from the seed."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Mapping

from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.faults import Fault

LOG = logging.getLogger(__name__)

KIB = 1024
ID = r"/v2/images/[0-9a-f-]{36}"
FILE = ID + r"/file$"
#: Calls about records, not bytes: method and path.
CALLS = (
    ("GET", r"/v2/images\?"),
    ("GET", ID + "$"),
    ("POST", r"/v2/images$"),
    ("PATCH", ID + "$"),
    ("DELETE", ID + "$"),
)
OUTSTANDING = 5
"""Faults that may wait for their request at one proxy; more would only make it a wall."""

Draw = Callable[[FaultProxy, random.Random], Fault]


def _offset(rng: random.Random) -> int:
    """Somewhere in an image, near its beginning as likely as far in it."""
    return int(KIB * 2 ** (rng.random() * 11.5)) - rng.randrange(KIB)


def _cut_read(proxy: FaultProxy, rng: random.Random) -> Fault:
    return proxy.cut("GET", FILE, after=_offset(rng), reset=rng.random() < 0.5)


def _stall_read(proxy: FaultProxy, rng: random.Random) -> Fault:
    return proxy.stall("GET", FILE, after=_offset(rng), seconds=rng.uniform(0.5, 9))


def _flip_read(proxy: FaultProxy, rng: random.Random) -> Fault:
    return proxy.flip("GET", FILE, at=_offset(rng), bit=rng.randrange(8))


def _refuse_read(proxy: FaultProxy, rng: random.Random) -> Fault:
    return _refusal(proxy, rng, "GET", FILE, None)


def _cut_write(proxy: FaultProxy, rng: random.Random) -> Fault:
    reset = rng.random() < 0.5
    return proxy.cut("PUT", FILE, after=_offset(rng), leg="request", reset=reset)


def _stall_write(proxy: FaultProxy, rng: random.Random) -> Fault:
    seconds = rng.uniform(0.5, 9)
    return proxy.stall("PUT", FILE, after=_offset(rng), leg="request", seconds=seconds)


def _flip_write(proxy: FaultProxy, rng: random.Random) -> Fault:
    return proxy.flip("PUT", FILE, at=_offset(rng), bit=rng.randrange(8), leg="request")


def _refuse_write(proxy: FaultProxy, rng: random.Random) -> Fault:
    return _refusal(proxy, rng, "PUT", FILE, _offset(rng))


def _mute_write(proxy: FaultProxy, rng: random.Random) -> Fault:
    """The cloud has the whole image, and nobody hears of it, or late."""
    if rng.random() < 0.3:
        return proxy.stall("PUT", FILE, after=None, leg="response", seconds=rng.uniform(1, 9))
    return proxy.cut("PUT", FILE, after=None, leg="response", reset=rng.random() < 0.5)


def _call(proxy: FaultProxy, rng: random.Random) -> Fault:
    method, path = rng.choice(CALLS)
    kind = rng.random()
    if kind < 0.4:
        return _refusal(proxy, rng, method, path, None)
    if kind < 0.55:
        return proxy.cut(method, path, after=None, leg="request")
    if kind < 0.85:  # it was done, and nobody hears of it
        return proxy.cut(method, path, after=None, leg="response", reset=rng.random() < 0.5)
    return proxy.stall(method, path, after=None, leg="response", seconds=rng.uniform(0.5, 8))


def _refusal(
    proxy: FaultProxy, rng: random.Random, method: str, path: str, after: int | None
) -> Fault:
    status = rng.choice((401, 429, 500, 500, 502, 503, 503))
    headers: Mapping[str, str] = {}
    if status in (429, 503) and rng.random() < 0.7:
        headers = {"Retry-After": str(rng.randint(1, 3))}
    return proxy.answer(method, path, status, headers=headers, after=after)


DRAWS: tuple[tuple[int, Draw], ...] = (
    (10, _cut_read),
    (4, _stall_read),
    (5, _flip_read),
    (4, _refuse_read),
    (10, _cut_write),
    (5, _stall_write),
    (4, _flip_write),
    (8, _refuse_write),
    (8, _mute_write),
    (25, _call),
)


class Weather:
    """Sets faults at proxies, a bounded number of them.

    :param most: faults in all
    :param pace: mean seconds between two of them
    """

    def __init__(
        self, proxies: Mapping[str, FaultProxy], rng: random.Random, most: int, pace: float
    ) -> None:
        self._proxies = proxies
        self._rng = rng
        self._left = most
        self._pace = pace
        self._faults: list[tuple[str, Fault]] = []
        self._told: dict[Fault, int] = {}
        self._throttles: dict[str, Fault] = {}
        self._next = 0.0
        self._turn = 0.0

    def tick(self, now: float) -> None:
        """Do what is due at ``now`` (seconds of any steady clock)."""
        for name, fault in self._faults:
            if fault.fired > self._told.get(fault, 0):
                self._told[fault] = fault.fired
                LOG.debug("%s: struck: %s", name, describe(fault))
        if now >= self._turn:
            self._turn = now + self._rng.uniform(4, 12)
            self._change_pace()
        if now >= self._next and self._left:
            self._next = now + self._rng.expovariate(1 / self._pace)
            self._set_one()

    def _set_one(self) -> None:
        # Its own chance: what is drawn later must not depend on whether this one is set.
        rng = random.Random(self._rng.getrandbits(64))
        name = rng.choice(sorted(self._proxies))
        (draw,) = rng.choices([d for _, d in DRAWS], [w for w, _ in DRAWS])
        waiting = sum(1 for at, fault in self._faults if at == name and not fault.fired)
        if waiting >= OUTSTANDING:
            return
        fault = draw(self._proxies[name], rng)
        self._faults.append((name, fault))
        self._left -= 1
        LOG.debug("%s: %s", name, describe(fault))

    def _change_pace(self) -> None:
        """One cloud takes bytes at another speed from now on, so that copies last a while."""
        name = self._rng.choice(sorted(self._proxies))
        rate = 256 * KIB * 2 ** self._rng.uniform(0, 5)
        if name in self._throttles:
            self._proxies[name].clear(self._throttles[name])
        self._throttles[name] = self._proxies[name].throttle("PUT", FILE, rate=rate, leg="request")
        LOG.debug("%s: takes %.0f KiB/s", name, rate / KIB)

    def clear(self) -> None:
        """The sun comes out."""
        for proxy in self._proxies.values():
            proxy.clear()
        self._throttles.clear()

    def fired(self) -> dict[str, int]:
        """How many of each kind have hit a request."""
        found: dict[str, int] = {}
        for _, fault in self._faults:
            if fault.fired:
                kind = describe(fault).partition(" at ")[0]
                found[kind] = found.get(kind, 0) + fault.fired
        return dict(sorted(found.items()))


def describe(fault: Fault) -> str:
    """A fault in words."""
    what = str(fault.status) if fault.action == "answer" else fault.action
    body = "bytes" if re.search("file", fault.path) else "record"
    leg = "" if fault.action == "answer" else f" {fault.leg}"
    return f"{what} {fault.method} {body}{leg} at {fault.at}"
