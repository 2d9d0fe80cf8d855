"""What the minicloud consists of, as data: clouds, services, projects, users.

Two clouds are always there; one with two regions only where a test asks for it. Other kinds of
services (EC2, Horizon) get a kind of their own.
"""

from __future__ import annotations

import dataclasses

LOOPBACK = "127.0.0.1"
BLOCK = 32
"""Ports that one minicloud reserves, from its base port on."""
SPARE_OFFSETS = tuple(range(24, BLOCK))
"""Ports of the block that are left for a test's own servers.

Glance fetches (web-download, glance-download, locations) only from ports that its configuration
lists; these are listed, so that a fault proxy or a web server of a test can stand there."""


@dataclasses.dataclass(frozen=True)
class Service:
    """One server process; its port is the base port plus ``offset``."""

    name: str
    kind: str
    region: str
    offset: int


@dataclasses.dataclass(frozen=True)
class Persona:
    """A user with one role in one project.

    :ivar clouds_yaml: whether the user gets an entry of its own in clouds.yaml
    """

    name: str
    project: str
    role: str
    clouds_yaml: bool = True


@dataclasses.dataclass(frozen=True)
class Cloud:
    """One cloud: exactly one Keystone, and the services of its catalogue."""

    name: str
    services: tuple[Service, ...]

    def of_kind(self, kind: str) -> tuple[Service, ...]:
        """The services of one kind, in the order of the topology."""
        return tuple(service for service in self.services if service.kind == kind)

    @property
    def keystone(self) -> Service:
        """The cloud's one Keystone."""
        return self.of_kind("keystone")[0]

    @property
    def regions(self) -> tuple[str, ...]:
        """The names of the regions, the first one being the default."""
        return tuple(dict.fromkeys(service.region for service in self.services))


def _simple_cloud(name: str, offset: int) -> Cloud:
    return Cloud(
        name,
        (
            Service(f"{name}-keystone", "keystone", name, offset),
            Service(f"{name}-glance", "glance", name, offset + 1),
        ),
    )


TENANTS = ("hep", "bio")
"""The projects of users; each has an admin, a member and a reader."""
DEFAULT_PERSONA = "hep-member"
"""Who the bare cloud name means in clouds.yaml."""
ADMIN = Persona("admin", "admin", "admin")

PERSONAS: tuple[Persona, ...] = (
    ADMIN,
    *(
        Persona(f"{project}-{role}", project, role)
        for project in TENANTS
        for role in ("admin", "member", "reader")
    ),
    Persona("glance", "service", "service", clouds_yaml=False),
    # Keystone lets the role "service" validate anybody's token; Glint needs no more.
    Persona("glint", "service", "service"),
)

CLOUDS: tuple[Cloud, ...] = (_simple_cloud("alto", 0), _simple_cloud("dair", 10))
"""Those that every minicloud has."""
DUO = Cloud(
    "duo",
    (
        Service("duo-keystone", "keystone", "east", 20),
        Service("duo-east-glance", "glance", "east", 21),
        Service("duo-west-glance", "glance", "west", 22),
    ),
)
"""One Keystone with two regions."""
OPTIONAL: tuple[Cloud, ...] = (DUO,)
"""Those that are started only where they are asked for."""


def all_services(clouds: tuple[Cloud, ...] = CLOUDS) -> tuple[Service, ...]:
    """Every service of every cloud."""
    return tuple(service for cloud in clouds for service in cloud.services)


def find_service(name: str) -> Service:
    """The service called ``name``.

    :raises LookupError: there is no such service; the message lists those there are
    """
    known = all_services(CLOUDS + OPTIONAL)
    for service in known:
        if service.name == name:
            return service
    names = ", ".join(service.name for service in known)
    raise LookupError(f"no service {name!r} in the minicloud; there are: {names}")


def cloud_of(service: Service) -> Cloud:
    """The cloud that ``service`` belongs to."""
    return next(cloud for cloud in CLOUDS + OPTIONAL if service in cloud.services)


def find_cloud(name: str) -> Cloud:
    """The cloud called ``name``.

    :raises LookupError: there is no such cloud
    """
    for cloud in CLOUDS + OPTIONAL:
        if cloud.name == name:
            return cloud
    raise LookupError(f"no cloud {name!r} in the minicloud")


def persona(name: str) -> Persona:
    """The persona called ``name``.

    :raises LookupError: there is no such persona
    """
    for one in PERSONAS:
        if one.name == name:
            return one
    raise LookupError(f"no persona {name!r} in the minicloud")
