#!/usr/bin/env python3
"""Ways of copying in a process of their own: ``clients.py WAY``, the task as JSON to its input.

stream    python-glanceclient: upload(data()) for one destination after the other
store     python-glanceclient: data() into a file, upload() of it to one after the other
loop      one thread, one buffer, two sockets: what no Python program does in less

Prints wall seconds, CPU seconds and peak RSS (MiB), without the start of the interpreter.
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import sys
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from glanceclient.v2 import client

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tools.bench.copy.watch import high_water

MIB = 1024 * 1024


class Readable:
    """What upload() wants of a body, around what data() gives."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, size: int) -> bytes:
        return next(self._pieces, b"")


def images(place: list[str], task: dict[str, Any]) -> Any:
    base, _, token = place
    trusted = {"cacert": task["ca"]} if task["ca"] else {}
    return client.Client(endpoint=base, token=token, **trusted).images


def stream(task: dict[str, Any]) -> None:
    source = task["source"]
    for target in task["targets"]:
        data = images(source, task).data(source[1], do_checksum=task["checksum"])
        images(target, task).upload(target[1], Readable(data))


def store(task: dict[str, Any]) -> None:
    source, path = task["source"], pathlib.Path(task["file"])
    with path.open("wb") as file:
        for piece in images(source, task).data(source[1], do_checksum=task["checksum"]):
            file.write(piece)
    for target in task["targets"]:
        with path.open("rb") as file:
            images(target, task).upload(target[1], file)


def loop(task: dict[str, Any]) -> None:
    (target,) = task["targets"]
    base, ident, token = task["source"]
    source = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc)
    source.request("GET", f"/v2/images/{ident}/file", headers={"X-Auth-Token": token})
    answer = source.getresponse()
    base, ident, token = target
    sink = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc)
    sink.putrequest("PUT", f"/v2/images/{ident}/file")
    sink.putheader("X-Auth-Token", token)
    sink.putheader("Content-Type", "application/octet-stream")
    sink.putheader("Content-Length", str(task["size"]))
    sink.endheaders()
    view = memoryview(bytearray(MIB))
    while count := answer.readinto(view):
        sink.sock.sendall(view[:count])
    if sink.getresponse().status >= 300:
        raise SystemExit("the upload was refused")


def main() -> None:
    way = {"stream": stream, "store": store, "loop": loop}[sys.argv[1]]
    task = json.load(sys.stdin)
    for variable in ("http_proxy", "https_proxy"):
        os.environ.pop(variable, None)
    began, cpu = time.monotonic(), time.process_time()
    way(task)
    report = {
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
        "rss": high_water(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
