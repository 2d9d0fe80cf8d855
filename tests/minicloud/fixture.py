"""The minicloud from Python: for tests, for the demo, for measurements."""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import pathlib
import tempfile
import threading
from collections.abc import Sequence

import fixtures
from keystoneauth1 import session as ks_session

from tests.minicloud import bed, seed, topology
from tests.minicloud.state import Bed, Overrides, StateFolder

LIMITS = ("image_size_total", "image_stage_total", "image_count_total", "image_count_uploading")
"""What Glance has Keystone limit."""


@dataclasses.dataclass(frozen=True)
class Credentials:
    """What one user needs to use one cloud; the password stays out of ``repr``."""

    auth_url: str
    username: str
    project_name: str
    region_name: str
    password: str = dataclasses.field(repr=False)
    user_domain_id: str = "default"
    project_domain_id: str = "default"

    def auth_parameters(self) -> dict[str, str]:
        """The parameters of keystoneauth's password plugin: all but the region."""
        parameters = dataclasses.asdict(self)
        del parameters["region_name"]
        return parameters


class CloudHandle:
    """One running cloud."""

    def __init__(self, running: Bed, cloud: topology.Cloud) -> None:
        self._bed = running
        self._cloud = cloud
        self.name = cloud.name
        self.region = cloud.regions[0]
        self.auth_url = running.auth_url(cloud)
        self.ports = {service.name: running.port(service) for service in cloud.services}
        self.image_url = self.image_url_in(self.region)

    def image_url_in(self, region: str) -> str:
        """The base URL of the Glance of a region, without ``/v2`` and whatever the catalogue says.

        :raises LookupError: no such region
        """
        for service in self._cloud.of_kind("glance"):
            if service.region == region:
                return self._bed.url(service)
        raise LookupError(f"{self.name} has no Glance in region {region!r}")

    def credentials(self, persona: str = topology.DEFAULT_PERSONA) -> Credentials:
        """The credentials of a persona, for example ``hep-admin``, ``bio-reader`` or ``glint``.

        :raises LookupError: no such persona
        """
        one = topology.persona(persona)
        return Credentials(
            auth_url=self.auth_url,
            username=one.name,
            project_name=one.project,
            region_name=self.region,
            password=self._bed.passwords[self.name][one.name],
        )

    def session(self, persona: str = topology.DEFAULT_PERSONA) -> ks_session.Session:
        """A new keystoneauth session of a persona; its calls end after 30 s of silence.

        :raises LookupError: no such persona
        """
        return seed.connect(self._bed, self._cloud, topology.persona(persona))

    def set_limit(self, resource: str, limit: int, region: str | None = None) -> None:
        """Let each project have so much: ``image_size_total`` in MiB, -1 for no limit.

        It counts for a Glance whose configuration has ``use_keystone_limits``, which refuses all
        work as long as one of its limits is not set: see :data:`LIMITS`.
        """
        keystone = seed.Keystone(self._bed, self._cloud)
        keystone.set_limit(region or self.region, resource, limit)

    def register_service(self, kind: str, name: str, url: str, region: str | None = None) -> str:
        """Put a service into the catalogue, or change where it points to; return its id.

        :param kind: service type, for example ``image-distribution``
        """
        keystone = seed.Keystone(self._bed, self._cloud)
        service_id = keystone.ensure_service(kind, name)
        keystone.set_endpoint(service_id, region or self.region, url)
        return service_id


