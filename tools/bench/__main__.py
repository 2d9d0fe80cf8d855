"""Measurements of Glint, with private servers on loopback: ``python -m tools.bench engine claims``.

copy [WHAT]        the data plane and the whole service beside other ways of copying (--quick)

engine claims      claims per second and duplicates, competing processes, on each database
engine reading     one reading of candidates, short queue and long
engine saving      seconds from Saves of 10,000 cells to their transfers in the queue
engine recovery    seconds until another conductor goes on after kill -9
engine throughput  copies per second with 1, 2 and 4 conductors against slow sites
engine memory      peak memory of a conductor with parallel copies of large images
matrix             the page of 200 x 30 cells in Horizon, on the servers and in a browser

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
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DATABASES = ("sqlite", "mariadb", "postgresql")
#: Subjects with a folder of their own, whose ``measure`` has options() and bench().
TABLES = ("copy",)
KINDS = ("claims", "reading", "saving", "recovery", "throughput", "memory")


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
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    _engine_options(subjects.add_parser("engine", help=f"one or more of {', '.join(KINDS)}"))
    subjects.add_parser("matrix", help="has no options")
    for subject in TABLES:
        _measure(subject).options(subjects.add_parser(subject))
    return parser.parse_args()


def _measure(subject: str) -> Any:
    return importlib.import_module(f"tools.bench.{subject}.measure")


def _engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(KINDS)}; all")
    parser.add_argument("--database", action="append", choices=DATABASES, help="may be repeated")
    parser.add_argument("--rows", type=int, default=2000, help="claims: transfers in the queue")
    parser.add_argument("--processes", type=int, default=8, help="claims: competing processes")
    parser.add_argument("--cells", type=int, default=10_000, help="saving")
    parser.add_argument("--lease", type=int, action="append", help="recovery: seconds")
    parser.add_argument("--times", type=int, default=5, help="recovery: kills of each lease")
    parser.add_argument("--conductors", type=int, action="append", help="throughput")
    parser.add_argument("--images", type=int, default=60, help="throughput")
    parser.add_argument("--mib", type=int, default=2048, help="memory: size of each image")
    parser.add_argument("--copies", type=int, default=8, help="memory: at once")
    parser.add_argument("--rate", type=int, default=60, help="memory: MiB/s that a sink takes")


def main() -> int:
    given = parse()
    print(machine(), flush=True)
    if given.subject in TABLES:
        tables = _measure(given.subject).bench(given)
    else:
        tables = _single_tables(given)
    for title, rows in tables:
        print(f"\n{title}\n\n{table(rows)}", flush=True)
    return 0


def _single_tables(given: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    kinds = ["matrix"] if given.subject == "matrix" else given.what or KINDS
    unknown = set(kinds) - {*KINDS, "matrix"}
    if unknown:
        raise SystemExit(f"{', '.join(sorted(unknown))}: choose from {', '.join(KINDS)}")
    for kind in kinds:
        bench: Callable[[argparse.Namespace], list[list[str]]]
        bench = importlib.import_module(f"tools.bench.{kind}").bench
        yield kind, bench(given)


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
