"""What a way of copying costs: processes, started and watched until they end."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

TIMEOUT = 400.0
#: Seconds between two looks at the memory of a process.
LOOK = 0.02


@dataclasses.dataclass
class Cost:
    """Of one way of copying.

    :ivar seconds: wall.
    :ivar cpu: seconds, user and system, of the processes that copy.
    :ivar rss: MiB, the most at one time; of processes that run together, their sum.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    rss: float = 0.0

    def then(self, other: Cost) -> Cost:
        """What both cost, one after the other."""
        return Cost(self.seconds + other.seconds, self.cpu + other.cpu, max(self.rss, other.rss))


class Command:
    """One process.

    :param arguments: no secret: they can be read by everybody.
    :param given: for its standard input.
    :param lenient: it may end with 1.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        given: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        folder: pathlib.Path | None = None,
        lenient: bool = False,
    ) -> None:
        self.arguments = list(arguments)
        self.given = given
        self.environment = environment
        self.folder = folder
        self.lenient = lenient


def run(*pipelines: Sequence[Command]) -> tuple[Cost, list[bytes]]:
    """Run pipelines at the same time, and wait for all.

    :returns: the cost, and what the last command of each printed.
    :raises RuntimeError: a process failed.
    """
    began = time.monotonic()
    rows = [_start(pipeline) for pipeline in pipelines]
    processes = [process for row in rows for process in row]
    memory = _Memory([process.pid for process in processes])
    printed = _read([row[-1] for row in rows])
    cpu = 0.0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
    seconds = time.monotonic() - began
    rss = memory.stop()
    commands = [command for pipeline in pipelines for command in pipeline]
    for command, process in zip(commands, processes, strict=True):
        if process.returncode and not (command.lenient and process.returncode == 1):
            words = " ".join(command.arguments[:2])
            raise RuntimeError(f"{words} ended with {process.returncode}")
    return Cost(seconds, cpu, rss), printed


def run_reporting(command: Command) -> Cost:
    """Run one that prints its own cost as JSON, without the start of its interpreter."""
    _, (printed,) = run([command])
    return cost_of(json.loads(printed))


def cost_of(report: Mapping[str, Any]) -> Cost:
    return Cost(report["seconds"], report["cpu"], report["rss"])


def _start(pipeline: Sequence[Command]) -> list[subprocess.Popen[bytes]]:
    row: list[subprocess.Popen[bytes]] = []
    for command in pipeline:
        if row:
            stdin: Any = row[-1].stdout
        else:
            stdin = subprocess.DEVNULL if command.given is None else subprocess.PIPE
        process = subprocess.Popen(
            command.arguments,
            stdin=stdin,
            stdout=subprocess.PIPE,
            env=command.environment,
            cwd=command.folder,
        )
        if row and row[-1].stdout is not None:
            row[-1].stdout.close()
        if command.given is not None and process.stdin is not None:
            process.stdin.write(command.given)
            process.stdin.close()
        row.append(process)
    return row


def _read(processes: Sequence[subprocess.Popen[bytes]]) -> list[bytes]:
    printed = [b""] * len(processes)

    def read(place: int) -> None:
        stream = processes[place].stdout
        assert stream is not None
        printed[place] = stream.read()

    readers = [threading.Thread(target=read, args=(n,)) for n in range(len(processes))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(TIMEOUT)
        if reader.is_alive():
            for process in processes:
                process.kill()
            raise RuntimeError("a way of copying did not end in time")
    return printed


class _Memory:
    """The kernel's own high-water mark of each process, looked at until it is gone."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._most = dict.fromkeys(pids, 0.0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(LOOK):
            for pid in self._most:
                self._most[pid] = max(self._most[pid], high_water(pid))

    def stop(self) -> float:
        self._ended.set()
        self._thread.join()
        return sum(self._most.values())


def high_water(pid: int | str = "self") -> float:
    """Peak RSS of a process, MiB; 0.0: it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0")
    return int(line.split()[1]) / 1024
