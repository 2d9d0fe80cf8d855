"""How long work stands still when its conductor is killed."""

from __future__ import annotations

import argparse
import statistics
import time

from glint.db import models
from tests.chaos.glint import children
from tests.functional.service import Process, eventually
from tools.bench.bed import FILE, TARGETS, Bed

KIB = 1024
SIZE = 1024 * KIB
RATE = 64 * KIB
"""Bytes per second that the site takes: a copy lasts longer than the kill needs."""

T = models.Transfer


def bench(given: argparse.Namespace) -> list[list[str]]:
    rows = [["lease s", "kills", "taken over after s: median", "longest", "done after s: median"]]
    for lease in given.lease or (6, 60):
        times = given.times if lease <= 10 else min(2, given.times)
        found = measure(lease, times)
        rows.append(
            [
                str(lease),
                str(times),
                f"{statistics.median(one[0] for one in found):.1f}",
                f"{max(one[0] for one in found):.1f}",
                f"{statistics.median(one[1] for one in found):.1f}",
            ]
        )
    return rows


def measure(lease: int, times: int) -> list[tuple[float, float]]:
    """Kill the owner of a running copy, some times; the poll interval is the default of 5 s."""
    settings = {"lease": lease, "poll_interval": 5, "graceful_shutdown_timeout": 1}
    found = []
    with Bed(conductors=2, settings=settings, limit=4).build() as bed:
        bed.upload(times, SIZE)
        images = bed.register(times)
        for place, image in enumerate(images[:times]):
            for proxy in bed.proxies.values():
                proxy.throttle("PUT", FILE, rate=RATE, leg="request")
            bed.save([image], bed.columns[1:2])
            found.append(_once(bed, place))
    assert TARGETS[1][0] == "dair"
    return found


def _once(bed: Bed, before: int) -> tuple[float, float]:
    def owned() -> str:
        rows = bed.rows(T.owner, T.bytes_done, state="running")
        return rows[0].owner if rows and rows[0].bytes_done else ""

    owner = eventually(owned, "a running copy", 60, 0.1)
    victim = _process(bed, owner)
    victim.kill9()
    began = time.monotonic()

    def taken_over() -> bool:
        rows = bed.rows(T.owner, state="running")
        return bool(rows) and rows[0].owner != owner

    eventually(taken_over, "a take-over", 300, 0.05)
    taken = time.monotonic()
    for proxy in bed.proxies.values():
        proxy.clear()
    done = bed.wait_until_done(before + 1, 0.05)
    victim.start()
    return taken - began, done - began


def _process(bed: Bed, owner: str) -> Process:
    """An owner's name is HOST:PID:RANDOM, the pid being that of the forked worker."""
    worker = int(owner.split(":")[1])
    for process in bed.glint.processes:
        if process.pid and worker in (process.pid, *children(process.pid)):
            return process
    raise LookupError(f"no process is {owner}")
