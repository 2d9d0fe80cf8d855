"""From a credential's id to a driver that is logged in with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from glint import exception, objects
from glint.conductor.guard import guarded
from glint.conductor.keeper import Ticket
from glint.db import api
from glint.db import credentials as db_credentials
from glint.db import sites as db_sites
from glint.drivers.addresses import STRICT, AddressPolicy
from glint.drivers.base import SiteDriver
from glint.drivers.web import WebFile


class Decrypts(Protocol):
    """The part of a keyring that the conductor needs."""

    def decrypt(self, token: bytes) -> dict[str, Any]: ...


class Access:
    """Makes drivers.

    :param drivers: site type -> driver class.
    :param timeout: seconds, of each call to a site.
    :param addresses: where drivers may connect to.
    """

    def __init__(
        self,
        db: api.Database,
        keyring: Decrypts,
        drivers: Mapping[str, type[SiteDriver]],
        timeout: float,
        addresses: AddressPolicy = STRICT,
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._drivers = drivers
        self._timeout = timeout
        self._addresses = addresses

    @contextlib.contextmanager
    def anonymous(self, site: objects.Site) -> Iterator[SiteDriver]:
        """A driver without a credential, to probe a site."""
        driver = self._make(site, None)
        with contextlib.closing(driver):
            yield driver

    def web(self, url: str) -> WebFile:
        """A file at a URL that a user named."""
        return WebFile(url, self._addresses, self._timeout)

    @contextlib.contextmanager
    def open(self, credential_id: str) -> Iterator[SiteDriver]:
        """A driver for a credential.

        :raises SiteError: the credential is gone, its secret cannot be read, the site is disabled.
        """
        credential, site = self._load(credential_id)
        secret = self._keyring.decrypt(db_credentials.secret(self._db, credential.id))
        driver = self._make(site, {**credential.auth, **secret})
        with contextlib.closing(driver):
            yield driver

    @contextlib.contextmanager
    def open_for(self, ticket: Ticket) -> Iterator[SiteDriver]:
        """A driver for the destination of a transfer: it changes nothing once the lease is lost."""
        with self.open(ticket.transfer.credential_id) as driver:
            yield guarded(driver, ticket)

    def keeps_hash(self, site_id: str) -> bool:
        """Whether a site tells a hash of each image."""
        return self._kind(db_sites.load(self._db, site_id)).keeps_hash

    def skips_zeros(self, site_id: str) -> bool:
        """Whether copies to a site send nothing for the zeros of an image."""
        return self._kind(db_sites.load(self._db, site_id)).skips_zeros

    def _load(self, credential_id: str) -> tuple[objects.Credential, objects.Site]:
        try:
            credential, site = db_credentials.load(self._db, credential_id)
        except exception.NotFound as error:
            raise exception.SiteError(str(error)) from error
        if not site.enabled:
            raise exception.SiteUnreachable(url=site.name, reason="the site is disabled")
        return credential, site

    def _make(self, site: objects.Site, auth: Mapping[str, Any] | None) -> SiteDriver:
        return self._kind(site)(site.connection, auth, self._timeout, self._addresses)

    def _kind(self, site: objects.Site) -> type[SiteDriver]:
        try:
            return self._drivers[site.type]
        except KeyError:
            raise exception.SiteError(
                reason=f"this conductor has no driver for site type {site.type}"
            ) from None
