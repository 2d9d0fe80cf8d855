#!/usr/bin/env python3
"""A source and a sink of bytes on loopback, as cheap as can be, to measure the data plane against.

GET /image      MIB mebibytes that cannot be compressed, with Range (206) and Content-Length
PUT /discard    takes a body with a Content-Length and throws it away inside the kernel
PUT /slow/N     the same at N MiB/s, to see a slow site being detached

Prints its address as the first line, then serves until it gets SIGTERM or Ctrl-C. For example:

    tools/discard.py --size 2048 &
    tools/relay.py http://127.0.0.1:PORT/image http://127.0.0.1:PORT/discard
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import os
import signal
import socket
import ssl
import time

MIB = 1024 * 1024


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client; the image lies in a file that only the kernel touches."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    rbufsize = 0  # no byte of a body may hide in a buffer
    image: int
    size: int

    def do_GET(self) -> None:
        if self.path != "/image":
            self.send_error(404)
            return
        begin = self._range_begin()
        if begin > self.size:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(self.size - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{self.size - 1}/{self.size}")
        self.end_headers()
        self._send(begin)

    def do_PUT(self) -> None:
        left = int(self.headers.get("Content-Length", "0"))
        rate = int(self.path.removeprefix("/slow/")) * MIB if self.path.startswith("/slow/") else 0
        self._discard(left, rate)
        self.send_response(204)
        self.end_headers()

    def _range_begin(self) -> int:
        wish = self.headers.get("Range", "bytes=0-")
        return int(wish.removeprefix("bytes=").split("-")[0])

    def _send(self, position: int) -> None:
        self.wfile.flush()
        if isinstance(self.connection, ssl.SSLSocket):
            while position < self.size:
                piece = os.pread(self.image, min(self.size - position, MIB), position)
                self.connection.sendall(piece)
                position += len(piece)
            return
        self.connection.settimeout(None)  # sendfile wants a blocking socket
        while position < self.size:
            count = min(self.size - position, 16 * MIB)
            position += os.sendfile(self.connection.fileno(), self.image, position, count)

    def _discard(self, left: int, rate: int) -> None:
        nowhere = bytearray(MIB)  # stays untouched: MSG_TRUNC discards without copying
        flags = 0 if isinstance(self.connection, ssl.SSLSocket) else socket.MSG_TRUNC
        while left:
            count = self.connection.recv_into(nowhere, min(left, MIB), flags)
            if not count:
                raise ConnectionResetError("the client went away")
            left -= count
            if rate:
                time.sleep(count / rate)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: it would cost more than the bytes."""


class Server(http.server.ThreadingHTTPServer):
    """Says nothing about clients that go away, which is what is tried here."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


def fill(mib: int) -> int:
    """A file of ``mib`` MiB of noise that lives in memory; returns its descriptor."""
    image = os.memfd_create("image")
    noise = os.urandom(MIB)
    for number in range(mib):
        os.write(image, number.to_bytes(8, "big") + noise[8:])
    return image


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of the image")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    options = parser.parse_args()
    Handler.image, Handler.size = fill(options.size), options.size * MIB
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Server(("127.0.0.1", options.port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
