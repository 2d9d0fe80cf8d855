"""Measurements of Glint, with private servers on loopback: ``python -m tools.bench engine claims``.

engine claims      claims per second and duplicates, competing processes, on each database
engine reading     one reading of candidates, short queue and long
engine recovery    seconds until another conductor goes on after kill -9
engine throughput  copies per second with 1, 2 and 4 conductors against slow sites
engine memory      peak memory of a conductor with parallel copies of large images
matrix             the page of 200 x 30 cells in Horizon, on the servers and in a browser
api                milliseconds of the API's answers, by the size of the catalogue

What it prints are the tables of doc/source/contributor/benchmarks.rst.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DATABASES = ("sqlite", "mariadb", "postgresql")
KINDS = ("claims", "reading", "recovery", "throughput", "memory")


def machine() -> str:
    """Where a figure comes from."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=10,
    ).stdout.strip()  # fmt: skip
    return (
        f"{os.cpu_count()} x {cpu}, {memory:.0f} GiB, Python {platform.python_version()},"
        f" commit {commit or '?'}, load before {load}"
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subjects = parser.add_subparsers(dest="subject", required=True)
    engine = subjects.add_parser("engine", help="what conductors do")
    engine.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(KINDS)}; all")
    engine.add_argument("--database", action="append", choices=DATABASES, help="may be repeated")
    engine.add_argument("--rows", type=int, default=2000, help="claims: transfers in the queue")
    engine.add_argument("--processes", type=int, default=8, help="claims: competing processes")
    engine.add_argument("--lease", type=int, action="append", help="recovery: seconds")
    engine.add_argument("--times", type=int, default=5, help="recovery: kills of each lease")
    engine.add_argument("--conductors", type=int, action="append", help="throughput")
    engine.add_argument("--images", type=int, default=60, help="throughput")
    engine.add_argument("--mib", type=int, default=2048, help="memory: size of each image")
    engine.add_argument("--copies", type=int, default=8, help="memory: at once")
    engine.add_argument("--rate", type=int, default=60, help="memory: MiB/s that a sink takes")
    matrix = subjects.add_parser("matrix", help="the page in Horizon")
    matrix.set_defaults(what=["matrix"])
    api = subjects.add_parser("api", help="milliseconds of answers, by the size of the catalogue")
    api.add_argument("--database", action="append", choices=DATABASES[1:], help="may be repeated")
    api.add_argument(
        "--images",
        type=lambda text: [int(one) for one in text.split(",")],
        help="sizes of the catalogues: 1000,100000; the last is held against the first",
    )
    api.add_argument("--columns", type=int, default=50)
    api.add_argument("--quick", action="store_true", help="smaller, and fewer requests")
    given = parser.parse_args()
    unknown = set(getattr(given, "what", ())) - {*KINDS, "matrix"}
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(KINDS)}")
    return given


def tables(given: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    """Titles and tables, each as soon as it is known."""
    if given.subject == "api":
        yield from importlib.import_module("tools.bench.api.measure").bench(given)
        return
    for kind in given.what or KINDS:
        bench: Callable[[argparse.Namespace], list[list[str]]]
        bench = importlib.import_module(f"tools.bench.{kind}").bench
        yield kind, bench(given)


def main() -> int:
    given = parse()
    print(machine(), flush=True)
    for title, rows in tables(given):
        print(f"\n{title}\n\n{table(rows)}", flush=True)
    return 0


def table(rows: list[list[str]]) -> str:
    """Rows, the first of which is the heading, as a table of reStructuredText."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    line = "  ".join("=" * width for width in widths)
    body = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([line, body[0], line, *body[1:], line])


if __name__ == "__main__":
    sys.exit(main())
