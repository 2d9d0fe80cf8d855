"""A conductor that stood still for longer than its lease changes nothing at a site."""

from __future__ import annotations

import os
import threading
import time

from glint import exception
from glint.conductor import guard
from glint.conductor.keeper import Ticket
from glint.conductor.planning import plan_pending
from glint.db import queue
from glint.drivers.base import SiteDriver
from tests.unit.conductor.base import ConductorTestCase

#: Calls that change nothing at a site, or end what this process itself does there.
LOOKING = {
    "abort_upload", "close", "copy_id", "final_id", "get_image", "grants", "import_progress",
    "list_images", "open", "probe", "quota", "renew", "stamped", "twins", "verify",
}  # fmt: skip


class TestGuard(ConductorTestCase):
    def ticket(self, claimed_at: float) -> Ticket:
        alto = self.cloud("alto")
        self.cloud("dair")
        image_id = self.register("alto", alto.put("x", os.urandom(10)))
        self.save(image_id, dair=True)
        plan_pending(self.db)
        found, limit = queue.candidates(self.db)[0]
        claimed = queue.claim(self.db, found, "me", limit=limit, lease=60.0)
        assert claimed is not None
        return Ticket(claimed, claimed_at, 45.0)

    def test_every_call_of_a_driver_is_known_to_change_or_to_look(self) -> None:
        calls = {
            n
            for n in vars(SiteDriver)
            if not n.startswith("_") and callable(getattr(SiteDriver, n))
        }
        self.assertEqual(calls, guard.CHANGING | LOOKING)

    def test_a_fresh_lease_lets_all_pass(self) -> None:
        ticket = self.ticket(time.monotonic())
        with self.manager()._access.open_for(ticket) as driver:
            driver.delete("nothing")

    def test_an_old_lease_lets_nothing_change(self) -> None:
        ticket = self.ticket(time.monotonic() - 50.0)
        stopped = threading.Event()
        ticket.watch(lambda: 0, lambda _reason: stopped.set())
        with self.manager()._access.open_for(ticket) as driver:
            self.assertEqual([], [*driver.list_images()])
            self.assertRaises(exception.LeaseLost, getattr, driver, "delete")
        self.assertTrue(stopped.is_set())

    def test_a_renewal_makes_it_fresh_again(self) -> None:
        ticket = self.ticket(time.monotonic() - 50.0)
        ticket.renewed_at = time.monotonic()
        ticket.check_lease()
