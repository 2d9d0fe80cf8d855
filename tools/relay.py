#!/usr/bin/env python3
"""Drives Glint's data plane alone: one source URL to any number of destination URLs.

The bytes go through the Glance driver's own streams: the source is read with GET (and Range after a
break), each destination is sent a PUT with a Content-Length. With --headers, standard input has the
headers of each URL (a token, say) as JSON: {URL: {NAME: VALUE}}. What is printed, or given as JSON
with --json:

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
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from glint import transfer
from glint.drivers.addresses import AddressPolicy
from glint.drivers.base import SizedBody
from glint.drivers.glance import transport
from glint.drivers.glance.errors import ErrorMap
from glint.drivers.glance.session import Line
from glint.drivers.glance.streams import GlanceSource, send

MIB = 1024 * 1024
TIMEOUT = 60.0
ANYWHERE = AddressPolicy(allowed_networks=["127.0.0.0/8", "::1/128"])


class Endpoint:
    """What the Glance driver does with one URL of bytes, without its login.

    :param headers: of each request.
    :param trusted: PEM text of the authority of an https URL.
    """

    def __init__(self, url: str, headers: Mapping[str, str], trusted: str | None) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise SystemExit(f"{url!r} is not a URL that begins with http:// or https://")
        self.url = url
        self._headers = headers
        self._context = transport.trust({"ca_cert": trusted})
        self._errors = ErrorMap(headers.values)
        self._line: Line | None = None
        self.ended: float | None = None

    def open(self, offset: int) -> GlanceSource:
        """A ByteSource on a GET."""
        headers = {**self._headers, "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        line = self._new_line()
        with self._errors.guard(self.url):
            answer = line.request("GET", self.url, headers)
        if answer.status_code not in (200, 206):
            raise self._errors.from_answer(answer, self.url)
        return GlanceSource(line, answer, self._errors, offset)

    def put(self, body: SizedBody) -> None:
        self._line = self._new_line()
        try:
            answer = send(self._line, self.url, self._headers, body, self._errors)
        finally:
            self._line.close()
            self.ended = time.monotonic()
        if answer.status_code >= 300:
            raise self._errors.from_answer(answer, self.url)

    def abort(self) -> None:
        if self._line is not None:
            self._line.cut()

    def _new_line(self) -> Line:
        return Line(self._context, TIMEOUT, ANYWHERE)


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


def peak_memory() -> float:
    """MiB; getrusage() would count what the process was before it became this program."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def show_progress(source: transfer.Progress, done: threading.Event) -> None:
    while not done.wait(1.0):
        total = "?" if source.total is None else source.total // MIB
        print(f"\r{source.done // MIB} of {total} MiB", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)


def measure(options: argparse.Namespace, source: str, destinations: list[str]) -> dict[str, Any]:
    given = json.load(sys.stdin) if options.headers else {}
    trusted = pathlib.Path(options.ca).read_text(encoding="ascii") if options.ca else None
    origin, *targets = (
        Endpoint(url, given.get(url, {}), trusted) for url in (source, *destinations)
    )
    sinks = [transfer.Sink(t.put, name=t.url, abort=t.abort) for t in targets]
    began = time.monotonic()
    progress, done = transfer.Progress(), threading.Event()
    shower = threading.Thread(target=show_progress, args=(progress, done))
    if sys.stderr.isatty():
        shower.start()
    cpu = time.process_time()
    try:
        result = transfer.fan_out(
            origin.open,
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
        "peak_rss_mib": round(peak_memory(), 1),
        "resumed": result.resumed,
        "digests": dict(result.digests),
        "error": str(result.error) if result.error else None,
        "sinks": [
            {
                "url": sink.name,
                "bytes": sink.bytes_done,
                "finished": sink.finished,
                "seconds": round(target.ended - began, 3) if target.ended else None,
                "error": str(sink.error) if sink.error else None,
            }
            for sink, target in zip(result.sinks, targets, strict=True)
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
    parser.add_argument("--headers", action="store_true", help="read them from standard input")
    parser.add_argument("--ca", metavar="FILE", help="whom to trust, for https")
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
