"""HTTP connections that go only where an :class:`AddressPolicy` lets them.

* ``requests``: ``new_session(GuardedAdapter(policy))``; redirects may be followed.
* ``keystoneauth1``: such a session as its ``session``.
* ``urllib3``, and botocore, which stands on it: ``manager.pool_classes_by_scheme =
  guarded_pools(policy, manager.pool_classes_by_scheme)`` before the first request.

The name is looked up once for each connection, its addresses are checked, and the connection is
made to one that passed; TLS, SNI and ``Host`` keep the name. Proxies are not used, whatever the
environment says: a proxy looks names up by itself, where nobody checks.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from glint.drivers.addresses import AddressPolicy
from glint.exception import AddressDenied

Pools = Mapping[str, type[HTTPConnectionPool]]

_PLAIN_POOLS: Pools = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class _Guarded(HTTPConnection):
    """Mixed into a class of connections; ``policy`` and ``url_scheme`` are set there."""

    policy: AddressPolicy
    url_scheme: str

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        if self.proxy is not None:
            raise AddressDenied(url=name, reason="it would be reached through a proxy")
        try:
            addresses = self.policy.reachable(self.url_scheme, name, self.port)
        except socket.gaierror as exc:
            raise NameResolutionError(self.host, self, exc) from exc
        failure: Exception | None = None
        try:
            for address in addresses:
                # urllib3 looks up what is here; of an address there is nothing to look up.
                self._dns_host = address
                try:
                    return super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError) as exc:
                    failure = exc
        finally:
            self._dns_host = name
        assert failure is not None
        raise failure


def guarded_pools(
    policy: AddressPolicy, pools: Pools = _PLAIN_POOLS
) -> dict[str, type[HTTPConnectionPool]]:
    """The same classes of pools, scheme -> class, whose connections obey ``policy``."""
    return {scheme: _guarded(pool, policy, scheme) for scheme, pool in pools.items()}


def _guarded(
    pool: type[HTTPConnectionPool], policy: AddressPolicy, scheme: str
) -> type[HTTPConnectionPool]:
    connection = type(
        f"Guarded{pool.ConnectionCls.__name__}",
        (_Guarded, pool.ConnectionCls),
        {"policy": policy, "url_scheme": scheme},
    )
    made = type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": connection})
    return cast(type[HTTPConnectionPool], made)


class GuardedAdapter(HTTPAdapter):
    """Connects where ``policy`` allows, and never through a proxy.

    :param pools: classes of pools to guard.
    """

    def __init__(self, policy: AddressPolicy, pools: Pools = _PLAIN_POOLS) -> None:
        self._pools = guarded_pools(policy, pools)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def send(self, request: Any, stream: bool = False, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs["proxies"] = None
        return super().send(request, stream=stream, **kwargs)


class _Session(requests.Session):
    """Takes a set of CA certificates from the environment, and neither passwords nor proxies."""

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Nobody's password follows a redirect; requests would look into a ``.netrc`` file."""
        prepared_request.headers.pop("Authorization", None)

    def rebuild_proxies(self, prepared_request: Any, proxies: Any) -> dict[str, str]:
        """Without requests' own Proxy-Authorization, which would go to the site."""
        return {}


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def new_session(adapter: GuardedAdapter) -> requests.Session:
    """A requests session that uses ``adapter`` only, and no password of a ``.netrc`` file."""
    session = _Session()
    session.auth = _no_auth
    session.adapters.clear()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session
