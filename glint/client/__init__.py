"""A small client of the Glint API, on keystoneauth1 and the standard library only.

>>> client = glint.client.Client(keystoneauth1_session)
>>> operation = client.operations.create([{"image_id": i, "credential_id": c, "wanted": True}])
>>> client.wait_for(operation["id"], timeout=600)["state"]
'done'
"""

from glint.client.client import Client
from glint.client.errors import (
    BadRequest,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    NotFound,
    ServerError,
    ServiceNotFound,
    Unauthorized,
    UnexpectedAnswer,
    VersionNotSupported,
    WaitTimeout,
)
from glint.client.http import Resource

__all__ = [
    "BadRequest",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "NotFound",
    "Resource",
    "ServerError",
    "ServiceNotFound",
    "Unauthorized",
    "UnexpectedAnswer",
    "VersionNotSupported",
    "WaitTimeout",
]
