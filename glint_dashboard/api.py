"""The one door to Glint: everything that the panels know and do goes through :func:`client`."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from keystoneauth1 import session, token_endpoint
from openstack_dashboard.api import base

from glint.client import (
    BadRequest,
    Client,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    NotFound,
    Resource,
    Unauthorized,
)

__all__ = [
    "SERVICE",
    "BadRequest",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "NotFound",
    "Resource",
    "Unauthorized",
    "client",
    "inventory",
    "page",
]

SERVICE = "image-distribution"

#: Seconds for a connection and for the next byte: Glint waits up to a minute for a site itself.
TIMEOUT = (5.0, 90.0)


def client(request: HttpRequest) -> Client:
    """Glint as the user of a request, in the user's region and project.

    :raises horizon.exceptions.ServiceCatalogException: the catalogue has no Glint.
    """
    verify: bool | str = not settings.OPENSTACK_SSL_NO_VERIFY
    if verify and settings.OPENSTACK_SSL_CACERT:
        verify = str(settings.OPENSTACK_SSL_CACERT)
    endpoint = base.url_for(request, SERVICE)
    auth = token_endpoint.Token(endpoint, request.user.token.id)
    return Client(
        session.Session(auth, verify=verify),
        endpoint_override=endpoint,
        timeout=TIMEOUT,
        user_agent="glint-dashboard",
    )


def page(
    client: Client, collection: str, *, limit: int, marker: str | None = None, **filters: object
) -> tuple[list[Resource], bool]:
    """One page of a list, and whether another follows.

    :param collection: an attribute of the client, such as ``sites``.
    :param marker: the last id of the page before.
    :raises ClientError: the service did not answer, or refused.
    """
    things = getattr(client, collection)
    answer = client.http.get(things.path, {"limit": limit, "marker": marker, **filters})
    return list(answer.get(things.many) or ()), bool(answer.get("links"))


def inventory(
    client: Client, credential_id: str, *, limit: int, marker: str | None = None
) -> tuple[list[Resource], bool]:
    """One page of what a credential saw at its site, and whether another follows.

    :param marker: the last remote id of the page before.
    :raises ClientError: the service did not answer, or refused.
    """
    path = f"{client.credentials.path}/{credential_id}/inventory"
    answer = client.http.get(path, {"limit": limit, "marker": marker})
    return list(answer.get("inventory") or ()), bool(answer.get("links"))
