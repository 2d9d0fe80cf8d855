"""How an attempt ended, written down: done, tried again, failed, cancelled, handed back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy.exc
from oslo_db import exception as db_exc

from glint import exception, objects
from glint.conductor.keeper import HandBack, Keeper, Ticket
from glint.conductor.settings import Settings
from glint.conductor.spooling import SpoolDamaged
from glint.db import api, moves
from glint.metrics.work import Work

LOG = logging.getLogger(__name__)

_AWAY = (db_exc.DBConnectionError, sqlalchemy.exc.OperationalError)

_OUTCOMES: dict[Callable[..., None], str] = {
    moves.finish: "done",
    moves.fail: "failed",
    moves.cancelled: "cancelled",
}


class Clerk:
    """Writes outcomes, and waits for a database that is away as long as the lease is ours."""

    def __init__(self, db: api.Database, keeper: Keeper, settings: Settings, metrics: Work) -> None:
        self.db = db
        self._metrics = metrics
        self._keeper = keeper
        self._settings = settings

    def write(self, ticket: Ticket, function: Callable[..., None], **values: Any) -> None:
        """``function(db, transfer, **values)``, repeated while the database is away.

        :raises LeaseLost: the transfer belongs to another conductor.
        """
        while True:
            try:
                return function(self.db, ticket.transfer, **values)
            except _AWAY as error:
                if isinstance(ticket.reason, exception.LeaseLost):
                    raise ticket.reason from error
                LOG.warning("transfer %s: database is away: %s", ticket.transfer.id, error)
                time.sleep(min(1.0, self._settings.beat))

    def close(self, ticket: Ticket, function: Callable[..., None], **values: Any) -> None:
        """The last write about a transfer; afterwards nobody keeps it."""
        try:
            self.write(ticket, function, **values)
            self._count(ticket, function, **values)
        except exception.LeaseLost as lost:
            # Whoever owns it now cleans up and writes.
            LOG.warning("%s", lost)
            self._metrics.lease_lost()
        finally:
            self._keeper.remove(ticket)

    def _count(
        self,
        ticket: Ticket,
        function: Callable[..., None],
        error: exception.GlintError | None = None,
        **values: Any,
    ) -> None:
        outcome = _OUTCOMES.get(function, "returned")
        if function is moves.requeue and error is not None:
            outcome = "retried"
        self._metrics.ended(
            ticket.transfer.site_id,
            # What was to be a copy may have become an adoption.
            str(values.get("kind", ticket.transfer.kind)),
            outcome,
            time.monotonic() - ticket.began,
            error.code if error is not None else None,
        )

    def failed(self, ticket: Ticket, error: Exception) -> None:
        """Judge an attempt that ended with ``error``."""
        transfer = ticket.transfer
        error = ticket.reason or error
        if isinstance(error, exception.LeaseLost):
            LOG.warning("%s", error)
            self._metrics.lease_lost()
            self._keeper.remove(ticket)
        elif isinstance(error, exception.Cancelled):
            self.close(ticket, moves.cancelled)
        elif isinstance(error, HandBack):
            self.close(ticket, moves.requeue, delay=0.0, free_attempt=True)
        elif isinstance(error, SpoolDamaged):
            self.close(ticket, moves.requeue, delay=0.0, error=error, free_attempt=True)
        elif isinstance(error, exception.SlowSite):
            self.close(ticket, moves.requeue, delay=0.0, error=error, alone=True, free_attempt=True)
        else:
            self._judge(ticket, transfer, _known(error))

    def _judge(
        self,
        ticket: Ticket,
        transfer: objects.Transfer,
        error: exception.GlintError,
    ) -> None:
        LOG.warning(
            "transfer %s (%s, attempt %d): %s: %s",
            transfer.id, transfer.kind, transfer.attempts, error.code, error,
        )  # fmt: skip
        expired = isinstance(error, exception.SiteCredentialsRejected)
        if expired and transfer.error_code != error.code:
            # A token can die in the middle of anything; a new login tells whether the credential
            # itself is refused.
            self.close(ticket, moves.requeue, delay=0.0, error=error, free_attempt=True)
        elif getattr(error, "retry", False) and transfer.attempts < self._settings.attempts:
            asked = getattr(error, "retry_after", None)
            delay = self._settings.backoff(transfer.attempts, asked)
            self.close(ticket, moves.requeue, delay=delay, error=error)
        else:
            self.close(ticket, moves.fail, error=error)


class Unexpected(exception.SiteError):
    """A fault of Glint's own; worth another try, and a traceback in the log."""

    code = "glint.internal"
    retry = True
    template = "Something failed inside Glint ({reason}). The conductor's log has the details."


def _known(error: Exception) -> exception.GlintError:
    if isinstance(error, exception.GlintError):
        return error
    LOG.error("unexpected failure of a transfer", exc_info=error)
    return Unexpected(reason=type(error).__name__)
