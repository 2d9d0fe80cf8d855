"""Requests, one after the other or several at once, and how long they took."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import statistics
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from tools.bench.api.catalogue import PROJECT, USER

TIMEOUT = 120.0
TOKEN = f"{USER}:{PROJECT}:admin,member,reader"


@dataclasses.dataclass(frozen=True)
class Ask:
    """One request.

    :ivar expected: its status, or it counts for nothing.
    """

    path: str
    query: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    expected: int = 200

    @property
    def target(self) -> str:
        return f"{self.path}?{urllib.parse.urlencode(self.query)}" if self.query else self.path


def get(path: str, **query: object) -> Ask:
    return Ask(path, tuple((name, str(value)) for name, value in query.items()))


@dataclasses.dataclass(frozen=True)
class Reply:
    """:ivar seconds: from the connection to the last byte."""

    seconds: float
    status: int
    headers: http.client.HTTPMessage
    data: bytes

    def json(self) -> Any:
        return json.loads(self.data)


class Client:
    """Asks one service, one request after the other, each over a new connection.

    uWSGI's router, set up as the guide has it, keeps none.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, ask: Ask) -> Reply:
        """:raises RuntimeError: the answer is not what was expected"""
        body = None if ask.body is None else json.dumps(ask.body).encode()
        headers = {"X-Auth-Token": TOKEN, "Connection": "close", **dict(ask.headers)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        began = time.perf_counter()
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        ) as connection:
            connection.request(ask.method, ask.target, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        seconds = time.perf_counter() - began
        if answer.status != ask.expected:
            raise RuntimeError(f"{ask.method} {ask.target}: {answer.status} {data[:500]!r}")
        return Reply(seconds, answer.status, answer.headers, data)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least ``share`` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    place = -(-len(ordered) * round(share * 1000) // 1000) - 1
    return ordered[max(0, place)]


@dataclasses.dataclass(frozen=True)
class Times:
    """Of one kind of request; milliseconds, and bytes of the median answer.

    :ivar cpu: mean of the service's own processor time, without the database's.
    """

    p50: float
    p95: float
    cpu: float
    size: int

    @classmethod
    def of(cls, replies: Sequence[Reply], cpu: float) -> Times:
        times = [reply.seconds * 1000 for reply in replies]
        size = statistics.median_high(len(reply.data) for reply in replies)
        mean = cpu * 1000 / len(replies)
        return cls(percentile(times, 0.5), percentile(times, 0.95), mean, size)


def in_turns(
    clients: Sequence[Client],
    make: Sequence[Callable[[], Ask]],
    cpu: Sequence[Callable[[], float]],
    times: int,
) -> list[Times]:
    """The same kind of request to several services, in turns: what disturbs one, disturbs all.

    :param make: for each service, what makes the next request.
    :param cpu: for each service, the seconds of processor that it has taken so far.
    """
    replies: list[list[Reply]] = [[] for _ in clients]
    for client, ask in zip(clients, make, strict=True):
        client(ask())  # nobody measures a cold start
    before = [spent() for spent in cpu]
    for _ in range(times):
        for client, ask, found in zip(clients, make, replies, strict=True):
            found.append(client(ask()))
    spent_now = [spent() - then for spent, then in zip(cpu, before, strict=True)]
    return [Times.of(found, spent) for found, spent in zip(replies, spent_now, strict=True)]


def rate(port: int, make: Callable[[], Ask], clients: int, seconds: float) -> float:
    """Answers per second to clients that ask all the time."""
    answered = [0] * clients
    failed: list[BaseException] = []
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        try:
            client = Client(port)
            while time.monotonic() < end:
                client(make())
                answered[number] += 1
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + TIMEOUT)
    if failed:
        raise failed[0]
    return sum(answered) / (time.monotonic() - began)
