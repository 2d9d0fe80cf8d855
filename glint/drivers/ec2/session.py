"""A login at one account in one region: the clients that speak with its services.

Nothing of the host's own is used: no profile, no environment, no metadata service, no proxy.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import logging
import os
import pathlib
import tempfile
import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore import UNSIGNED, loaders
from botocore import session as boto_session
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from glint.drivers.addresses import AddressPolicy
from glint.drivers.connections import guarded_pools
from glint.drivers.ec2.errors import ErrorMap
from glint.exception import AddressDenied

#: Blocks on their way at once. Each costs 0.5 MiB and, at Amazon, some 20 to 50 ms.
THREADS = 16

#: How often a call is made in all; the waits between grow to 20 s (botocore: standard mode).
ATTEMPTS = 6

#: Seconds that an assumed role is good for.
_SESSION = 3600

_SECRETS = ("secret_access_key", "session_token", "external_id")
_NOWHERE: dict[str, tuple[Any, ...]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "metadata_service_num_attempts": (None, None, 0, None),
}


@functools.cache
def _models() -> loaders.Loader:
    """Amazon's descriptions of its services, read once: that of EC2 has some MB."""
    return loaders.create_loader()


def hush() -> None:
    """Keep the library from logging what it sends and gets: session tokens, keys of roles."""
    for name in [*logging.root.manager.loggerDict, "botocore"]:
        if name == "botocore" or name.startswith("botocore."):
            logger = logging.getLogger(name)
            if logger.level < logging.INFO:
                logger.setLevel(logging.INFO)


class _Given:
    """In place of the library's search for credentials."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Credentials | None:
        return self._credentials


class _Http(URLLib3Session):
    """The library's HTTP, which connects where the operator allows; follows no redirect."""

    def __init__(self, addresses: AddressPolicy, verify: bool | str, timeout: float) -> None:
        super().__init__(verify=verify, proxies={}, timeout=timeout, max_pool_connections=THREADS)
        self._manager.pool_classes_by_scheme = guarded_pools(
            addresses, self._pool_classes_by_scheme
        )

    def answer(self, request: Any, **_more: Any) -> Any:
        """Send a request in place of the client.

        :raises AddressDenied: it would go where it may not.
        """
        try:
            return self.send(request)
        except HTTPClientError as error:
            denied = error.kwargs.get("error")
            if isinstance(denied, AddressDenied):
                raise denied from error
            raise


class Login:
    """Clients for ``ec2``, ``ebs`` and ``sts``; safe for threads.

    :param connection: as the site type says.
    :param auth: the credential; None: unsigned, to probe only.
    :param timeout: seconds to wait for a connection or for the next byte of an answer.
    :param addresses: where connections may go to.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        auth: Mapping[str, Any] | None,
        timeout: float,
        addresses: AddressPolicy,
    ) -> None:
        self.region = str(connection["region"])
        self._connection = connection
        self._auth = auth
        self._timeout = timeout
        self._addresses = addresses
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._stack = contextlib.ExitStack()
        self._role: RefreshableCredentials | None = None
        self.url = str(connection.get("endpoint") or f"https://ec2.{self.region}.amazonaws.com")
        self.errors = ErrorMap(self.url, self.secrets)

    @property
    def partition(self) -> str:
        """What no copy crosses: Amazon's own partition, or that the cloud is not Amazon's."""
        if self._connection.get("endpoint"):
            return "elsewhere"
        named = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        found = (name for begin, name in named.items() if self.region.startswith(begin))
        return next(found, "aws")

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown."""
        known = [str(self._auth[name]) for name in _SECRETS if self._auth and name in self._auth]
        if self._role is not None:
            known += [str(self._role._secret_key or ""), str(self._role._token or "")]
        return tuple(filter(None, known))

    def client(self, service: str) -> Any:
        """The client of one service.

        :raises SiteError: it cannot be made.
        """
        with self._lock, self.errors.guard():
            if service not in self._clients:
                self._clients[service] = self._make(service, self._credentials())
            return self._clients[service]

    def _credentials(self) -> Credentials | None:
        if self._auth is None:
            return None
        auth = self._auth
        key = Credentials(
            auth["access_key_id"], auth["secret_access_key"], auth.get("session_token")
        )
        if auth["auth_type"] == "access_key":
            return key
        if self._role is None:
            fetch = functools.partial(self._assume, self._make("sts", key))
            self._role = RefreshableCredentials.create_from_metadata(
                fetch(), refresh_using=fetch, method="sts-assume-role"
            )
        return self._role

    def _assume(self, sts: Any) -> dict[str, str]:
        assert self._auth is not None
        wanted = {
            "RoleArn": self._auth["role_arn"],
            "RoleSessionName": "glint",
            "DurationSeconds": _SESSION,
        }
        if "external_id" in self._auth:
            wanted["ExternalId"] = self._auth["external_id"]
        given = sts.assume_role(**wanted)["Credentials"]
        ends: datetime.datetime = given["Expiration"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": ends.isoformat(),
        }

    def _make(self, service: str, credentials: Credentials | None) -> Any:
        session = boto_session.Session(session_vars=_NOWHERE)
        session.register_component("data_loader", _models())
        session.register_component("credential_provider", _Given(credentials))
        settings: dict[str, Any] = {
            "connect_timeout": self._timeout,
            "read_timeout": self._timeout,
            "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
            "max_pool_connections": THREADS,
            "proxies": {},
            "ignore_configured_endpoint_urls": True,
        }
        if credentials is None:
            settings["signature_version"] = UNSIGNED
        client = boto3.Session(botocore_session=session).client(
            service,
            region_name=self.region,
            endpoint_url=self._connection.get("endpoint"),
            config=Config(**settings),
        )
        http = _Http(self._addresses, self._verify(), self._timeout)
        self._stack.callback(http.close)
        client.meta.events.register("before-send", http.answer)
        hush()
        return client

    def _verify(self) -> bool | str:
        if self._connection.get("insecure"):
            return False
        pem = self._connection.get("ca_cert")
        if not pem:
            return True
        # The library takes a path only. A certificate is no secret.
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-ca-"))
        path = pathlib.Path(folder) / "ca.pem"
        path.write_text(str(pem), "ascii", "replace")
        return str(path)

    def renew(self) -> None:
        """Forget sessions and clients."""
        with self._lock:
            self._role = None
            self._drop()

    def _drop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._stack.close()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._drop()
