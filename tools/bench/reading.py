"""Milliseconds of one reading of candidates, by the length of the queue."""

from __future__ import annotations

import argparse
import statistics
import time

from glint.db import api, queue
from tools.bench import claims

LENGTHS = (500, 10_000)
TIMES = 15


def bench(given: argparse.Namespace) -> list[list[str]]:
    rows = [["database", "waiting transfers", "median ms", "longest ms", "candidates"]]
    for name in given.database or ("sqlite", "mariadb", "postgresql"):
        for length in LENGTHS:
            with claims.database(name) as connection:
                db = api.Database(connection)
                claims.prepare(db, length)
                rows.append([name, str(length), *measure(db)])
                db.dispose()
            print("  ".join(rows[-1]), flush=True)
    return rows


def measure(db: api.Database) -> list[str]:
    """One process that nobody disturbs."""
    times = []
    for _ in range(TIMES):
        began = time.monotonic()
        found = queue.candidates(db)
        times.append((time.monotonic() - began) * 1000)
    return [f"{statistics.median(times):.1f}", f"{max(times):.1f}", str(len(found))]
