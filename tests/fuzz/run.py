"""Sends samples, and judges the answers: no 5xx, nothing that the document does not promise."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import http.client
import re
import socket
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from requests.structures import CaseInsensitiveDict

from tests.contract import Broken, Contract
from tests.fuzz.samples import Sample, Sampler

TIMEOUT = 60
#: What the HTTP server itself answers with, before anybody of ours sees the request.
SERVERS_OWN = (400, 405, 408, 411, 413, 414, 431)


@dataclasses.dataclass
class Account:
    """What became of the requests.

    :ivar statuses: number of answers by status; 0 counts connections that the server closed.
    :ivar wrong: what should not have been, each with its request; the first of them.
    """

    statuses: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    wrong: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def text(self) -> str:
        """The account as lines."""
        per_second = self.requests / self.seconds if self.seconds else 0
        counts = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        failed = sum(n for status, n in self.statuses.items() if status >= 500)
        return (
            f"{self.requests} requests in {self.seconds:.0f} s ({per_second:.0f}/s); {counts}\n"
            f"{failed} x 5xx, {len(self.wrong)} x wrong"
        )


class Sender:
    """One connection at a time to the service."""

    def __init__(self, url: str, token: Callable[[], str], contract: Contract) -> None:
        parts = urllib.parse.urlsplit(url)
        self._where = (str(parts.hostname), int(parts.port or 80))
        self._token, self._contract = token, contract
        self._socket: socket.socket | None = None

    def send(self, sample: Sample, account: Account) -> bytes:
        """One request, judged; returns the body of the answer."""
        try:
            status, headers, body = self._exchange(sample)
        except (OSError, http.client.HTTPException):
            # An idle connection may have been closed; once more on a new one.
            self.close()
            try:
                status, headers, body = self._exchange(sample)
            except (OSError, http.client.HTTPException):
                self.close()
                account.statuses[0] += 1
                return b""
        account.statuses[status] += 1
        complaint = self._judge(sample, status, headers, body)
        if complaint and len(account.wrong) < 100:
            account.wrong.append(f"{complaint}\n    {str(sample)[:1500]}\n    {body[:500]!r}")
        return body if status < 300 else b""

    def _judge(
        self, sample: Sample, status: int, headers: Mapping[str, str], body: bytes
    ) -> str | None:
        if status >= 500:
            return f"status {status}"
        if "X-OpenStack-Request-ID" not in headers:
            return None if status in SERVERS_OWN else f"status {status} without a request id"
        try:
            path = sample.target.decode("latin-1")
            self._contract.check(sample.method, path, status, headers, body)
        except Broken as error:
            return str(error)
        except (ValueError, KeyError) as error:
            return f"the answer cannot be read: {error!r}"
        return None

    def _exchange(self, sample: Sample) -> tuple[int, Mapping[str, str], bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._where, TIMEOUT)
        lines = [f"{sample.method} ".encode() + sample.target + b" HTTP/1.1"]
        host, port = self._where
        headers = [("Host", f"{host}:{port}"), ("X-Auth-Token", self._token()), *sample.headers]
        if sample.body is not None:
            headers.append(("Content-Length", str(len(sample.body))))
        lines += [f"{name}: {value}".encode() for name, value in headers]
        self._socket.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (sample.body or b""))
        response = http.client.HTTPResponse(self._socket, method=sample.method)
        response.begin()
        body = response.read()
        if response.will_close:
            self.close()
        return response.status, CaseInsensitiveDict(response.headers.items()), body

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def raw(
    url: str,
    token: Callable[[], str],
    contract: Contract,
    *,
    requests: int,
    first_seed: int,
    threads: int = 4,
    seconds: float = 3600,
) -> Account:
    """Send samples over plain sockets.

    :param seconds: no new request is begun after them.
    """
    account, began = Account(), time.monotonic()

    def work(number: int) -> Account:
        sampler, sender = Sampler(contract.spec, first_seed + number), Sender(url, token, contract)
        mine = Account()
        for sample in sampler:
            if mine.requests >= requests // threads or time.monotonic() > began + seconds:
                break
            sampler.learn(sender.send(sample, mine))
        sender.close()
        return mine

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        # What one of them fails with is raised here.
        for mine in pool.map(work, range(threads)):
            account.statuses.update(mine.statuses)
            account.wrong.extend(mine.wrong)
    account.seconds = time.monotonic() - began
    return account


def schema_based(
    url: str, token: Callable[[], str], contract: Contract, *, examples: int, first_seed: int
) -> Account:
    """Send what schemathesis makes of the document: ``examples`` for each operation."""
    account, began = Account(), time.monotonic()
    schema = schemathesis.openapi.from_dict(dict(contract.spec))
    sender = Sender(url, token, contract)
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]

        @seed(first_seed)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            sender.send(_as_sample(url, case), account)

        send()
    sender.close()
    account.seconds = time.monotonic() - began
    return account


def _as_sample(url: str, case: Any) -> Sample:
    """A case of schemathesis as bytes; addresses in it lead nowhere."""
    prepared = case.as_transport_kwargs(base_url=url)
    import requests  # what schemathesis would send with

    request = requests.Request(
        prepared["method"],
        prepared["url"],
        params=prepared.get("params"),
        headers=dict(prepared.get("headers") or {}),
        json=prepared.get("json"),
        data=prepared.get("data"),
    ).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body
    if isinstance(body, bytes):
        body = re.sub(rb'"auth_url": ?"[^"]*"', b'"auth_url": "http://127.0.0.1:1"', body)
    skipped = {"content-length", "x-auth-token", "host", "transfer-encoding"}
    headers = tuple(
        (name, value if isinstance(value, str) else value.decode("latin-1"))
        for name, value in request.headers.items()
        if name.lower() not in skipped
    )
    target = str(request.path_url).encode()
    return Sample(str(request.method), target, headers, body)
