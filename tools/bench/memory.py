"""Peak memory of a conductor that copies several large images at once, to sites slower than it."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

from glint.db import models
from tests.chaos.glint import children
from tools.bench.bed import Bed

MIB = 1024 * 1024


def bench(given: argparse.Namespace) -> list[list[str]]:
    heading = [
        "copies at once", "MiB each", "sink MiB/s", "seconds", "MB/s in all",
        "RSS before, MiB", "peak RSS, MiB",
    ]  # fmt: skip
    return [heading, measure(given.copies, given.mib, given.rate)]


def measure(copies: int, mib: int, rate: int) -> list[str]:
    source = fake("--images", str(copies), "--size", str(mib))
    sink = fake("--images", str(copies), "--size", str(mib), "--empty", "--rate", str(rate))
    with contextlib.ExitStack() as stack:
        endpoints = {"alto": stack.enter_context(source), "dair": stack.enter_context(sink)}
        bed = stack.enter_context(
            Bed(
                conductors=1,
                settings={"max_jobs": copies, "lease": 60},
                limit=copies,
                endpoints=endpoints,
            )
        ).build()
        images = bed.register(copies)
        (worker,) = children(bed.glint.processes[1].pid or 0)
        before = memory(worker, "VmRSS")
        began = bed.save(images, bed.columns[1:2])
        ended = bed.wait_until_done(copies)
        together = len({row.started_at for row in bed.rows(models.Transfer.started_at)})
        assert together == copies
        seconds = ended - began
        return [
            str(copies), str(mib), str(rate), f"{seconds:.0f}",
            f"{copies * mib * MIB / seconds / 1e6:.0f}",
            f"{before:.0f}", f"{memory(worker, 'VmHWM'):.0f}",
        ]  # fmt: skip


def memory(pid: int, what: str) -> float:
    """A line of /proc/PID/status, in MiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(what)


@contextlib.contextmanager
def fake(*arguments: str) -> Iterator[str]:
    """A fake image service in a process of its own; its address."""
    program = pathlib.Path(__file__).with_name("fakeglance.py")
    command = [sys.executable, str(program), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield (server.stdout.readline() if server.stdout else "").strip()
        finally:
            server.terminate()
            server.wait(10)
