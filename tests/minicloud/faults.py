"""Faults that a :class:`~tests.minicloud.faultproxy.FaultProxy` works upon a body in transit."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

Leg = Literal["request", "response"]
PIECE = 65536
"""The most bytes of a body that are in memory at once, per connection and direction."""


class HangUp(Exception):
    """Both connections are to be closed here.

    :ivar reset: with a TCP reset instead of an ordinary end
    """

    def __init__(self, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class AnswerInstead(Exception):
    """The upstream is to be dropped here, and the client gets ``fault``'s status."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


@dataclasses.dataclass(eq=False)
class Fault:
    """One fault, and how often it has happened.

    :ivar method: regular expression for the whole method
    :ivar path: regular expression searched for in the request target, query included
    :ivar at: offset in the body, in bytes, where it happens; None is before the first byte of the
        headers of that leg
    :ivar times: how many requests it may still hit; None is all
    :ivar rate: bytes per second, for ``throttle``
    :ivar seconds: how long to ``stall``; None is until the fault is cleared
    :ivar fired: how many requests it has hit; one whose body ends before ``at`` is not hit
    """

    action: Literal["flip", "cut", "stall", "throttle", "answer"]
    leg: Leg
    method: str
    path: str
    at: int | None = 0
    times: int | None = 1
    bit: int = 0
    rate: float = 0
    seconds: float | None = None
    reset: bool = False
    status: int = 500
    body: bytes = b""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fired: int = 0

    def __post_init__(self) -> None:
        self._happened = threading.Event()
        self.cleared = threading.Event()

    def matches(self, method: str, target: str) -> bool:
        """Whether a request is meant by this fault."""
        return bool(re.fullmatch(self.method, method) and re.search(self.path, target))

    def wait(self, timeout: float = 30.0) -> None:
        """Wait until the fault has happened once.

        :param timeout: seconds
        :raises TimeoutError: it has not happened by then
        """
        if not self._happened.wait(timeout):
            raise TimeoutError(f"{self.action} on {self.method} {self.path} never happened")

    def mark(self) -> None:
        """Note that it happened."""
        self.fired += 1
        self._happened.set()

    def strike(self, piece: bytes) -> bytes:
        """Do it, to the bytes that begin at its offset; return them, altered or not.

        :raises HangUp: when it is a cut
        :raises AnswerInstead: when it is another answer
        """
        if self.action == "flip":
            return bytes([piece[0] ^ (1 << self.bit)]) + piece[1:]
        if self.action == "stall":
            self.cleared.wait(self.seconds)
        elif self.action == "cut":
            raise HangUp(self.reset)
        elif self.action == "answer":
            raise AnswerInstead(self)
        return piece


class Faults:
    """The faults set at present; requests claim those that are meant for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Set a fault."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self, fault: Fault | None = None) -> None:
        """Remove one fault, or all; what it holds up goes on."""
        with self._lock:
            gone = [one for one in self._faults if fault in (None, one)]
            self._faults = [one for one in self._faults if one not in gone]
        for one in gone:
            one.cleared.set()

    def claim(self, method: str, target: str) -> Claim:
        """Take the faults for one request; those that it does not meet go back at its end."""
        with self._lock:
            mine = [
                fault
                for fault in self._faults
                if fault.times != 0 and fault.matches(method, target)
            ]
            for fault in mine:
                if fault.times is not None:
                    fault.times -= 1
        return Claim(mine, self._give_back)

    def _give_back(self, faults: list[Fault]) -> None:
        with self._lock:
            for fault in faults:
                if fault.times is not None:
                    fault.times += 1


class Claim:
    """The faults of one request and its answer."""

    def __init__(self, faults: list[Fault], give_back: Callable[[list[Fault]], None]) -> None:
        self._waiting = list(faults)
        self._give_back = give_back
        self._rates: dict[Leg, tuple[Fault, float]] = {}

    def release(self) -> None:
        """The request is over: what did not happen may happen to another."""
        self._give_back(self._waiting)
        self._waiting = []

    def before(self, leg: Leg) -> None:
        """Do what is to happen before the first byte of a leg's headers.

        :raises HangUp: a cut
        :raises AnswerInstead: another answer
        """
        self._strike(leg, None, b"")

    def shape(self, leg: Leg, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass a body on, with the faults of that leg done to it at their offsets.

        :raises HangUp: a cut
        :raises AnswerInstead: another answer
        """
        offset = 0
        for whole in pieces:
            piece = whole
            while piece:
                size = self._distance(leg, offset, len(piece))
                head, piece = piece[:size], piece[size:]
                head = self._strike(leg, offset, head)
                size = self._slow_down(leg, len(head))
                if size < len(head):
                    head, piece = head[:size], head[size:] + piece
                yield head
                offset += len(head)
        self._strike(leg, offset, b"")

    def _distance(self, leg: Leg, offset: int, size: int) -> int:
        """How many of the next ``size`` bytes lie before the next fault."""
        ahead = (one.at for one in self._waiting if one.leg == leg and one.at is not None)
        return min([size, *(at - offset for at in ahead if at > offset)])

    def _strike(self, leg: Leg, offset: int | None, piece: bytes) -> bytes:
        for fault in [one for one in self._waiting if (one.leg, one.at) == (leg, offset)]:
            if fault.action in ("flip", "throttle") and not piece:
                continue  # the body ends here
            self._waiting.remove(fault)
            fault.mark()
            if fault.action == "throttle":
                self._rates[leg] = (fault, fault.rate)
            piece = fault.strike(piece)
        return piece

    def _slow_down(self, leg: Leg, size: int) -> int:
        """Wait as long as the next bytes take at the set rate; return how many of them to send."""
        if leg not in self._rates:
            return size
        fault, rate = self._rates[leg]
        size = max(1, min(size, int(rate / 20)))
        fault.cleared.wait(size / rate)
        return size
