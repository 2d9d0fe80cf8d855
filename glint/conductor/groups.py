"""Copies of one image, taken apart: what does not fit, what sites import, what is streamed."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence

from glint import exception, objects
from glint.conductor import grants
from glint.conductor.access import Access
from glint.conductor.importing import REASON, ImportJob, NativeJob
from glint.conductor.keeper import Ticket
from glint.conductor.outcome import Clerk
from glint.conductor.proof import prover_of
from glint.conductor.settings import Settings
from glint.db import forecasts, images, moves
from glint.methods import Choice, Holder, choose_method, is_unpacked
from glint.states import TransferMethod

#: Streams copies of one image, of the file and of the disk in it; writes each of them down.
Stream = Callable[["Streams"], None]


@dataclasses.dataclass
class Streams:
    """Copies whose bytes go through Glint.

    :ivar files: get the image's file.
    :ivar disks: get the disk that it describes.
    :ivar from_disk: only the disk is left, and all get that.
    """

    files: list[Ticket] = dataclasses.field(default_factory=list)
    disks: list[Ticket] = dataclasses.field(default_factory=list)
    from_disk: bool = False


class Group:
    """Copies of one image, claimed together."""

    def __init__(
        self, clerk: Clerk, access: Access, settings: Settings, tickets: Sequence[Ticket]
    ) -> None:
        self._clerk = clerk
        self._access = access
        self._settings = settings
        self._tickets = tickets
        self._image = images.load(clerk.db, tickets[0].transfer.image_id)

    def run(self, stream: Stream) -> None:
        """Carry out all copies; every one is written down, whatever happens."""
        try:
            self._tickets = self._fitting()
            imports, streamed = self._apart()
        except Exception as error:  # noqa: BLE001 - judged by the clerk
            for ticket in self._tickets:
                self._clerk.failed(ticket, error)
            return
        with self._beside(imports):
            if streamed.files or streamed.disks:
                stream(streamed)

    def _fitting(self) -> Sequence[Ticket]:
        """Those whose site has room now, as far as it tells. No byte has moved for the others."""
        by_column = {ticket.transfer.credential_id: ticket for ticket in self._tickets}
        refusals = grants.refusals(self._clerk.db, self._access, self._image, by_column)
        for credential_id, error in refusals.items():
            self._clerk.failed(by_column[credential_id], error)
        return [ticket for ident, ticket in by_column.items() if ident not in refusals]

    def _apart(self) -> tuple[list[ImportJob], Streams]:
        """Imports, and those whose bytes go through Glint; each with its reason."""
        exclude = [ticket.transfer.credential_id for ticket in self._tickets]
        grants.learn_new(self._clerk.db, self._access, exclude)
        holders, targets = forecasts.holders(self._clerk.db, self._image.id, exclude)
        imports = []
        streamed = Streams(from_disk=self._is_disk_only(holders))
        for ticket in self._tickets:
            target = targets.get(ticket.transfer.credential_id)
            choice = _settled(ticket.transfer)
            if choice is None and target is not None:
                choice = choose_method(self._image, target, holders)
            self._note(ticket, choice)
            if choice is not None and choice.method != TransferMethod.STREAM:
                as_disk = target is not None and is_unpacked(self._image, target.grants)
                imports.append(self._import(ticket, choice, as_disk))
            elif streamed.from_disk or (target and is_unpacked(self._image, target.grants)):
                streamed.disks.append(ticket)
            else:
                streamed.files.append(ticket)
        return imports, streamed

    def _is_disk_only(self, holders: Sequence[Holder]) -> bool:
        """Whether the image's file is nowhere any more, but the disk in it is."""
        if self._image.has_own_source:
            return False
        return bool(holders) and all(holder.cell.as_disk for holder in holders)

    def _note(self, ticket: Ticket, choice: Choice | None) -> None:
        # Whoever lost a lease finds out when it begins.
        if choice is not None:
            with contextlib.suppress(exception.LeaseLost):
                reason = choice.reason[:REASON]
                self._clerk.write(ticket, moves.mark, method=str(choice.method), reason=reason)

    def _import(self, ticket: Ticket, choice: Choice, as_disk: bool) -> ImportJob:
        image = self._image.as_disk if as_disk else self._image
        prover = prover_of(self._clerk.db, self._image, self._settings, as_disk)
        kind = NativeJob if choice.method == TransferMethod.NATIVE else ImportJob
        return kind(self._clerk, self._access, self._settings, image, prover, ticket, choice)

    @contextlib.contextmanager
    def _beside(self, imports: Sequence[ImportJob]) -> Iterator[None]:
        """Run imports in threads of their own: they wait for their sites, not for each other."""
        threads = [threading.Thread(target=job.run, name="import", daemon=True) for job in imports]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()


def _settled(transfer: objects.Transfer) -> Choice | None:
    """An earlier attempt streamed, perhaps because the site's own import had failed."""
    if transfer.method != TransferMethod.STREAM or not transfer.reason:
        return None
    return Choice(TransferMethod.STREAM, transfer.reason)
