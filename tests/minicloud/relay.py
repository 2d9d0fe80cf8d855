"""The inside of the fault proxy: its server, and the way of one request through it."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import http.server
import re
import select
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.minicloud import topology
from tests.minicloud.faults import PIECE, AnswerInstead, Claim, Fault, Faults, HangUp

TIMEOUT = 60
"""Seconds of silence after which a connection is given up."""
LINGER = 5
"""Seconds that a client is heard out after an answer that came before the end of its body."""
HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclasses.dataclass
class Exchange:
    """One request and its answer, as they went through.

    :ivar status: None while there is no answer
    :ivar request_bytes: bytes of its body that were passed on
    :ivar response_bytes: bytes of the answer's body that were passed on
    :ivar complete: whether the whole answer was passed on
    """

    method: str
    target: str
    status: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    complete: bool = False


class Traffic:
    """What passes through a proxy, and what is to happen to it."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.exchanges: list[Exchange] = []
        self.failed_handshakes = 0
        self._changed = threading.Condition()

    def begin(self, method: str, target: str) -> Exchange:
        """Note a request."""
        exchange = Exchange(method, target)
        self.exchanges.append(exchange)
        return exchange

    def seen(self, method: str, path: str) -> list[Exchange]:
        """The exchanges whose whole method, and some part of whose target, match."""
        return [
            one
            for one in list(self.exchanges)
            if re.fullmatch(method, one.method) and re.search(path, one.target)
        ]

    def note(self) -> None:
        """Something has passed: look again, whoever waits."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        """Wait until ``condition`` holds; see the proxy's method of that name."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError("what was waited for did not pass through the proxy")


