"""A TCP relay that remembers what passed: what two programs say to each other."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Any

import fixtures

from tests.minicloud import topology

PIECE = 65536
QUIET = 600
"""Seconds of silence after which a connection is given up."""


class Recorder(fixtures.Fixture):
    """Stands before a server on loopback.

    :param upstream: port of the server
    :ivar port: where to connect to instead
    """

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self._upstream = upstream
        self._lock = threading.Lock()
        self._heard: dict[object, bytearray] = {}
        self._open: list[socket.socket] = []
        self.port = 0

    def _setUp(self) -> None:  # the name is the library's
        recorder = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                recorder.relay(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Connections break here whenever the server does."""

        server = Server((topology.LOOPBACK, 0), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(self._close_all)
        self.addCleanup(thread.join, 10)
        self.addCleanup(server.shutdown)

    def text(self) -> str:
        """All that was said so far, connection by connection and direction by direction."""
        with self._lock:
            return "\n".join(heard.decode("latin-1") for heard in self._heard.values())

    def relay(self, client: socket.socket) -> None:
        """Pass everything on in both directions until one side ends."""
        with socket.create_connection((topology.LOOPBACK, self._upstream), timeout=QUIET) as server:
            client.settimeout(QUIET)
            with self._lock:
                self._open += [client, server]
            back = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server)
            back.join(QUIET)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        heard = bytearray()
        with self._lock:
            self._heard[object()] = heard
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                heard += piece
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _close_all(self) -> None:
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
