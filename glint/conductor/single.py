"""Transfers that move no bytes through Glint: adopt what is there, remove what is not wanted."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from glint import exception
from glint.conductor.access import Access
from glint.conductor.keeper import Ticket
from glint.conductor.outcome import Clerk
from glint.conductor.proof import prover_of
from glint.conductor.settings import Settings
from glint.db import deployments, images, inventory, moves
from glint.drivers.base import SiteDriver
from glint.objects import NotCarried
from glint.plan import plan
from glint.states import DeploymentStatus, TransferKind

LOG = logging.getLogger(__name__)


class SingleJob:
    """One adopt or remove transfer."""

    def __init__(self, clerk: Clerk, access: Access, settings: Settings, ticket: Ticket) -> None:
        self._clerk = clerk
        self._access = access
        self._settings = settings
        self._ticket = ticket

    def run(self) -> None:
        """Carry it out and write it down, whatever happens."""
        transfer = self._ticket.transfer
        work = self._adopt if transfer.kind == TransferKind.ADOPT else self._remove
        try:
            with self._access.open_for(self._ticket) as driver:
                work(driver)
        except Exception as error:  # noqa: BLE001 - judged by the clerk
            self._clerk.failed(self._ticket, error)

    def _adopt(self, driver: SiteDriver) -> None:
        """The site has the content already: prove it, and the cell is true without a byte."""
        transfer = self._ticket.transfer
        assert transfer.remote_id is not None
        image = images.load(self._clerk.db, transfer.image_id)
        self._clerk.write(self._ticket, moves.start, status=DeploymentStatus.VERIFYING)
        as_disk = deployments.load(self._clerk.db, transfer.deployment_id).as_disk
        prover = prover_of(self._clerk.db, image, self._settings, as_disk)
        try:
            remote = prover.prove(driver, transfer.remote_id, transfer.site_id, {})
        except (exception.SiteImageNotFound, exception.SiteConflict, exception.ContentMismatch):
            # The inventory was older than the site: copy after all.
            inventory.forget(self._clerk.db, transfer.credential_id, transfer.remote_id)
            self._clerk.close(
                self._ticket,
                moves.requeue,
                delay=0.0,
                free_attempt=True,
                kind=str(TransferKind.COPY),
                remote_id=None,
                bytes_total=image.size,
            )
            return
        refused: tuple[NotCarried, ...] = ()
        if remote.stamp is not None and remote.stamp.deployment_id == transfer.deployment_id:
            # Glint's own, perhaps left before it got its name; what others made stays as it is.
            refused = driver.finish(remote.id, image)
            remote = dataclasses.replace(remote, id=driver.final_id(remote.id))
        self._clerk.close(
            self._ticket,
            moves.finish,
            status=DeploymentStatus.ACTIVE,
            message="the site had this content; adopted and verified",
            cell=prover.held(remote, refused),
        )

    def _remove(self, driver: SiteDriver) -> None:
        """Remove the copy of a cell, if the policy still says so now."""
        transfer = self._ticket.transfer
        assert transfer.remote_id is not None
        self._clerk.write(self._ticket, moves.start, status=DeploymentStatus.REMOVING)
        self._assert_wanted_away()
        try:
            self._assert_removable(driver, transfer.remote_id)
            driver.delete(transfer.remote_id)
        except exception.SiteImageNotFound:
            LOG.info("image %s was gone already", transfer.remote_id)
        for left in driver.stamped(transfer.deployment_id):
            driver.delete(left.id)
        inventory.forget(self._clerk.db, transfer.credential_id, transfer.remote_id)
        self._clerk.close(
            self._ticket,
            moves.finish,
            status=DeploymentStatus.ABSENT,
            message="removed",
            cell=_EMPTY,
        )

    def _assert_wanted_away(self) -> None:
        """Another cell may have lost its copy since the wish was taken."""
        transfer = self._ticket.transfer
        cells = [*deployments.of_image(self._clerk.db, transfer.image_id)]
        cell = next(c for c in cells if c.id == transfer.deployment_id)
        if cell.wanted:
            raise exception.Cancelled
        image = images.load(self._clerk.db, transfer.image_id)
        action = plan(image, cell, [], [c for c in cells if c is not cell])
        if action.refusal is not None:
            raise action.refusal

    def _assert_removable(self, driver: SiteDriver, remote_id: str) -> None:
        transfer = self._ticket.transfer
        remote = driver.get_image(remote_id)
        cell = deployments.load(self._clerk.db, transfer.deployment_id)
        if remote.protected:
            raise exception.ProtectedImage(
                image=transfer.image_id, credential=transfer.credential_id
            )
        if remote.stamp is None and not cell.allow_foreign:
            raise exception.ForeignImage(image=transfer.image_id, credential=transfer.credential_id)


_EMPTY: dict[str, Any] = {
    "remote_id": None,
    "stamped": False,
    "seen_size": None,
    "seen_hash_algo": None,
    "seen_hash_value": None,
    "verified_at": None,
    "not_carried": [],
    "as_disk": False,
}
