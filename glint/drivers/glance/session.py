"""A login at one cloud: the token, the address of the image service, the clients that use both."""

from __future__ import annotations

import collections
import contextlib
import logging
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from glanceclient.common import http as glance_http
from glanceclient.v2 import images
from keystoneauth1 import exceptions as ksa
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from glint.drivers.addresses import AddressPolicy
from glint.drivers.connections import new_session
from glint.drivers.glance import transport
from glint.drivers.glance.early import early_answer
from glint.drivers.glance.errors import ErrorMap, Refused
from glint.drivers.text import clean, host_of
from glint.exception import SiteAddressWrong, SiteCredentialsRejected, SiteNoImageService

LOG = logging.getLogger(__name__)

#: Seconds that a token must still be good for before a call that may last.
LONG_CALL = 300

_SECRETS = ("password", "application_credential_secret")


class _Shared(v3.base.BaseAuth):
    """A login that threads may share.

    keystoneauth reads ``auth_ref`` again after its lock is free, and finds None there when another
    thread invalidates the token at that moment.

    :ivar tokens: the latest ones, which must not be shown.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tokens: collections.deque[str] = collections.deque(maxlen=4)

    def get_access(self, session: Session, **kwargs: Any) -> AccessInfoV3:
        with self._lock:
            access = self.auth_ref
            if access is None or self._needs_reauthenticate():
                access = self.auth_ref = self.get_auth_ref(session)
                self.tokens.append(str(access.auth_token))
        return cast(AccessInfoV3, access)

    def invalidate(self) -> bool:
        with self._lock:
            return super().invalidate()


class _Password(_Shared, v3.Password):
    pass


class _ApplicationCredential(_Shared, v3.ApplicationCredential):
    pass


def _plugin(auth_url: str, auth: Mapping[str, Any]) -> _Shared:
    values = {key: value for key, value in auth.items() if key != "auth_type"}
    if auth.get("auth_type") == "v3applicationcredential":
        return _ApplicationCredential(auth_url, **values)
    for who, name in (("user", "username"), ("project", "project_name")):
        if name in values and f"{who}_domain_id" not in values:
            values.setdefault(f"{who}_domain_name", "Default")
    return _Password(auth_url, **values)


def identity_url(auth_url: str) -> str:
    """The v3 address of the Keystone at ``auth_url``, which may name a version or none."""
    base = re.sub(r"/v\d[\d.]*$", "", auth_url.strip().rstrip("/"))
    return f"{base}/v3"


class _ImageHTTP(glance_http.SessionClient):
    """glanceclient's way to the image service, at one address and with whole refusals.

    glanceclient's exceptions drop the headers (Retry-After) and most statuses.
    """

    def __init__(self, session: Session, endpoint: str) -> None:
        super().__init__(session)
        self._endpoint = endpoint

    def get_endpoint(self, *args: Any, **kwargs: Any) -> str:
        return self._endpoint

    def request(self, url: str, method: str, **kwargs: Any) -> Any:
        # keystoneauth's own log would hold whatever the site echoes.
        return super().request(f"{self._endpoint}{url}", method, log=False, **kwargs)

    def _handle_response(self, response: requests.Response) -> Any:
        LOG.debug(
            "%s %s: HTTP %s, request id %s there",
            response.request.method,
            host_of(response.url),
            response.status_code,
            clean(response.headers.get("x-openstack-request-id", "unknown"), limit=80),
        )
        if response.status_code >= 300:
            raise Refused(response)
        return super()._handle_response(response)


class ImageClient:
    """The metadata side of one image service.

    ``http`` speaks JSON (path -> (response, body)); ``images`` is glanceclient's controller, of
    which only what reads no schema of the site is used: its list follows any "next" and ends at
    the first odd record, its create and update refuse what the site's schema does not know yet.
    """

    def __init__(self, session: Session, endpoint: str) -> None:
        self.http = _ImageHTTP(session, endpoint)
        self.images = images.Controller(self.http, None)


class Line:
    """One transfer of bytes with the image service, over connections of its own."""

    def __init__(
        self, context: ssl.SSLContext | None, timeout: float, addresses: AddressPolicy
    ) -> None:
        self.timeout = timeout
        self._sockets = transport.Sockets()
        self._session = new_session(
            transport.LineAdapter(context, timeout, addresses, self._sockets)
        )

    @property
    def is_cut(self) -> bool:
        return self._sockets.is_cut

    def cut(self) -> None:
        """Shut the connections down, whoever waits on them; from any thread."""
        self._sockets.cut()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: Any = None,
        answer_timeout: float | None = None,
    ) -> requests.Response:
        """Send one request. No redirect is followed, no login renewed, nothing sent twice.

        :param answer_timeout: seconds to wait for the answer, ``timeout`` by default.
        """
        return self._session.request(
            method,
            url,
            headers={"User-Agent": "glint", **headers},
            data=data,
            stream=True,
            allow_redirects=False,
            timeout=(self.timeout, answer_timeout or self.timeout),
        )

    def early_answer(self, url: str) -> requests.Response | None:
        """An answer to the request that is being sent, if there is one already."""
        sock = self._sockets.latest()
        return None if sock is None else early_answer(sock, url)

    def close(self) -> None:
        self._sockets.cut()
        self._session.close()


class SiteSession:
    """One credential at one cloud. Threads may share it.

    :param timeout: seconds of one wait on the network.
    :param addresses: where connections may go to.
    :raises SiteTLSFailed: the site's ``ca_cert`` is no certificate.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        auth: Mapping[str, Any] | None,
        timeout: float,
        addresses: AddressPolicy,
    ) -> None:
        self.auth_url = identity_url(connection["auth_url"])
        self.timeout = timeout
        self.errors = ErrorMap(self.secrets)
        self._connection = connection
        self._addresses = addresses
        self._context = transport.trust(connection)
        self._known = tuple(str(auth[key]) for key in _SECRETS if key in auth) if auth else ()
        self._auth = _plugin(self.auth_url, auth) if auth is not None else None
        self._http = new_session(transport.AnswerAdapter(self._context, timeout, addresses))
        self._session = Session(
            auth=self._auth,
            session=self._http,
            timeout=timeout,
            redirect=False,
            user_agent="glint",
        )
        self._renewing = threading.Lock()

    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        return (*self._known, *(self._auth.tokens if self._auth is not None else ()))

    def probe(self) -> requests.Response:
        """The answer of Keystone's version document, without a login."""
        with self.errors.guard(self.auth_url):
            return self._session.get(
                self.auth_url,
                authenticated=False,
                raise_exc=False,
                log=False,
                headers={"Accept": "application/json"},
            )

    def login(self, lifetime: float = 0) -> AccessInfoV3:
        """A valid token and what belongs to it.

        :param lifetime: seconds that it should be good for yet.
        :raises SiteError: in particular SiteCredentialsRejected, SiteAddressWrong.
        """
        if self._auth is None:
            raise SiteCredentialsRejected(reason="none is given")
        with self.errors.guard(self.auth_url):
            access = self._auth.get_access(self._session)
            if lifetime and access.will_expire_soon(int(lifetime)):
                with self._renewing:
                    # Another thread may have renewed it while this one waited.
                    if self._auth.auth_ref in (None, access):
                        self._auth.invalidate()
                    access = self._auth.get_access(self._session)
            return access

    def renew(self) -> None:
        """Forget the token."""
        if self._auth is not None:
            self._auth.invalidate()

    def endpoint(self, access: AccessInfoV3) -> str:
        """Address of the image service, without a version.

        :raises SiteNoImageService: the catalogue has none for the site's region and interface.
        """
        region = self._connection.get("region")
        interface = self._connection.get("interface", "public")
        try:
            url = access.service_catalog.url_for(
                service_type="image", interface=interface, region_name=region
            )
        except ksa.CatalogException as exc:
            raise self._no_image_service(access, region, interface) from exc
        parts = urlsplit(str(url or ""))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SiteAddressWrong(
                url=host_of(str(url)), reason="the catalogue's image endpoint is no HTTP address"
            )
        return re.sub(r"/v\d[\d.]*$", "", str(url).rstrip("/"))

    def regions(self, access: AccessInfoV3) -> list[str]:
        """Regions for which the catalogue has an image endpoint of the site's interface."""
        found = access.service_catalog.get_endpoints_data(
            service_type="image", interface=self._connection.get("interface", "public")
        )
        names = {data.region_name for group in found.values() for data in group}
        return sorted(clean(str(name), limit=64) for name in names if name)[:64]

    def _no_image_service(
        self, access: AccessInfoV3, region: str | None, interface: str
    ) -> SiteNoImageService:
        facts: dict[str, Any] = {"region": region or "any", "interface": interface}
        try:
            regions = self.regions(access)
        except ksa.CatalogException:
            regions = []
        if not regions:
            return SiteNoImageService(**facts)
        known = ", ".join(regions[:8])
        return SiteNoImageService(
            f"{SiteNoImageService.template.format(**facts)} It has: {known}.", **facts
        )

    @contextlib.contextmanager
    def images(self, ident: str | None = None) -> Iterator[ImageClient]:
        """A client for metadata, whose failures leave the block as site errors.

        A token that the site no longer takes is renewed once for each request.

        :param ident: remote id of the image that the block is about.
        """
        access = self.login()
        with self.errors.guard(self.auth_url):
            endpoint = self.endpoint(access)
        with self.errors.guard(endpoint, ident):
            yield ImageClient(self._session, endpoint)

    def line(self) -> tuple[Line, str, dict[str, str]]:
        """A line for bytes, the address of the image service, and the headers of a request.

        The token is renewed first where it would not outlive a long call.
        """
        access = self.login(LONG_CALL)
        with self.errors.guard(self.auth_url):
            endpoint = self.endpoint(access)
        line = Line(self._context, self.timeout, self._addresses)
        return line, endpoint, {"X-Auth-Token": str(access.auth_token)}

    def close(self) -> None:
        self._http.close()
