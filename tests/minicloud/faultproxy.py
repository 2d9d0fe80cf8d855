"""An HTTP/1.1 proxy server that stands in front of one real service and breaks what a test says.

It forwards everything as a stream, in both directions, with Content-Length or chunked, and keeps
no more than a piece of a body in memory. Host is passed on as the client sent it, so links in the
service's answers lead back to the proxy. Offsets count bytes of the body, whatever its framing.

    with FaultProxy(cloud.image_url) as proxy:
        minicloud.set_endpoint('alto', 'image', proxy.url)
        proxy.flip('GET', '/file$', at=1000)
        ...
        assert proxy.requests('GET', '/file$') == 1

Standard library only, loopback only, one thread per connection.
"""

from __future__ import annotations

import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Self

from tests.minicloud import topology
from tests.minicloud.faults import Fault, Leg
from tests.minicloud.relay import TIMEOUT, Exchange, Server, Traffic


class FaultProxy:
    """A proxy server for one upstream.

    :param upstream: base URL of the service, ``http://127.0.0.1:PORT``
    :param tls: what to serve TLS with; None is plain HTTP
    :param port: 0 takes a free one
    :raises ValueError: the upstream is not plain HTTP on loopback
    """

    def __init__(self, upstream: str, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        parts = urllib.parse.urlsplit(upstream)
        if parts.scheme != "http" or parts.hostname != topology.LOOPBACK or parts.path.strip("/"):
            raise ValueError(f"{upstream}: expected http://{topology.LOOPBACK}:PORT")
        self.traffic = Traffic()
        self._server = Server(self.traffic, parts.port or 80, tls, port)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{topology.LOOPBACK}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close all connections and give the port back."""
        self.clear()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(TIMEOUT)
        self._server.server_close()
        self._server.close_connections()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # -- faults

    def flip(
        self,
        method: str,
        path: str,
        *,
        at: int,
        bit: int = 0,
        leg: Leg = "response",
        times: int | None = 1,
    ) -> Fault:
        """Flip one bit of byte ``at`` of a body."""
        return self.traffic.faults.add(
            Fault("flip", leg, method, path, at=at, bit=bit, times=times)
        )

    def cut(
        self,
        method: str,
        path: str,
        *,
        after: int | None,
        leg: Leg = "response",
        reset: bool = False,
        times: int | None = 1,
    ) -> Fault:
        """Close both connections after so many bytes of a body have passed.

        With ``after=None`` nothing of that leg passes, not even its headers: the upstream never
        sees the request, or it has done its work and the client never gets the answer.

        :param reset: end with a TCP reset
        """
        return self.traffic.faults.add(
            Fault("cut", leg, method, path, at=after, reset=reset, times=times)
        )

    def stall(
        self,
        method: str,
        path: str,
        *,
        after: int | None,
        leg: Leg = "response",
        seconds: float | None = None,
        times: int | None = 1,
    ) -> Fault:
        """Hold a body up after so many bytes, for ``seconds`` or until the fault is cleared."""
        return self.traffic.faults.add(
            Fault("stall", leg, method, path, at=after, seconds=seconds, times=times)
        )

    def throttle(
        self,
        method: str,
        path: str,
        *,
        rate: float,
        leg: Leg = "response",
        after: int = 0,
        times: int | None = None,
    ) -> Fault:
        """Let a body pass at ``rate`` bytes per second, from byte ``after`` on."""
        return self.traffic.faults.add(
            Fault("throttle", leg, method, path, at=after, rate=rate, times=times)
        )

    def answer(
        self,
        method: str,
        path: str,
        status: int,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        after: int | None = None,
        times: int | None = 1,
    ) -> Fault:
        """Answer with a status of our own instead of the upstream's.

        :param after: bytes of the request's body that reach the upstream before it is dropped;
            None is that the upstream does not see the request at all
        """
        return self.traffic.faults.add(
            Fault(
                "answer",
                "request",
                method,
                path,
                at=after,
                status=status,
                body=body,
                headers=headers or {},
                times=times,
            )
        )

    def clear(self, fault: Fault | None = None) -> None:
        """Remove one fault or all of them; what was stalled goes on."""
        self.traffic.faults.clear(fault)

    # -- what passed

    @property
    def failed_handshakes(self) -> int:
        """How many clients went away in the TLS handshake: those that do not trust us."""
        return self.traffic.failed_handshakes

    def seen(self, method: str, path: str) -> list[Exchange]:
        """The exchanges so far; ``method`` and ``path`` are meant as in a fault."""
        return self.traffic.seen(method, path)

    def requests(self, method: str, path: str) -> int:
        """How many requests came."""
        return len(self.seen(method, path))

    def response_bytes(self, method: str, path: str) -> int:
        """How many bytes of answers' bodies passed."""
        return sum(one.response_bytes for one in self.seen(method, path))

    def request_bytes(self, method: str, path: str) -> int:
        """How many bytes of requests' bodies passed."""
        return sum(one.request_bytes for one in self.seen(method, path))

    def forget(self) -> None:
        """Start counting anew."""
        self.traffic.exchanges.clear()

    def wait_until(self, condition: Callable[[], bool], timeout: float = 30.0) -> None:
        """Wait until something holds of what passed, for example a number of bytes.

        :param timeout: seconds
        :raises TimeoutError: it does not hold by then
        """
        self.traffic.wait_until(condition, timeout)
