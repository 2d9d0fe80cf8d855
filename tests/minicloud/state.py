"""The state folder of a minicloud: where things are, what is remembered, who holds the lock."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import random
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.minicloud import topology
from tests.minicloud.processes import Records

Overrides = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Configuration to alter: service name -> group -> option -> value."""


class StateError(Exception):
    """The state folder cannot be used as asked; the message says why."""


def _reserve(base: int) -> list[socket.socket] | None:
    """Bind every port of a block without listening, or None when one is taken."""
    taken: list[socket.socket] = []
    for port in range(base, base + topology.BLOCK):
        one = socket.socket()
        try:
            one.bind((topology.LOOPBACK, port))
        except OSError:
            for sock in (one, *taken):
                sock.close()
            return None
        # Only now: two that search at once must not both get the port, but our own server,
        # which binds with this option, must get it while it is reserved.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.append(one)
    return taken


@contextlib.contextmanager
def free_block(tries: int = 200) -> Iterator[int]:
    """Find a free block of ports, and hold it while the servers come up.

    The search keeps below 32768, where Linux begins to take ports for outgoing connections.

    :raises StateError: no free block was found
    """
    chooser = random.SystemRandom()
    for _ in range(tries):
        base = chooser.randrange(16384, 32768, topology.BLOCK)
        held = _reserve(base)
        if held is not None:
            try:
                yield base
            finally:
                for sock in held:
                    sock.close()
            return
    raise StateError(f"no free block of {topology.BLOCK} ports found")


@dataclasses.dataclass
class Bed:
    """What is remembered about one minicloud (``bed.json``).

    :ivar owner: pid and start time of the process that the bed must not outlive, or None
    :ivar passwords: cloud -> user -> password
    :ivar extras: names of the optional clouds that it has
    """

    base_port: int
    overrides: dict[str, dict[str, dict[str, Any]]]
    passwords: dict[str, dict[str, str]]
    owner: tuple[int, int] | None = None
    extras: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def fresh(cls, base_port: int, overrides: Overrides) -> Bed:
        """A new bed with random passwords."""
        passwords = {
            cloud.name: {one.name: secrets.token_urlsafe(18) for one in topology.PERSONAS}
            for cloud in topology.CLOUDS + topology.OPTIONAL
        }
        bed = cls(base_port, {}, passwords)
        bed.add(overrides)
        return bed

    def add(self, overrides: Overrides) -> None:
        """Merge more configuration overrides into those remembered.

        :raises StateError: an override is for a service that does not exist
        """
        for service, groups in overrides.items():
            try:
                topology.find_service(service)
            except LookupError as exc:
                raise StateError(f"cannot override configuration: {exc}") from exc
            for group, options in groups.items():
                self.overrides.setdefault(service, {}).setdefault(group, {}).update(options)

    @property
    def clouds(self) -> tuple[topology.Cloud, ...]:
        """The clouds that it has."""
        return (*topology.CLOUDS, *(topology.find_cloud(name) for name in self.extras))

    @property
    def services(self) -> tuple[topology.Service, ...]:
        """Every service of every cloud that it has."""
        return topology.all_services(self.clouds)

    def port(self, service: topology.Service) -> int:
        """The port that a service listens on."""
        return self.base_port + service.offset

    def url(self, service: topology.Service) -> str:
        """The base URL of a service, without a path."""
        return f"http://{topology.LOOPBACK}:{self.port(service)}"

    def auth_url(self, cloud: topology.Cloud) -> str:
        """The URL of a cloud's Keystone, with its version."""
        return self.url(cloud.keystone) + "/v3"

    @property
    def spare_ports(self) -> tuple[int, ...]:
        """Ports that Glance may fetch from and that no service uses."""
        return tuple(self.base_port + offset for offset in topology.SPARE_OFFSETS)


class StateFolder:
    """Paths in a state folder, and the folder's own life: make, lock, remove."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(os.path.realpath(path))
        self.bed_file = self.path / "bed.json"
        self.clouds_yaml = self.path / "clouds.yaml"
        self.run = self.path / "run"
        self.records = Records(self.path / "pids", self.path)

    def of(self, service: topology.Service) -> pathlib.Path:
        """The folder of one service."""
        return self.path / service.name

    def is_bed(self) -> bool:
        """Whether a minicloud lives, or has lived, here."""
        return self.bed_file.is_file()

    def load(self) -> Bed:
        """Read what is remembered.

        :raises StateError: there is no minicloud here
        """
        try:
            data = json.loads(self.bed_file.read_text())
        except FileNotFoundError:
            raise StateError(f"there is no minicloud in {self.path}") from None
        owner = data.pop("owner")
        return Bed(**data, owner=None if owner is None else (owner[0], owner[1]))

    def save(self, bed: Bed) -> None:
        """Write what is to be remembered, readable by its owner alone."""
        write_private(self.bed_file, json.dumps(dataclasses.asdict(bed), indent=1))

    def claim(self) -> None:
        """Create the folder for the owner alone, unless it is there.

        :raises StateError: the folder has content, and it is not a minicloud's
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        foreign = [one for one in os.listdir(self.path) if not one.startswith(".bed.json.")]
        if foreign and not self.is_bed():
            raise StateError(f"{self.path} is not empty and not a minicloud: choose another folder")
        self.path.chmod(0o700)

    def make_subfolders(self) -> None:
        """Create what the processes of the bed need; only after :meth:`save`.

        The remembered file comes first, for without it nothing here counts as a minicloud's.
        """
        for name in ("pids", "run", "home", "tmp"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)

    def remove(self) -> None:
        """Delete the folder with all that is in it; a folder that is no minicloud's is kept."""
        if self.is_bed():
            shutil.rmtree(self.path)

    @contextlib.contextmanager
    def lock(self, timeout: float = 60.0) -> Iterator[None]:
        """Hold the folder against other commands; it must exist.

        :param timeout: seconds to wait for another command to finish
        :raises StateError: there is no such folder, or another command holds it too long
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except (FileNotFoundError, NotADirectoryError):
                raise StateError(f"there is no folder {self.path}") from None
            try:
                if self._locked(handle):
                    yield
                    return
            finally:
                os.close(handle)
            if time.monotonic() > deadline:
                raise StateError(f"another command has held {self.path} for {timeout:g} s")
            time.sleep(0.02)

    def _locked(self, handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # Whoever held the lock before us may have removed the folder.
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(handle), os.stat(self.path))
        return False


def write_private(path: pathlib.Path, text: str) -> None:
    """Write a file that only its owner can read, at once or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    fresh.rename(path)