class Server(socketserver.ThreadingTCPServer):
    """Listens, one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, traffic: Traffic, upstream_port: int, tls: ssl.SSLContext | None, port: int
    ) -> None:
        self.traffic = traffic
        self.upstream_port = upstream_port
        self.tls = tls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__((topology.LOOPBACK, port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Do the TLS handshake here, in the connection's own thread, then handle requests."""
        request.settimeout(TIMEOUT)
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:  # the client does not like our certificate, or went away
                self.traffic.failed_handshakes += 1
                self.traffic.note()
                return
        try:
            with self.watched(request):
                super().finish_request(request, client_address)
        except OSError:
            # A connection that breaks is everyday life here; its exchange stays incomplete.
            self.traffic.note()
        finally:
            request.close()

    @contextlib.contextmanager
    def watched(self, sock: socket.socket) -> Iterator[None]:
        """Keep a connection in mind, so that it can be closed when the proxy stops."""
        with self._lock:
            self._open.add(sock)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(sock)

    def close_connections(self) -> None:
        """Close all that is open, in the middle of whatever it does."""
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """The exchanges are the log."""

    def handle_expect_100(self) -> bool:
        return True  # "100 Continue" is sent later, when the body is wanted

    def forward(self) -> None:
        traffic = self.server.traffic
        exchange = traffic.begin(self.command, self.path)
        claim = traffic.faults.claim(self.command, self.path)
        relay = _Relay(self, exchange, claim)
        try:
            relay.run()
        except AnswerInstead as instead:
            relay.answer(instead.fault)
        except HangUp as hang_up:
            self._hang_up(hang_up.reset)
        except (OSError, http.client.HTTPException):
            self._hang_up(reset=False)  # as the client would see it without a proxy
        else:
            exchange.complete = True
        finally:
            claim.release()
            traffic.note()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = forward

    def _hang_up(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()


class _Relay:
    """One request on its way to the upstream, and the answer on its way back."""

    def __init__(self, handler: _Handler, exchange: Exchange, claim: Claim) -> None:
        self._handler = handler
        self._exchange = exchange
        self._claim = claim
        self._traffic = handler.server.traffic
        headers = handler.headers
        self._chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        self._length = int(headers.get("Content-Length", "0"))
        self._body_left = self._chunked or self._length > 0

    def run(self) -> None:
        """Forward, and bring the answer back.

        :raises HangUp: a fault, or an upstream that broke off
        :raises AnswerInstead: a fault
        :raises OSError: a connection broke
        """
        self._claim.before("request")
        port = self._handler.server.upstream_port
        connection = http.client.HTTPConnection(topology.LOOPBACK, port, timeout=TIMEOUT)
        connection.connect()
        sock = connection.sock
        try:
            with self._handler.server.watched(sock):
                self._send_head(connection)
                self._send_body(connection, sock)
                with connection.getresponse() as response:
                    self._return(response)
        finally:
            connection.close()
        self._linger()

    # -- to the upstream

    def _send_head(self, connection: http.client.HTTPConnection) -> None:
        handler = self._handler
        connection.putrequest(
            handler.command, handler.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in handler.headers.items():
            if name.lower() not in HOP_BY_HOP:
                connection.putheader(name, value)
        if self._chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        if handler.server.tls is not None:
            connection.putheader("X-Forwarded-Proto", "https")
        connection.putheader("Connection", "close")
        connection.endheaders()
        if handler.headers.get("Expect", "").lower() == "100-continue":
            handler.send_response_only(100)
            handler.end_headers()

    def _send_body(self, connection: http.client.HTTPConnection, sock: socket.socket) -> None:
        for piece in self._claim.shape("request", self._client_body()):
            if select.select([sock], [], [], 0)[0]:
                return  # answered, or gone, before the end
            framed = b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece
            try:
                connection.send(framed)
            except (BrokenPipeError, ConnectionResetError):
                return  # the same; the answer may still be there to read
            self._exchange.request_bytes += len(piece)
            self._traffic.note()
        if self._chunked:
            connection.send(b"0\r\n\r\n")
        self._body_left = False

    def _client_body(self) -> Iterator[bytes]:
        if not self._chunked:
            yield from self._read(self._length)
            return
        reader = self._handler.rfile
        while size := int(reader.readline(1024).split(b";")[0], 16):
            yield from self._read(size)
            reader.readline(1024)
        while reader.readline(PIECE).strip():
            """Trailers are not passed on."""

    def _read(self, size: int) -> Iterator[bytes]:
        reader: Any = self._handler.rfile
        while size:
            piece = reader.read1(min(size, PIECE))
            if not piece:
                raise ConnectionError("the client went away")
            size -= len(piece)
            yield piece

    # -- to the client

    def _return(self, response: http.client.HTTPResponse) -> None:
        self._claim.before("response")
        handler = self._handler
        self._exchange.status = response.status
        bodyless = handler.command == "HEAD" or response.status in (204, 304)
        framed = bodyless or response.getheader("Content-Length") is not None
        chunked = not framed and handler.request_version != "HTTP/1.0"
        handler.close_connection |= self._body_left or not (framed or chunked)
        handler.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                handler.send_header(name, value)
        self._end_headers(chunked)
        for piece in self._claim.shape("response", _pieces(response)):
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            self._exchange.response_bytes += len(piece)
            self._traffic.note()
        if chunked:
            handler.wfile.write(b"0\r\n\r\n")

    def _end_headers(self, chunked: bool) -> None:
        handler = self._handler
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        if handler.close_connection:
            handler.send_header("Connection", "close")
        handler.end_headers()

    def answer(self, fault: Fault) -> None:
        """Give a fault's answer in place of the upstream's."""
        handler = self._handler
        self._exchange.status = fault.status
        handler.close_connection |= self._body_left
        handler.send_response_only(fault.status)
        for name, value in fault.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(fault.body)))
        self._end_headers(chunked=False)
        if handler.command != "HEAD":
            handler.wfile.write(fault.body)
        self._linger()

    def _linger(self) -> None:
        """Let a client that still sends find the answer, instead of a reset that destroys it."""
        if not self._body_left:
            return
        connection = self._handler.connection
        deadline = time.monotonic() + LINGER
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(LINGER)
            while time.monotonic() < deadline and connection.recv(PIECE):
                """What the client says now is of no interest."""


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := response.read1(PIECE):
        yield piece
    if response.length:
        raise HangUp  # the upstream broke off: so do we
