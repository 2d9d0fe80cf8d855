"""Copies of one image, taken apart: what does not fit, what sites import, what is streamed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from glint import exception, objects
from glint.conductor import grants
from glint.conductor.access import Access
from glint.conductor.importing import REASON, ImportJob
from glint.conductor.keeper import Ticket
from glint.conductor.outcome import Clerk
from glint.conductor.settings import Settings
from glint.db import forecasts, images, moves
from glint.methods import Choice, choose_method
from glint.states import TransferMethod

#: Streams copies of one image; writes each of them down.
Stream = Callable[[Sequence[Ticket]], None]


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
            if streamed:
                stream(streamed)

    def _fitting(self) -> Sequence[Ticket]:
        """Those whose site has room now, as far as it tells. No byte has moved for the others."""
        by_column = {ticket.transfer.credential_id: ticket for ticket in self._tickets}
        refusals = grants.refusals(self._clerk.db, self._access, self._image, by_column)
        for credential_id, error in refusals.items():
            self._clerk.failed(by_column[credential_id], error)
        return [ticket for ident, ticket in by_column.items() if ident not in refusals]

    def _apart(self) -> tuple[list[ImportJob], list[Ticket]]:
        """Imports, and those whose bytes go through Glint; each with its reason."""
        exclude = [ticket.transfer.credential_id for ticket in self._tickets]
        holders, targets = forecasts.holders(self._clerk.db, self._image.id, exclude)
        imports, streamed = [], []
        for ticket in self._tickets:
            target = targets.get(ticket.transfer.credential_id)
            choice = _settled(ticket.transfer)
            if choice is None and target is not None:
                choice = choose_method(self._image, target, holders)
            self._note(ticket, choice)
            if choice is not None and choice.method == TransferMethod.IMPORT:
                imports.append(self._import(ticket, choice))
            else:
                streamed.append(ticket)
        return imports, streamed

    def _note(self, ticket: Ticket, choice: Choice | None) -> None:
        # Whoever lost a lease finds out when it begins.
        if choice is not None:
            with contextlib.suppress(exception.LeaseLost):
                reason = choice.reason[:REASON]
                self._clerk.write(ticket, moves.mark, method=str(choice.method), reason=reason)

    def _import(self, ticket: Ticket, choice: Choice) -> ImportJob:
        return ImportJob(self._clerk, self._access, self._settings, self._image, ticket, choice)

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
