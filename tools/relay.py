#!/usr/bin/env python3
"""Drives Glint's data plane alone: one source URL to any number of destination URLs.

The source is read with GET (and Range after a break), each destination is sent a PUT with a
Content-Length. What it prints, or gives as JSON with --json:

  bytes       read from the source        MB/s         of the source, 10^6 bytes a second
  seconds     from start to end           CPU-s/GiB    of this process, per GiB of the image
  peak RSS    of this process, MiB        per sink     bytes handed over, and how it ended

Nothing at hand to copy from and to? This starts tools/discard.py as a server of its own:

  tools/relay.py --serve 1024 --sinks 4 --hash sha512
  tools/relay.py --serve 1024 --sinks 2 --slow 20 --grace 2

Ends with 0 if every sink got everything, with 1 if not, and says so per sink.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import pathlib
import resource
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from glint import exception, transfer
from glint.drivers.base import SizedBody

MIB = 1024 * 1024
TIMEOUT = 60.0


def connect(url: str) -> tuple[http.client.HTTPConnection, str]:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SystemExit(f"{url!r} is not a URL that begins with http:// or https://")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return kind(parts.hostname, parts.port, timeout=TIMEOUT), path


class HttpSource:
    """A ByteSource on a GET."""

    def __init__(self, url: str, offset: int) -> None:
        self._connection, path = connect(url)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            self._connection.request("GET", path, headers=headers)
            self._socket = self._connection.sock
            self._answer = self._connection.getresponse()
        except OSError as error:
            raise exception.SiteUnreachable(url=url, reason=error) from error
        if self._answer.status not in (200, 206):
            raise exception.SiteError(reason=f"GET {url} was answered {self._answer.status}")
        self.offset = offset if self._answer.status == 206 else 0
        length = self._answer.getheader("Content-Length")
        self.size = None if length is None else int(length) + self.offset
        self._position = self.offset

    def read(self, size: int) -> bytes:
        try:
            piece = self._answer.read(size)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._broken(str(error)) from error
        self._position += len(piece)
        # http.client does not complain when the server hangs up early
        if not piece and self.size is not None and self._position < self.size:
            raise self._broken("the server hung up")
        return piece

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        # The buffered reader is locked while another thread reads; that thread now ends by itself.

    def _broken(self, reason: str) -> exception.StreamBroken:
        return exception.StreamBroken(
            side="from the source", done=self._position, total=self.size, reason=reason
        )


class HttpSink:
    """A destination of a PUT."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection, self._path = connect(url)

    def put(self, body: SizedBody) -> None:
        headers = {
            "Content-Length": str(len(body)),
            "Content-Type": "application/octet-stream",
        }
        try:
            self._connection.request("PUT", self._path, body=body, headers=headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise exception.SiteUnreachable(url=self.url, reason=error) from error
        finally:
            self._connection.close()
        if answer.status >= 300:
            raise exception.SiteError(reason=f"PUT {self.url} was answered {answer.status}")

    def abort(self) -> None:
        connected = self._connection.sock
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def served(mib: int) -> Iterator[str]:
    """tools/discard.py in a process of its own; yields its address."""
    program = pathlib.Path(__file__).resolve().with_name("discard.py")
    command = [sys.executable, str(program), "--size", str(mib)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield (server.stdout.readline() if server.stdout else "").strip()
        finally:
            server.terminate()
            server.wait(10)


def show_progress(source: transfer.Progress, done: threading.Event) -> None:
    while not done.wait(1.0):
        total = "?" if source.total is None else source.total // MIB
        print(f"\r{source.done // MIB} of {total} MiB", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)


def measure(options: argparse.Namespace, source: str, destinations: list[str]) -> dict[str, Any]:
    targets = [HttpSink(url) for url in destinations]
    sinks = [transfer.Sink(t.put, name=t.url, abort=t.abort) for t in targets]
    progress, done = transfer.Progress(), threading.Event()
    shower = threading.Thread(target=show_progress, args=(progress, done))
    if sys.stderr.isatty():
        shower.start()
    cpu = time.process_time()
    try:
        result = transfer.fan_out(
            lambda offset: HttpSource(source, offset),
            None,
            sinks,
            algorithms=options.hash,
            window=options.window,
            chunk=options.chunk,
            grace=options.grace,
            progress=progress,
        )
    finally:
        done.set()
    cpu = time.process_time() - cpu
    size = result.size or 0
    return {
        "bytes": size,
        "bytes_read": result.bytes_read,
        "seconds": round(result.seconds, 3),
        "mb_per_s": round(size / result.seconds / 1e6, 1),
        "cpu_s_per_gib": round(cpu / size * 1024 * MIB, 3) if size else None,
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "resumed": result.resumed,
        "digests": dict(result.digests),
        "error": str(result.error) if result.error else None,
        "sinks": [
            {
                "url": sink.name,
                "bytes": sink.bytes_done,
                "finished": sink.finished,
                "error": str(sink.error) if sink.error else None,
            }
            for sink in result.sinks
        ],
    }


def show(report: dict[str, Any]) -> None:
    print(
        f"{report['bytes']} bytes ({report['bytes_read']} read) in {report['seconds']} s:"
        f" {report['mb_per_s']} MB/s, {report['cpu_s_per_gib']} CPU-s/GiB,"
        f" peak RSS {report['peak_rss_mib']} MiB"
    )
    for algorithm, digest in report["digests"].items():
        print(f"{algorithm} {digest}")
    for sink in report["sinks"]:
        print(f"{sink['url']}: {sink['bytes']} bytes, {sink['error'] or 'finished'}")
    if report["error"]:
        print(f"Failed: {report['error']}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE_URL")
    parser.add_argument("destinations", nargs="*", metavar="DEST_URL")
    parser.add_argument("--hash", action="append", default=[], metavar="ALGORITHM")
    parser.add_argument("--window", type=int, default=transfer.WINDOW, help="chunks")
    parser.add_argument("--chunk", type=int, default=transfer.CHUNK, help="bytes")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int, metavar="MIB", help="serve an image of that size")
    parser.add_argument("--sinks", type=int, default=1, help="with --serve: how many")
    parser.add_argument(
        "--slow", type=int, metavar="MIB_PER_S", help="with --serve: one more, slow"
    )
    options = parser.parse_args()
    if (options.serve is None) == (options.source is None):
        parser.error("give either SOURCE_URL or --serve")
    return options


def main() -> int:
    options = arguments()
    if options.serve is None:
        report = measure(options, options.source, options.destinations)
    else:
        with served(options.serve) as address:
            destinations = [f"{address}/discard"] * options.sinks
            if options.slow:
                destinations.append(f"{address}/slow/{options.slow}")
            report = measure(options, f"{address}/image", destinations)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    return int(bool(report["error"]) or not all(sink["finished"] for sink in report["sinks"]))


if __name__ == "__main__":
    sys.exit(main())
