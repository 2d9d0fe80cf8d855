"""Inventory: what each credential sees, and the sweep of half images that bear our stamp."""

from __future__ import annotations

import contextlib
import logging
import random
import threading

from glint import exception, objects
from glint.conductor import grants
from glint.conductor.access import Access
from glint.conductor.settings import Settings
from glint.db import api, clock, credentials, inventory, scans, sites
from glint.drivers.base import SiteDriver
from glint.metrics.work import Work
from glint.states import SiteHealth

LOG = logging.getLogger(__name__)

#: Images that one scan asks for one by one.
LOOKS = 200


class Scanner:
    """Scans one credential after the other in a thread of its own."""

    def __init__(self, db: api.Database, access: Access, settings: Settings, metrics: Work) -> None:
        self._db = db
        self._metrics = metrics
        self._access = access
        self._settings = settings
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="scanner", daemon=True)

    def start(self) -> None:
        """Begin to scan."""
        self._thread.start()

    def wake(self) -> None:
        """A scan was asked for."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the scan at work; it is repeated by whoever comes next."""
        self._ended.set()
        self._wake.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                while not self._ended.is_set() and self._scan_next():
                    pass
            except Exception:
                LOG.exception("a scan failed")
            self._wake.wait(self._settings.poll_interval)
            self._wake.clear()

    def _scan_next(self) -> bool:
        credential = scans.claim_scan(
            self._db,
            self._settings.owner,
            # With jitter: columns that were made together are not scanned together for ever.
            interval=self._settings.scan_interval * random.uniform(1.0, 1.1),
            lease=self._settings.lease,
        )
        if credential is None:
            return False
        self._busy = True
        try:
            self.scan(credential)
            self._metrics.scanned(credential.site_id, "done")
        except exception.LeaseLost as lost:
            LOG.warning("%s", lost)
        except exception.GlintError as error:
            LOG.warning("scan of %s: %s: %s", credential.name, error.code, error)
            self._metrics.scanned(credential.site_id, "failed")
            self._failed(credential, error)
        finally:
            self._busy = False
        return True

    def beat(self) -> None:
        """Renew the claim of a scan that takes long."""
        if self._busy:
            scans.renew_scans(self._db, self._settings.owner, lease=self._settings.lease)

    def scan(self, credential: objects.Credential) -> inventory.Findings:
        """List everything, write it down, remove half images of ours that nobody works on.

        :param credential: claimed by this conductor.
        """
        with self._access.open(credential.id) as driver:
            # First: whoever waits for scanned_at may rely on them.
            grants.learn(self._db, driver, credential.id)
            before = {**inventory.snapshot(self._db, credential.id)}
            remotes = [*driver.list_images(credential.register)]
            remotes += self._unlisted(driver, before, {remote.id for remote in remotes})
            findings = inventory.record(self._db, credential, remotes, before, self._settings.owner)
            self._sweep(driver, credential, remotes)
        self._healthy(credential, remotes)
        LOG.info(
            "scan of %s: %d images, %d new, %d drifted",
            credential.name, findings.seen, findings.registered, findings.drifted,
        )  # fmt: skip
        return findings

    def _unlisted(
        self, driver: SiteDriver, before: dict[str, inventory.Held], listed: set[str]
    ) -> list[objects.RemoteImage]:
        """What cells hold and the list does not name: asked for one by one before it is missing.

        It may be another project's image that is not listed, by a choice of the column. Of very
        many, those that are not asked for are taken out of ``before``: they are not judged now.
        """
        found = []
        held = [cell for cell, (remote_id, _) in before.items() if remote_id not in (None, *listed)]
        for number, cell in enumerate(held):
            if number >= LOOKS:
                del before[cell]
                continue
            with contextlib.suppress(exception.SiteImageNotFound):
                found.append(driver.get_image(str(before[cell][0])))
        return found

    def _sweep(
        self,
        driver: SiteDriver,
        credential: objects.Credential,
        remotes: list[objects.RemoteImage],
    ) -> None:
        own = [remote for remote in remotes if remote.own]
        for remote_id in inventory.orphans(self._db, credential, own):
            try:
                driver.delete(remote_id)
                LOG.warning("removed the orphan %s at %s", remote_id, credential.name)
                inventory.forget(self._db, credential.id, remote_id)
                self._metrics.orphan_removed(credential.site_id)
            except exception.SiteError as error:
                LOG.warning("the orphan %s stays: %s", remote_id, error)

    def _healthy(self, credential: objects.Credential, remotes: list[objects.RemoteImage]) -> None:
        algorithms = {r.os_hash_algo for r in remotes if r.status == "active" and r.os_hash_algo}
        facts = {"hash_algo": algorithms.pop()} if len(algorithms) == 1 else None
        sites.set_health(self._db, credential.site_id, health=str(SiteHealth.OK), facts=facts)

    def _failed(self, credential: objects.Credential, error: exception.GlintError) -> None:
        credentials.set_verified(
            self._db,
            credential.id,
            scanned_at=clock.now(),
            scan_owner=None,
            scan_until=None,
            scan_wanted_at=None,
            error_code=error.code,
            error_detail=str(error),
        )
        if isinstance(error, exception.SiteUnreachable | exception.SiteBusy):
            sites.set_health(
                self._db,
                credential.site_id,
                health=str(SiteHealth.FAILING),
                code=error.code,
                detail=str(error),
            )
            inventory.unknown(self._db, credential.id)
