"""One conductor: its engine, its scanner, and what it answers when the API asks."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Mapping

from glint import exception
from glint.conductor import grants
from glint.conductor.access import Access, Decrypts
from glint.conductor.downloads import Download, open_download
from glint.conductor.engine import Engine
from glint.conductor.notifications import Notifications
from glint.conductor.quotas import Quotas
from glint.conductor.scanning import Scanner
from glint.conductor.settings import Settings
from glint.db import api, credentials, inventory, models, queue, scans, sites
from glint.drivers.addresses import STRICT, AddressPolicy
from glint.drivers.base import SiteDriver
from glint.metrics.work import Work
from glint.quotas import Limits, LocalLimits
from glint.rpc.notifier import Notifier
from glint.states import SiteHealth

LOG = logging.getLogger(__name__)


def owner_name(host: str | None = None) -> tuple[str, str]:
    """A name for this conductor that no other process has or had, and its host."""
    host = host or socket.gethostname()
    return f"{host}:{os.getpid()}:{uuid.uuid4().hex[:8]}", host


class Manager:
    """Made in a composition root, started after the fork, closed on SIGTERM.

    :param drivers: site type -> driver class.
    :param metrics: where it counts; without, nobody reads the figures.
    :param notifier: where other services are told what happened; None: they are not.
    :param addresses: where users may send it.
    :param limits: how much projects may run at once; None: as much as there is.
    """

    def __init__(
        self,
        db: api.Database,
        keyring: Decrypts,
        drivers: Mapping[str, type[SiteDriver]],
        settings: Settings,
        *,
        metrics: Work | None = None,
        notifier: Notifier | None = None,
        addresses: AddressPolicy = STRICT,
        limits: Limits | None = None,
    ) -> None:
        metrics = metrics or Work()
        self._db = db
        self._access = Access(db, keyring, drivers, settings.site_timeout, addresses)
        self._scanner = Scanner(db, self._access, settings, metrics)
        self._engine = Engine(
            db,
            self._access,
            settings,
            metrics,
            each_beat=self._scanner.beat,
            quotas=Quotas(db, limits or LocalLimits()),
        )
        self._notifications = Notifications(db, notifier, settings, metrics)
        self.settings = settings

    def recover(self) -> None:
        """Take over at once what a killed process left; only where no other conductor can be."""
        left = queue.expire_all(self._db)
        if left:
            LOG.warning("%d transfers of a process that did not end well are taken over", left)

    def start(self) -> None:
        """Begin to work."""
        self._engine.start()
        self._scanner.start()
        self._notifications.start()
        LOG.info("conductor %s works", self.settings.owner)

    def offer_data(self, url: str) -> None:
        """The API may read image data at this address; call it before :meth:`start`."""
        self._engine.offer_data(url)

    def close(self) -> None:
        """Stop: see ``Engine.close``."""
        self._scanner.close()
        self._engine.close()
        self._notifications.close()
        LOG.info("conductor %s stopped", self.settings.owner)

    # What the API asks (glint.rpc.api.ConductorClient).

    def wake(self, operation_id: str | None = None) -> None:
        """There is work."""
        LOG.debug("woken for operation %s", operation_id)
        self._engine.wake()

    def scan(self, credential_id: str) -> None:
        """An inventory scan of a credential is wanted now."""
        scans.want_scan(self._db, credential_id)
        self._scanner.wake()

    def probe_site(self, site_id: str) -> None:
        """Ask whether a cloud answers at a site, and write the answer to its row."""
        site = sites.load(self._db, site_id)
        try:
            with self._access.anonymous(site) as driver:
                facts = dict(driver.probe())
        except exception.SiteError as error:
            sites.set_health(
                self._db,
                site_id,
                health=str(SiteHealth.FAILING),
                code=error.code,
                detail=str(error),
            )
            raise
        sites.set_health(self._db, site_id, health=str(SiteHealth.OK), facts=facts)

    def verify_credential(self, credential_id: str) -> None:
        """Log in with a credential, and write the answer to its row."""
        credential, _site = credentials.load(self._db, credential_id)
        try:
            with self._access.open(credential_id) as driver:
                identity = driver.verify()
                grants.learn(self._db, driver, credential_id)
        except exception.SiteError as error:
            credentials.set_verified(
                self._db, credential_id, error_code=error.code, error_detail=str(error)
            )
            raise
        credentials.set_verified(
            self._db,
            credential_id,
            remote_project_id=identity.project_id,
            remote_project_name=identity.project_name,
            verified_at=models.utcnow(),
            error_code=None,
            error_detail=None,
        )
        sites.set_health(
            self._db, credential.site_id, health=str(SiteHealth.OK), facts=dict(identity.facts)
        )

    def register_image(self, credential_id: str, remote_id: str) -> str:
        """Take an active image at a site into the catalogue."""
        credential, _site = credentials.load(self._db, credential_id)
        with self._access.open(credential_id) as driver:
            remote = driver.get_image(remote_id)
        if remote.status != "active":
            raise exception.ImageNotActive(ident=remote_id, status=remote.status)
        return inventory.register(self._db, credential, remote)

    def open_image(self, image_id: str, offset: int) -> Download:
        """Begin to read an image for a user."""
        return open_download(self._db, self._access, self._engine.uploads, image_id, offset)
