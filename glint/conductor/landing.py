"""The destination's side of one copy, however its bytes come: room, record, proof, name.

Safe for one thread at a time: that of the copy while it works, then that of its job.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping

from glint import exception, objects
from glint.conductor.keeper import Ticket
from glint.conductor.outcome import Clerk
from glint.conductor.proof import Prover
from glint.db import deployments, inventory, moves
from glint.drivers.base import Receipt, SiteDriver
from glint.plan import same_content
from glint.states import DeploymentStatus, TransferKind

LOG = logging.getLogger(__name__)


#: Makes a record: (image, stamp) -> remote id.
Create = Callable[[objects.Image, objects.Stamp], str]


class AlreadyThere(Exception):
    """Somebody else brought the content to the site; no bytes are needed.

    The outcome is written down.
    """


class Landing:
    """One destination.

    :param verb: what the history says of the bytes: "copied", "imported".
    :ivar remote_id: the record that this attempt fills.
    :ivar receipt: what the site checked of the bytes, where it keeps no hash.
    :ivar settled: the outcome is written down.
    """

    def __init__(
        self,
        clerk: Clerk,
        prover: Prover,
        image: objects.Image,
        ticket: Ticket,
        verb: str = "copied",
    ) -> None:
        self.ticket = ticket
        self.driver: SiteDriver | None = None
        self.remote_id: str | None = None
        self.receipt: Receipt | None = None
        self.settled = False
        # An older image of Glint's in the cell, removed once the new one is proven.
        self._retired: str | None = None
        self._clerk = clerk
        self._prover = prover
        self._image = image
        self._verb = verb

    @property
    def transfer(self) -> objects.Transfer:
        return self.ticket.transfer

    def approach(self, driver: SiteDriver, create: Create | None = None) -> str:
        """Make room at the site, and a stamped record there; returns its id.

        The id is written down before the first byte flows.

        :param create: makes the record; None: the driver does, or goes on with one that is there.

        :raises AlreadyThere: the site has the content.
        """
        self.driver = driver
        self.ticket.check()
        stamp = objects.Stamp(self.transfer.deployment_id, self.transfer.image_id, self.transfer.id)
        half = self._make_room(driver, stamp, resume=create is None)
        self.remote_id = half or (create or driver.create)(self._image, stamp)
        try:
            self._clerk.write(self.ticket, moves.mark, remote_id=self.remote_id)
        except exception.LeaseLost:
            if half is None:
                # Nobody else knows of this record yet.
                driver.delete(self.remote_id)
            raise
        return self.remote_id

    def _make_room(self, driver: SiteDriver, stamp: objects.Stamp, resume: bool) -> str | None:
        """Remove what an earlier attempt left at the site, whole or half.

        This is the fence against a conductor that lost its lease and still works: the record that
        it sends to, or is about to clean away, is nobody's copy. A site where such a conductor can
        do no harm may go on with the record (:meth:`SiteDriver.resume`).

        :returns: the half record that is to be filled up, None: there is none.
        """
        half: str | None = None
        cell = deployments.load(self._clerk.db, self.transfer.deployment_id)
        for left in driver.stamped(self.transfer.deployment_id):
            if left.id == cell.remote_id:
                self._retired = left.id
            elif resume and half is None and driver.resume(left.id, self._image, stamp):
                half = left.id
            else:
                driver.delete(left.id)
        for twin in driver.twins(self._image.digests):
            if self._is_free(twin, cell):
                self._adopt(driver, twin)
                if half is not None:
                    driver.delete(half)
                raise AlreadyThere
        return half

    def _is_free(self, twin: objects.RemoteImage, cell: objects.Deployment) -> bool:
        """A whole copy that came to the site after the last scan, and that no other cell holds.

        What bears a stamp is not free: it may be swept at any moment.
        """
        if twin.stamp is not None:
            return False
        whole = twin.status == "active" and same_content(
            self._image, twin.size, twin.os_hash_algo, twin.os_hash_value
        )
        return whole and not inventory.is_held(self._clerk.db, cell, twin.id)

    def _adopt(self, driver: SiteDriver, twin: objects.RemoteImage) -> None:
        self._verifying()
        proven = self._prover.prove(driver, twin.id, self.transfer.site_id, {})
        self._clerk.close(
            self.ticket,
            moves.finish,
            status=DeploymentStatus.ACTIVE,
            message="the site had this content; adopted and verified",
            kind=str(TransferKind.ADOPT),
            method=None,
            reason=None,
            cell=self._prover.held(proven),
        )
        self.settled = True

    def _verifying(self) -> None:
        self._clerk.write(
            self.ticket, moves.mark, status=DeploymentStatus.VERIFYING, phase="verifying"
        )
        self.ticket.check()

    def finish(self, digests: Mapping[str, str]) -> None:
        """Proof first, then the name: nobody reads an unproven image under its name.

        :param digests: computed in flight over the bytes that were sent.
        """
        assert self.driver is not None
        assert self.remote_id is not None
        self._verifying()
        proven = self._prover.prove(
            self.driver, self.remote_id, self.transfer.site_id, digests, self.receipt
        )
        refused = self.driver.finish(self.remote_id, self._image)
        self.remote_id = self.driver.final_id(self.remote_id)
        proven = dataclasses.replace(proven, id=self.remote_id)
        how = f" ({self.receipt.check})" if self.receipt is not None else ""
        self._clerk.close(
            self.ticket,
            moves.finish,
            status=DeploymentStatus.ACTIVE,
            message=f"{self._verb} {proven.size} bytes and verified{how}",
            bytes_done=proven.size,
            cell=self._prover.held(proven, refused),
        )
        self.settled = True
        if self._retired is not None:
            self.driver.delete(self._retired)

    def failed(self, error: Exception) -> None:
        """Nothing half made stays; the clerk judges what comes next."""
        if self._still_ours(error):
            self.clean()
        self.settled = True
        self._clerk.failed(self.ticket, error)

    def _still_ours(self, error: Exception) -> bool:
        """Asked of the database before anything is removed: the keeper's word may be a beat old."""
        if isinstance(self.ticket.reason or error, exception.LeaseLost):
            return False
        try:
            self._clerk.write(self.ticket, moves.mark, phase="cleaning")
        except exception.LeaseLost as lost:
            self.ticket.stop(lost)
            return False
        return True

    def clean(self) -> None:
        """Remove the half image. What cannot be removed now is found by its stamp later."""
        if self.driver is None or self.remote_id is None:
            return
        try:
            self.driver.delete(self.remote_id)
            self.remote_id = None
        except exception.SiteError as error:
            LOG.warning("image %s stays for the sweep: %s", self.remote_id, error)
