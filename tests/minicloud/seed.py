"""Fills a cloud through Keystone's public API, as its admin: only what is missing is made."""

from __future__ import annotations

from typing import Any

import requests
from keystoneauth1 import identity, session
from keystoneauth1.exceptions import http as http_errors

from tests.minicloud import state, topology

TIMEOUT = 30
"""Seconds that one call may take."""
INTERFACES = ("public", "internal", "admin")
SERVICE_TYPES = {"glance": "image"}
"""Kind of service -> its type in the catalogue; Keystone registers itself at bootstrap."""


def connect(bed: state.Bed, cloud: topology.Cloud, persona: topology.Persona) -> session.Session:
    """A session of a persona; it takes nothing from the environment, such as proxies."""
    auth = identity.V3Password(
        auth_url=bed.auth_url(cloud),
        username=persona.name,
        password=bed.passwords[cloud.name][persona.name],
        project_name=persona.project,
        user_domain_id="default",
        project_domain_id="default",
    )
    plain = requests.Session()
    plain.trust_env = False
    return session.Session(auth=auth, session=plain, timeout=TIMEOUT)


class Keystone:
    """The few calls that seeding needs, made as the cloud's admin."""

    def __init__(self, bed: state.Bed, cloud: topology.Cloud) -> None:
        self._session = connect(bed, cloud, topology.ADMIN)
        self._base = bed.auth_url(cloud)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(f"{self._base}/{path}", method, json=body)
        return answer.json() if answer.content else None

    def _listed(self, collection: str, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"{collection}?{query}")[collection]
        return found

    def ensure(self, collection: str, query: str, **attributes: Any) -> str:
        """The id of the resource that ``query`` finds, made of ``attributes`` if there is none."""
        found = self._listed(collection, query)
        if found:
            return str(found[0]["id"])
        single = collection.removesuffix("s")
        return str(self._call("POST", collection, {single: attributes})[single]["id"])

    def role_id(self, name: str) -> str:
        """The id of a role, which bootstrap has made."""
        return str(self._listed("roles", f"name={name}")[0]["id"])

    def assign(self, project: str, user: str, role: str) -> None:
        """Give a user a role in a project; all three are ids."""
        self._call("PUT", f"projects/{project}/users/{user}/roles/{role}")

    def assign_system(self, user: str, role: str) -> None:
        """Give a user a role on the whole cloud, as Glance needs to read limits."""
        self._call("PUT", f"system/users/{user}/roles/{role}")

    def set_limit(self, region: str, resource: str, limit: int) -> None:
        """Let every project of a region have so much of an image service's resource."""
        service_id = self.ensure_service("image", "glance")
        query = f"service_id={service_id}&region_id={region}&resource_name={resource}"
        found = self._listed("registered_limits", query)
        if found:
            body: Any = {"registered_limit": {"default_limit": limit}}
            self._call("PATCH", f"registered_limits/{found[0]['id']}", body)
            return
        one = {
            "service_id": service_id,
            "region_id": region,
            "resource_name": resource,
            "default_limit": limit,
        }
        self._call("POST", "registered_limits", {"registered_limits": [one]})

    def ensure_region(self, name: str) -> None:
        """Make a region, if it is not there."""
        try:
            self._call("POST", "regions", {"region": {"id": name}})
        except http_errors.Conflict:
            return

    def ensure_service(self, kind: str, name: str) -> str:
        """The id of the service of a type, made if there is none."""
        return self.ensure("services", f"type={kind}", type=kind, name=name)

    def set_endpoint(self, service_id: str, region: str, url: str) -> None:
        """Let all interfaces of a service in a region point to ``url``."""
        query = f"service_id={service_id}&region_id={region}"
        found = {one["interface"]: one for one in self._listed("endpoints", query)}
        for interface in INTERFACES:
            if interface not in found:
                body = {
                    "service_id": service_id,
                    "region_id": region,
                    "interface": interface,
                    "url": url,
                }
                self._call("POST", "endpoints", {"endpoint": body})
            elif found[interface]["url"] != url:
                path = f"endpoints/{found[interface]['id']}"
                self._call("PATCH", path, {"endpoint": {"url": url}})


def bootstrap_arguments(bed: state.Bed, cloud: topology.Cloud) -> list[str]:
    """The ``keystone-manage bootstrap`` that makes the admin, the roles and Keystone's endpoint."""
    url = bed.auth_url(cloud)
    options = {
        "username": topology.ADMIN.name,
        "password": bed.passwords[cloud.name][topology.ADMIN.name],
        "project-name": topology.ADMIN.project,
        "region-id": cloud.regions[0],
        "public-url": url,
        "internal-url": url,
        "admin-url": url,
    }
    arguments = ["bootstrap"]
    for name, value in options.items():
        arguments += [f"--bootstrap-{name}={value}"]
    return arguments


def seed(bed: state.Bed, cloud: topology.Cloud) -> None:
    """Make projects, users, roles and the catalogue.

    :raises keystoneauth1.exceptions.ClientException: Keystone refused or did not answer
    """
    keystone = Keystone(bed, cloud)
    projects = {
        name: keystone.ensure(
            "projects", f"name={name}&domain_id=default", name=name, domain_id="default"
        )
        for name in dict.fromkeys(one.project for one in topology.PERSONAS)
    }
    roles = {name: keystone.role_id(name) for name in {one.role for one in topology.PERSONAS}}
    for one in topology.PERSONAS:
        user = keystone.ensure(
            "users",
            f"name={one.name}&domain_id=default",
            name=one.name,
            domain_id="default",
            password=bed.passwords[cloud.name][one.name],
        )
        keystone.assign(projects[one.project], user, roles[one.role])
        if one.name == "glance":
            keystone.assign_system(user, keystone.role_id("reader"))
    for region in cloud.regions:
        keystone.ensure_region(region)
    identity_id = keystone.ensure_service("identity", "keystone")
    for region in cloud.regions[1:]:
        # A Glance asks for Keystone's endpoint in its own region.
        keystone.set_endpoint(identity_id, region, bed.auth_url(cloud))
    for service in cloud.services:
        if service.kind in SERVICE_TYPES:
            service_id = keystone.ensure_service(SERVICE_TYPES[service.kind], service.kind)
            keystone.set_endpoint(service_id, service.region, bed.url(service))
