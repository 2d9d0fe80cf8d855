"""A driver for one transfer: nothing is changed at a site by a conductor that lost its lease.

A process can stand still for longer than its lease (SIGSTOP, swap, a paused machine) and wake in
the middle of a job. The database refuses its writes by their fence; what it would do at the site is
refused here, right before the call, by the clock that went on meanwhile.
"""

from __future__ import annotations

from typing import Any, cast

from glint.conductor.keeper import Ticket
from glint.drivers.base import SiteDriver

#: Calls that change something at a site. Ending an upload of our own is not among them.
CHANGING = frozenset(
    {"create", "resume", "upload", "import_from", "import_url", "copy_from", "finish", "delete"}
)


class _Guarded:
    def __init__(self, driver: SiteDriver, ticket: Ticket) -> None:
        self._driver = driver
        self._ticket = ticket

    def __getattr__(self, name: str) -> Any:
        if name in CHANGING:
            self._ticket.check_lease()
        return getattr(self._driver, name)


def guarded(driver: SiteDriver, ticket: Ticket) -> SiteDriver:
    """``driver``, whose changing calls raise LeaseLost once the transfer is not surely ours."""
    return cast(SiteDriver, _Guarded(driver, ticket))
