"""Up, down, status, kill, revive: the life of one minicloud in its state folder."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import http.client
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence

import yaml

from tests.minicloud import config, processes, seed, topology, zygote
from tests.minicloud.state import Bed, Overrides, StateError, StateFolder, free_block, write_private

KINDS = tuple(config.FILES)
PROBES = {"keystone": "/v3", "glance": "/healthcheck"}
"""What a living service answers with 200 to anybody."""

Say = Callable[[str], None]


def _quiet(line: str) -> None:
    """Say nothing."""


@dataclasses.dataclass(frozen=True)
class ServiceStatus:
    """How one process of the bed is.

    :ivar pid: None when it is not running
    :ivar port: None for a zygote
    :ivar rss: resident memory in bytes
    """

    name: str
    pid: int | None
    port: int | None
    rss: int
    answering: bool


def up(
    path: str | os.PathLike[str],
    *,
    overrides: Overrides | None = None,
    base_port: int | None = None,
    owner: int | None = None,
    extras: Sequence[str] = (),
    say: Say = _quiet,
) -> Bed:
    """Start a minicloud in a folder, or whatever of it is not running; return when all answers.

    :param overrides: configuration to alter; added to what the folder remembers already
    :param base_port: first port of the block; by default a free block is found
    :param owner: pid of the process that the bed must not outlive
    :param extras: optional clouds that it is to have too
    :raises StateError: the folder cannot be used
    :raises RuntimeError: a service did not start; the message says where its log is
    """
    folder = StateFolder(path)
    folder.claim()
    with folder.lock(), contextlib.ExitStack() as stack:
        if folder.is_bed():
            bed = folder.load()
            if base_port not in (None, bed.base_port):
                raise StateError(f"the minicloud in {folder.path} has base port {bed.base_port}")
            bed.add(overrides or {})
        else:
            base = stack.enter_context(free_block()) if base_port is None else base_port
            bed = Bed.fresh(base, overrides or {})
        bed.owner = _identify(owner)
        bed.extras = sorted({*bed.extras, *extras})
        folder.save(bed)
        folder.make_subfolders()
        write_private(folder.clouds_yaml, clouds_yaml(bed))
        _start_everything(folder, bed, say)
    return bed


def _identify(owner: int | None) -> tuple[int, int] | None:
    start = None if owner is None else processes.start_time(owner)
    return None if owner is None or start is None else (owner, start)


def _start_everything(folder: StateFolder, bed: Bed, say: Say) -> None:
    _ensure_zygotes(folder, say)
    jobs: list[Callable[[], None]] = []
    for cloud in bed.clouds:
        jobs.append(lambda cloud=cloud: _start_keystone(folder, bed, cloud, say))  # type: ignore[misc]
        for service in cloud.of_kind("glance"):
            jobs.append(lambda service=service: _start_glance(folder, bed, service, say))  # type: ignore[misc]
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()
    for service in bed.services:
        if not answers(bed, service):
            raise RuntimeError(f"{service.name} does not answer, see {folder.of(service)}")


def _ensure_zygotes(folder: StateFolder, say: Say) -> None:
    missing = [kind for kind in KINDS if folder.records.pid(f"{kind}-zygote") is None]
    if missing:
        say("importing " + " and ".join(missing))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda kind: zygote.start(folder, kind), missing))


def _start_keystone(folder: StateFolder, bed: Bed, cloud: topology.Cloud, say: Say) -> None:
    service = cloud.keystone
    started = time.monotonic()
    steps = [["db_sync"], seed.bootstrap_arguments(bed, cloud)]
    _prepare(folder, bed, service, steps)
    _serve(folder, bed, service)
    seeded = folder.of(service) / "seeded"
    if not seeded.exists():
        seed.seed(bed, cloud)
        seeded.touch()
    say(f"{service.name} answers on {bed.auth_url(cloud)} ({time.monotonic() - started:.1f} s)")


def _start_glance(folder: StateFolder, bed: Bed, service: topology.Service, say: Say) -> None:
    started = time.monotonic()
    _prepare(folder, bed, service, [["db", "sync"]])
    _serve(folder, bed, service)
    say(f"{service.name} answers on {bed.url(service)} ({time.monotonic() - started:.1f} s)")


def _prepare(
    folder: StateFolder, bed: Bed, service: topology.Service, steps: list[list[str]]
) -> None:
    """Write the configuration, and make the database unless that was done before."""
    here = folder.of(service)
    done = here / "prepared"
    if done.exists():
        if config.write(here, bed, service):
            kill(folder.path, service.name)
        return
    # What an earlier attempt left is of no use, and its last command may still be at work on it.
    patience = 5 if here.exists() else 1
    while True:
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir(mode=0o700)
        config.write(here, bed, service)
        try:
            for arguments in steps:
                order = {"do": "manage", "service": service.name, "arguments": arguments}
                zygote.ask(folder, service.kind, order)
        except RuntimeError:
            patience -= 1
            if not patience:
                raise
            time.sleep(1)
        else:
            done.touch()
            return


def _serve(folder: StateFolder, bed: Bed, service: topology.Service) -> None:
    """Start a server unless it runs already."""
    if folder.records.pid(service.name) is None:
        order = {"do": "serve", "service": service.name, "port": bed.port(service)}
        zygote.ask(folder, service.kind, order)


def kill(path: str | os.PathLike[str], service_name: str) -> int | None:
    """SIGKILL one service, or one zygote (``keystone-zygote``); return the pid that it had.

    None is returned when it was not running.

    :raises LookupError: no such service
    :raises StateError: no minicloud there
    """
    folder = StateFolder(path)
    folder.load()
    if service_name not in {f"{kind}-zygote" for kind in KINDS}:
        topology.find_service(service_name)
    pid = folder.records.pid(service_name)
    if pid is not None:
        processes.kill(pid)
    return pid


def revive(path: str | os.PathLike[str], service_name: str) -> None:
    """Start one service again on its old state, unless it runs.

    :raises LookupError: no such service
    :raises StateError: no minicloud there
    :raises RuntimeError: it did not start
    """
    service = topology.find_service(service_name)
    folder = StateFolder(path)
    with folder.lock():
        bed = folder.load()
        _ensure_zygotes(folder, _quiet)
        _serve(folder, bed, service)


def down(path: str | os.PathLike[str]) -> int:
    """Kill every process of the bed and delete its folder; return how many processes there were.

    Works whatever was killed before, and when the folder is gone already.

    :raises TimeoutError: a process does not die
    """
    folder = StateFolder(path)
    if not folder.path.is_dir():
        return processes.kill_all(folder.path, folder.records)
    with folder.lock():
        count = processes.kill_all(folder.path, folder.records)
        folder.remove()
    return count


def status(path: str | os.PathLike[str]) -> Iterator[ServiceStatus]:
    """How every process of the bed is.

    :raises StateError: no minicloud there
    """
    folder = StateFolder(path)
    bed = folder.load()
    for service in bed.services:
        pid = folder.records.pid(service.name)
        rss = processes.rss_bytes(pid) if pid else 0
        yield ServiceStatus(service.name, pid, bed.port(service), rss, answers(bed, service))
    for kind in KINDS:
        pid = folder.records.pid(f"{kind}-zygote")
        rss = processes.rss_bytes(pid) if pid else 0
        yield ServiceStatus(f"{kind}-zygote", pid, None, rss, pid is not None)


def answers(bed: Bed, service: topology.Service, timeout: float = 5.0) -> bool:
    """Whether a service answers its probe with 200 within ``timeout`` seconds."""
    connection = http.client.HTTPConnection(topology.LOOPBACK, bed.port(service), timeout=timeout)
    try:
        connection.request("GET", PROBES[service.kind])
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def clouds_yaml(bed: Bed) -> str:
    """The text of a clouds.yaml with one entry per cloud and persona."""
    clouds = {}
    for cloud in bed.clouds:
        for persona in topology.PERSONAS:
            if persona.clouds_yaml:
                clouds[f"{cloud.name}-{persona.name}"] = _entry(bed, cloud, persona)
        default = topology.persona(topology.DEFAULT_PERSONA)
        clouds[cloud.name] = _entry(bed, cloud, default)
    return str(yaml.safe_dump({"clouds": clouds}))


def _entry(bed: Bed, cloud: topology.Cloud, persona: topology.Persona) -> dict[str, object]:
    return {
        "auth": {
            "auth_url": bed.auth_url(cloud),
            "username": persona.name,
            "password": bed.passwords[cloud.name][persona.name],
            "project_name": persona.project,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": cloud.regions[0],
        "interface": "public",
        "identity_api_version": "3",
        "image_api_version": "2",
    }
