"""A sparse qcow2 image to EC2: by blocks through Glint's driver, and whole as simple tools send it.

The server is moto's with the overlay of the tests, on the same machine: it has its share of the
seconds. The processor time and the memory are those of the client's process alone.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tests.ec2cloud.fixture import EC2Cloud
from tests.servers.server import ROOT

MIB = 1024 * 1024
BLOCK = 512 * 1024
#: Seconds that one upload may take.
PATIENCE = 400
#: Bytes of one piece of data, and where pieces begin: as file systems lay out files.
PIECE, GRAIN = MIB, 64 * 1024
WAYS = {
    "glint": "Glint, qcow2 -> blocks",
    "skip": "simple client, raw, zeros skipped",
    "whole": "simple client, raw, all blocks",
}


def bench(given: argparse.Namespace) -> list[list[str]]:
    disk, data = (1024, 30) if given.quick else (10 * 1024, 300)
    rows = [
        ["client", "disk, MiB", "blocks sent", "of non-zero", "seconds", "MB/s of data",
         "CPU s", "CPU s/GiB of disk", "peak RSS, MiB"]
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = pathlib.Path(name)
        held = make(folder, disk * MIB, data)
        for way, title in WAYS.items():
            with EC2Cloud() as cloud:
                done = run(way, cloud.url, folder)
            seconds, cpu = done["seconds"], done["cpu"]
            rows.append(
                [title, str(disk), str(done["sent"]), f"{done['sent'] / held:.2f}",
                 f"{seconds:.1f}", f"{data * MIB / seconds / 1e6:.1f}", f"{cpu:.1f}",
                 f"{cpu / disk * 1024:.2f}", f"{done['rss']:.0f}"]
            )  # fmt: skip
            print("  ".join(rows[-1]), flush=True)
    return rows


def make(folder: pathlib.Path, size: int, pieces: int) -> int:
    """A sparse disk as raw and as qcow2; returns how many of its blocks are not all zeros."""
    dice = random.Random(1)
    blocks = set()
    with (folder / "raw").open("wb") as file:
        file.truncate(size)
        for place in dice.sample(range(size // (2 * PIECE)), pieces):
            at = place * 2 * PIECE + dice.randrange(0, PIECE, GRAIN)
            file.seek(at)
            file.write(dice.randbytes(PIECE))
            blocks.update(range(at // BLOCK, (at + PIECE - 1) // BLOCK + 1))
    command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "raw", "qcow2"]
    subprocess.run(command, cwd=folder, check=True, timeout=PATIENCE)
    return len(blocks)


def run(way: str, url: str, folder: pathlib.Path) -> dict[str, float]:
    """One upload in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench.ec2client", way, url, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