class MiniCloud:
    """The clouds in one state folder.

    :param state_dir: the folder; it is made by :meth:`up` and deleted by :meth:`down`
    :param overrides: configuration to alter: service name -> group -> option -> value, for example
        ``{'dair-glance': {'DEFAULT': {'hashing_algorithm': 'sha256'}}}``
    :param owned: whether the clouds end when this process does, even by SIGKILL
    :param extras: optional clouds to start too, for example ``duo``
    """

    def __init__(
        self,
        state_dir: str | os.PathLike[str],
        overrides: Overrides | None = None,
        *,
        base_port: int | None = None,
        owned: bool = False,
        extras: Sequence[str] = (),
    ) -> None:
        self.folder = StateFolder(state_dir)
        self._overrides = overrides
        self._base_port = base_port
        self._owner = os.getpid() if owned else None
        self._extras = tuple(extras)
        self._bed: Bed | None = None
        self._redirected: set[tuple[str, str]] = set()

    @property
    def clouds_yaml(self) -> pathlib.Path:
        """The file for OS_CLIENT_CONFIG_FILE."""
        return self.folder.clouds_yaml

    @property
    def spare_ports(self) -> tuple[int, ...]:
        """Ports kept free for a test's own servers, from which each Glance may fetch."""
        return self._running.spare_ports

    def up(self, say: bed.Say = print) -> MiniCloud:
        """Start what is not running; return when everything answers.

        :raises tests.minicloud.state.StateError: the folder cannot be used
        :raises RuntimeError: a service did not start
        """
        self._bed = bed.up(
            self.folder.path,
            overrides=self._overrides,
            base_port=self._base_port,
            owner=self._owner,
            extras=self._extras,
            say=say,
        )
        return self

    def down(self) -> None:
        """End every process and delete the folder."""
        bed.down(self.folder.path)
        self._bed = None

    def cloud(self, name: str) -> CloudHandle:
        """One of the clouds, such as ``alto`` or ``dair``.

        :raises LookupError: no such cloud
        """
        return CloudHandle(self._running, topology.find_cloud(name))

    def kill(self, service: str) -> int | None:
        """SIGKILL a service such as ``alto-glance``; return the pid it had, None if it was dead."""
        return bed.kill(self.folder.path, service)

    def revive(self, service: str) -> None:
        """Start a killed service again on its old state and port."""
        bed.revive(self.folder.path, service)

    def status(self) -> list[bed.ServiceStatus]:
        """How every process is."""
        return list(bed.status(self.folder.path))

    def set_endpoint(self, cloud: str, kind: str, url: str, region: str | None = None) -> None:
        """Let the catalogue of a cloud point elsewhere for a service type, e.g. to a fault proxy.

        Clients see it with their next token. For ``image``, ``url`` takes no ``/v2``.
        """
        handle = self.cloud(cloud)
        self._redirected.add((cloud, region or handle.region))
        handle.register_service(kind, kind, url, region)

    def mend(self) -> None:
        """Start again what was killed, and restore the image endpoints that were redirected."""
        for service in self._running.services:
            self.revive(service.name)
        for cloud, region in self._redirected:
            handle = self.cloud(cloud)
            handle.register_service("image", "glance", handle.image_url_in(region), region)
        self._redirected.clear()

    @property
    def _running(self) -> Bed:
        if self._bed is None:
            self._bed = self.folder.load()
        return self._bed


class SharedMiniCloud(fixtures.Fixture):
    """One minicloud per test process, set of overrides and extras, however many tests use it.

    Started by the first test that uses it, ended at the end of the process; when the process is
    killed, the minicloud notices and ends itself. After each test it is mended: what was killed is
    revived, and the image endpoints of the catalogues are restored. Images stay, and are the
    test's to remove.

    :ivar minicloud: the running :class:`MiniCloud`
    """

    _lock = threading.Lock()
    _shared: dict[str, MiniCloud] = {}

    def __init__(self, overrides: Overrides | None = None, extras: Sequence[str] = ()) -> None:
        super().__init__()
        self._overrides = overrides or {}
        self._extras = tuple(extras)
        self.minicloud: MiniCloud

    def _setUp(self) -> None:  # the name is the library's
        key = json.dumps([self._overrides, self._extras], sort_keys=True, default=str)
        with self._lock:
            if key not in self._shared:
                self._shared[key] = _own_minicloud(self._overrides, self._extras)
        self.minicloud = self._shared[key]
        self.addCleanup(self.minicloud.mend)


def _own_minicloud(overrides: Overrides, extras: Sequence[str]) -> MiniCloud:
    folder = tempfile.mkdtemp(prefix="minicloud-")
    minicloud = MiniCloud(folder, overrides, owned=True, extras=extras)
    owner = os.getpid()

    def down() -> None:
        if os.getpid() == owner:  # not at the end of a fork of ours
            minicloud.down()

    atexit.register(down)
    return minicloud.up(say=lambda line: None)
