"""Copies per second with more and more conductors, where the sites and not Glint are slow.

The image services are fakes that take bytes slowly and cost no CPU, or two cores would measure
them; the Keystones, the database and the broker are real.
"""

from __future__ import annotations

import argparse
import contextlib

from tools.bench.bed import Bed
from tools.bench.memory import fake

MIB = 4
"""Of each image; none is as large as another."""
RATE = 2
"""MiB/s that a site takes of each upload: every copy lasts two seconds."""
JOBS = 4
"""Of one conductor at once; each feeds all columns of an image."""


def bench(given: argparse.Namespace) -> list[list[str]]:
    rows = [["conductors", "images x columns", "seconds", "copies per second", "against one"]]
    first = 0.0
    for conductors in given.conductors or (1, 2, 4):
        seconds, copies, columns = measure(conductors, given.images)
        rate = copies / seconds
        first = first or rate
        rows.append(
            [
                str(conductors),
                f"{given.images} x {columns}",
                f"{seconds:.1f}",
                f"{rate:.1f}",
                f"{rate / first:.2f}",
            ]
        )
        print("  ".join(rows[-1]), flush=True)
    return rows


def measure(conductors: int, count: int) -> tuple[float, int, int]:
    shape = ("--images", str(count), "--size", str(MIB))
    with contextlib.ExitStack() as stack:
        endpoints = {
            "alto": stack.enter_context(fake(*shape)),
            "dair": stack.enter_context(fake(*shape, "--empty", "--rate", str(RATE))),
        }
        settings = {"max_jobs": JOBS, "lease": 60}
        bed = stack.enter_context(
            Bed(conductors=conductors, settings=settings, limit=64, endpoints=endpoints)
        ).build()
        images, columns = bed.register(count), bed.columns[1:]
        copies = len(images) * len(columns)
        began = bed.save(images, columns)
        ended = bed.wait_until_done(copies)
    return ended - began, copies, len(columns)
