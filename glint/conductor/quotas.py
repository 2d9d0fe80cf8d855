"""Quotas of projects where transfers are claimed: what is over them waits in the queue.

Each conductor counts right before a claim, and several may do so at once: together they can exceed
a limit by one transfer each, for as long as these run.
"""

from __future__ import annotations

from glint import objects
from glint.db import api, usage
from glint.quotas import BYTES, RUNNING, UNLIMITED, Limits
from glint.states import TransferKind, TransferState


class Quotas:
    """What the projects may run at once."""

    def __init__(self, db: api.Database, limits: Limits) -> None:
        self._db = db
        self._limits = limits

    def full(self) -> set[str]:
        """Projects of which nothing more can be claimed now."""
        if self._limits.open:
            return set()
        return {
            project
            for project, (count, size) in usage.in_flight(self._db).items()
            if self._is_over(project, RUNNING, count + 1) or self._is_over(project, BYTES, size + 1)
        }

    def allows(self, transfer: objects.Transfer) -> bool:
        """Whether a transfer may be claimed now. One that a dead conductor left counts already."""
        if self._limits.open or transfer.state == TransferState.RUNNING:
            return True
        project = transfer.project_id
        count, size = usage.in_flight(self._db).get(project, (0, 0))
        if self._is_over(project, RUNNING, count + 1):
            return False
        if transfer.kind != TransferKind.COPY or not size:
            # An image that is larger than the limit is copied too, alone.
            return True
        return not self._is_over(project, BYTES, size + (transfer.bytes_total or 0))

    def _is_over(self, project: str, resource: str, value: int) -> bool:
        limit = self._limits.of(project)[resource]
        return limit != UNLIMITED and value > limit
