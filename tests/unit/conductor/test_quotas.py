"""What is over a project's quota waits, and hides nobody else."""

from __future__ import annotations

import os

import sqlalchemy as sa

from glint.conductor.manager import Manager
from glint.conductor.planning import plan_pending
from glint.db import models, queue
from glint.quotas import LocalLimits
from tests.unit.conductor.base import ConductorTestCase, Ring
from tests.unit.conductor.memory import MemoryDriver


class TestQuotas(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alto = self.cloud("alto")
        self.cloud("dair")
        self.cloud("other")

    def enqueue(
        self, *sizes: int, at: tuple[str, ...] = ("dair",), project: str | None = None
    ) -> None:
        for size in sizes:
            image_id = self.register("alto", self.alto.put("x", os.urandom(size)))
            self.save(image_id, **dict.fromkeys(at, True))
            plan_pending(self.db)
            if project is not None:
                with self.db.writer() as session:
                    session.execute(
                        sa.update(models.Transfer)
                        .where(models.Transfer.image_id == image_id)
                        .values(project_id=project)
                    )

    def limited(self, **limits: int) -> Manager:
        """A conductor that is not started."""
        return Manager(
            self.db, Ring(), {"memory": MemoryDriver}, self.settings(), limits=LocalLimits(limits)
        )

    def claim(self, manager: Manager) -> list[int]:
        """Sizes of what is claimed at once."""
        tickets = manager._engine._claim([])
        return [ticket.transfer.bytes_total or 0 for ticket in tickets]

    def test_more_waits(self) -> None:
        self.enqueue(10, 11, 12)
        manager = self.limited(running_transfers=2)
        self.assertEqual([1, 1, 0], [len(self.claim(manager)) for _ in range(3)])
        # Whoever asks: the limit is of all conductors together.
        self.assertEqual([], self.claim(self.limited(running_transfers=2)))
        with self.db.writer() as session:
            session.execute(
                sa.update(models.Transfer)
                .where(models.Transfer.state == "running")
                .values(state="done", slot=None, live=None)
            )
        self.assertEqual(1, len(self.claim(manager)))

    def test_copies_of_one_image_count_each(self) -> None:
        self.enqueue(10, at=("dair", "other"))
        self.assertEqual(1, len(self.claim(self.limited(running_transfers=1))))
        self.assertEqual([], self.claim(self.limited(running_transfers=1)))
        self.assertEqual(1, len(self.claim(self.limited(running_transfers=2))))

    def test_bytes(self) -> None:
        self.enqueue(40, 50, 60)
        manager = self.limited(bytes_in_flight=100)
        found = sorted(size for _ in range(3) for size in self.claim(manager))
        self.assertIn(found, ([40, 50], [40, 60]))
        self.assertEqual([], self.claim(manager))

    def test_an_image_larger_than_the_limit_goes_alone(self) -> None:
        self.enqueue(500)
        self.assertEqual([500], self.claim(self.limited(bytes_in_flight=100)))
        self.enqueue(1)
        self.assertEqual([], self.claim(self.limited(bytes_in_flight=100)))

    def test_one_that_a_dead_conductor_left_is_taken_over(self) -> None:
        self.enqueue(10)
        found, limit = queue.candidates(self.db)[0]
        queue.claim(self.db, found, "dead", limit=limit, lease=-1.0)
        self.assertEqual([10], self.claim(self.limited(running_transfers=1)))

    def test_a_full_project_hides_no_other(self) -> None:
        self.enqueue(5)
        manager = self.limited(running_transfers=1)
        self.assertEqual([5], self.claim(manager))
        self.enqueue(*range(10, 10 + 2 * queue.PER_SITE))
        self.assertEqual([], self.claim(manager))
        self.enqueue(900, project="another")
        self.assertEqual([900], self.claim(manager))

    def test_large_images_of_one_project_hide_no_other(self) -> None:
        self.enqueue(50)
        manager = self.limited(bytes_in_flight=100)
        self.assertEqual([50], self.claim(manager))
        self.enqueue(*range(60, 60 + 2 * queue.PER_SITE))
        self.enqueue(900, project="another")
        self.assertEqual([900], self.claim(manager))

    def test_no_limit(self) -> None:
        self.enqueue(10, 11)
        self.assertEqual([1, 1], [len(self.claim(self.limited())) for _ in range(2)])
