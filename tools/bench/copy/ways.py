"""Ways of copying one image from one image service to others: Glint's data plane, and its peers."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import pathlib
import sys
import time
from collections.abc import Callable, Sequence

from tools.bench.copy import watch
from tools.bench.copy.watch import Command, Cost

TOOLS = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = pathlib.Path(__file__).with_name("clients.py")


@dataclasses.dataclass(frozen=True)
class Place:
    """An image record at an image service.

    :ivar base: address of the service, without a version.
    :ivar cloud: its name in clouds.yaml, for the command line.
    """

    base: str
    ident: str
    token: str = dataclasses.field(repr=False)
    cloud: str = ""

    @property
    def url(self) -> str:
        return f"{self.base}/v2/images/{self.ident}/file"


@dataclasses.dataclass(frozen=True)
class Task:
    """One image to be copied.

    :ivar size: bytes.
    :ivar folder: for files.
    :ivar ca: file of the authority of https addresses.
    :ivar clouds: clouds.yaml for the command line.
    :ivar checksum: the source tells the true hash of the image, which glanceclient compares.
    """

    source: Place
    targets: Sequence[Place]
    size: int
    folder: pathlib.Path
    ca: pathlib.Path | None = None
    disk_format: str = "raw"
    clouds: pathlib.Path | None = None
    checksum: bool = True

    def only(self, *targets: Place) -> Task:
        return dataclasses.replace(self, targets=targets)


Way = Callable[[Task], Cost]


def plane(*algorithms: str, window: int | None = None) -> Way:
    """Glint's data plane: one read, all uploads at once."""

    def way(task: Task) -> Cost:
        places = (task.source, *task.targets)
        headers = {place.url: {"X-Auth-Token": place.token} for place in places}
        command = [sys.executable, str(TOOLS / "relay.py"), "--json", "--headers"]
        command += [f"--hash={algorithm}" for algorithm in algorithms]
        command += [f"--window={window}"] if window else []
        command += ["--ca", str(task.ca)] if task.ca else []
        given = json.dumps(headers).encode()
        _, (printed,) = watch.run(
            [Command([*command, *(place.url for place in places)], given=given)]
        )
        report = json.loads(printed)
        cpu = report["cpu_s_per_gib"] * report["bytes"] / 2**30
        return Cost(report["seconds"], cpu, report["peak_rss_mib"])

    return way


def fast_of(task: Task, count: int, grace: float) -> float:
    """Seconds until the first ``count`` destinations were done."""
    command = [sys.executable, str(TOOLS / "relay.py"), "--json", "--grace", str(grace)]
    urls = [place.url for place in (task.source, *task.targets)]
    _, (printed,) = watch.run([Command([*command, *urls], lenient=True)])
    sinks = json.loads(printed)["sinks"][:count]
    if not all(sink["finished"] for sink in sinks):
        raise RuntimeError("a fast site was not served")
    return float(max(sink["seconds"] for sink in sinks))


def hash_cost() -> float:
    """CPU seconds per GiB of SHA-512 alone."""
    piece, state = bytes(2**20), hashlib.sha512()
    began = time.thread_time()
    for _ in range(128):
        state.update(piece)
    return (time.thread_time() - began) * 8


def pipes_in_turn(task: Task) -> Cost:
    """``curl download | curl upload`` to one destination after the other."""
    cost = Cost()
    for target in task.targets:
        cost = cost.then(watch.run(_pipe(task.only(target)))[0])
    return cost


def pipes_at_once(task: Task) -> Cost:
    """The same to all at once, each with a read of its own."""
    return watch.run(*(_pipe(task.only(target)) for target in task.targets))[0]


def _pipe(task: Task) -> list[Command]:
    (target,) = task.targets
    curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", str(int(watch.TIMEOUT))]
    curl += ["--cacert", str(task.ca)] if task.ca else []
    return [
        Command([*curl, "-H", f"@{_header(task, task.source)}", task.source.url]),
        # With a length: a chunked upload whose producer dies leaves half an image, active.
        Command(
            [
                *(*curl, "-H", f"@{_header(task, target)}", "-H", "Transfer-Encoding:"),
                *("-H", f"Content-Length: {task.size}", "-H", "Expect:"),
                *("-H", "Content-Type: application/octet-stream"),
                *("--upload-file", "-", target.url),
            ]
        ),
    ]


def _header(task: Task, place: Place) -> pathlib.Path:
    path = task.folder / f"header-{place.ident}"
    path.touch(mode=0o600)
    path.write_text(f"X-Auth-Token: {place.token}\n", encoding="ascii")
    return path


def client(what: str) -> Way:
    """A way of ``clients.py``."""

    def way(task: Task) -> Cost:
        given = {
            "source": [task.source.base, task.source.ident, task.source.token],
            "targets": [[place.base, place.ident, place.token] for place in task.targets],
            "size": task.size,
            "checksum": task.checksum,
            "file": str(task.folder / "stored"),
            "ca": str(task.ca) if task.ca else None,
        }
        command = [sys.executable, str(CLIENTS), what]
        cost = watch.run_reporting(Command(command, given=json.dumps(given).encode()))
        (task.folder / "stored").unlink(missing_ok=True)
        return cost

    return way


def command_line(task: Task) -> Cost:
    """``openstack image save``, then ``openstack image create`` for each destination.

    The records of the task stay empty: the command makes its own.
    """
    file = task.folder / "saved"
    openstack = str(pathlib.Path(sys.executable).with_name("openstack"))
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(task.folder),
        "OS_CLIENT_CONFIG_FILE": str(task.clouds),
    }  # fmt: skip

    def call(place: Place, *words: str) -> Cost:
        command = [openstack, "--os-cloud", place.cloud, "image", *words]
        return watch.run([Command(command, environment=environment, folder=task.folder)])[0]

    try:
        cost = call(task.source, "save", "--file", str(file), task.source.ident)
        for target in task.targets:
            words = ("create", "--disk-format", task.disk_format, "--file", str(file), "by-command")
            cost = cost.then(call(target, *words))
        return cost
    finally:
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
