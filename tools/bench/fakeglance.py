#!/usr/bin/env python3
"""An image service that costs next to nothing: bytes come from memory and go nowhere.

It speaks as much of Glance's API as Glint uses, believes every token, and says of each upload that
it has the hash that belongs to its size: no two images have the same size. For measurements only.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import ssl
import sys
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import discard

MIB = 1024 * 1024
FILE = re.compile(r"^/v2/images/([^/]+)/file$")
RECORD = re.compile(r"^/v2/images/([^/]+)$")
NO_FILTERS = {"limit", "marker", "sort_key", "sort_dir", "owner", "os_hidden", "sort"}


def digest(size: int) -> str:
    """What is said to be the SHA-512 of an image of that size."""
    return hashlib.sha512(str(size).encode()).hexdigest()


class Store:
    """The records; the bytes of all images are the first ones of one file in memory."""

    def __init__(self, count: int, size: int, *, empty: bool) -> None:
        self.lock = threading.Lock()
        self.records: dict[str, dict[str, Any]] = {}
        self.owners: dict[str | None, str | None] = {}
        self.rates: dict[str, float] = {}
        self.counts = {"sent": 0, "taken": 0}
        self.bytes = -1
        if not empty:
            self.bytes = os.memfd_create("images")
            noise = os.urandom(MIB)
            for _ in range(size):
                os.write(self.bytes, noise)
            for number in range(count):
                record = self.create({"name": f"image-{number}"})
                self.fill(record["id"], size * MIB - number)

    def create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        record = {
            "id": str(uuid.uuid4()), "status": "queued", "size": None, "os_hash_algo": None,
            "os_hash_value": None, "disk_format": "raw", "container_format": "bare",
            "visibility": "private", "protected": False, "os_hidden": False, "min_disk": 0,
            "min_ram": 0, "tags": [], "name": "", **wanted,
        }  # fmt: skip
        with self.lock:
            self.records[str(record["id"])] = record
            # A record may ask to be filled slowly.
            if "bench_rate" in wanted:
                self.rates[str(record["id"])] = float(wanted["bench_rate"])
        return record

    def fill(self, ident: str, size: int) -> None:
        with self.lock:
            self.counts["taken"] += size
            self.records[ident].update(
                status="active", size=size, os_hash_algo="sha512", os_hash_value=digest(size)
            )


class Handler(discard.Handler):
    """One connection of a client."""

    timeout = 300
    store: Store
    rate: float

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        file, record = FILE.match(parts.path), RECORD.match(parts.path)
        if file:
            self._send_bytes(self.store.records[file[1]]["size"])
        elif parts.path == "/counts":
            self._answer(200, self.store.counts)
        elif record and record[1] in self.store.records:
            self._answer(200, self.store.records[record[1]])
        elif parts.path == "/v2/images":
            query = dict(urllib.parse.parse_qsl(parts.query))
            self._answer(200, {"images": self._listed(query)})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        owner = self.store.owners.get(self.headers["X-Auth-Token"])
        self._answer(201, self.store.create({**json.loads(self._body()), "owner": owner}))

    def do_PATCH(self) -> None:
        found = RECORD.match(self.path)
        record = self.store.records[found[1] if found else ""]
        for change in json.loads(self._body()):
            record[change["path"].lstrip("/")] = change.get("value")
        self._answer(200, record)

    def do_DELETE(self) -> None:
        found = RECORD.match(self.path)
        self.store.records.pop(found[1] if found else "", None)
        self._answer(204, None)

    def do_PUT(self) -> None:
        found = FILE.match(self.path)
        ident, size = found[1] if found else "", 0
        for count in self._lengths():
            self._discard(count, int(self.store.rates.get(ident, self.rate) * MIB))
            size += count
        self.store.fill(ident, size)
        self._answer(204, None)

    def _lengths(self) -> Iterator[int]:
        """Of the body, or of its chunks; each is to be taken before the next is asked for."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            yield int(self.headers["Content-Length"])
            return
        while count := int(self.rfile.readline(), 16):
            yield count
            self.rfile.readline()
        self.rfile.readline()

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        if query.get("os_hidden") == "true" or "marker" in query:
            return []
        # Whoever lists says who it is, and is known by its token from then on.
        owner = self.store.owners[self.headers["X-Auth-Token"]] = query.get("owner")
        filters = {key: value for key, value in query.items() if key not in NO_FILTERS}
        return [
            {**record, "owner": owner}
            for record in list(self.store.records.values())
            if record.get("owner") in (None, owner)
            and all(str(record.get(key)) == value for key, value in filters.items())
        ]

    def _body(self) -> bytes:
        left, body = int(self.headers.get("Content-Length", "0")), b""
        while left > len(body):
            body += self.rfile.read(left - len(body))
        return body

    def _answer(self, status: int, body: object) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/html" if body is None else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_bytes(self, size: int) -> None:
        self.size, position = size, self._range_begin()
        self.send_response(206 if position else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size - position))
        if position:
            self.send_header("Content-Range", f"bytes {position}-{size - 1}/{size}")
        self.end_headers()
        self._send(position)
        with self.store.lock:
            self.store.counts["sent"] += size - position


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--size", type=int, default=64, metavar="MIB")
    parser.add_argument("--empty", action="store_true", help="begin without images")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--rate", type=float, default=0, help="MiB/s that each upload is taken at")
    given = parser.parse_args()
    Handler.store, Handler.rate = Store(given.images, given.size, empty=given.empty), given.rate
    Handler.image = Handler.store.bytes
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with discard.Server(("127.0.0.1", 0), Handler) as server:
        if given.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*given.tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https" if given.tls else "http"
        print(f"{scheme}://127.0.0.1:{server.server_port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
