from __future__ import annotations

import datetime

from glint.db import api, events, history, models
from tests.unit.conductor.base import ConductorTestCase

LONG_AGO = datetime.datetime.fromisoformat("2020-01-01")
LATER = datetime.datetime.fromisoformat("2021-01-01")


class PurgeTest(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        alto = self.cloud("alto")
        self.cloud("dair")
        self.image_id = self.register("alto", alto.put("cirros", b"x" * 1000))

    def there_and_back(self) -> None:
        """A copy and its removal: two operations, and two transfers of one cell."""
        manager = self.start()
        self.save(self.image_id, dair=True)
        self.wait_cell(self.image_id, "dair", "active")
        self.save(self.image_id, dair=False)
        self.wait_cell(self.image_id, "dair", "absent")
        manager.close()

    def age(self) -> None:
        """All history happened long ago."""
        with self.db.writer() as session:
            session.query(models.Operation).update({"created_at": LONG_AGO})
            session.query(models.Event).update({"at": LONG_AGO, "notified": True})
            # The order in which they were made stays.
            rows = session.query(models.Transfer).order_by(models.Transfer.created_at)
            for number, row in enumerate(rows):
                row.created_at = row.finished_at = LONG_AGO + datetime.timedelta(hours=number)

    def count(self, model: type[models.Base]) -> int:
        with self.db.reader() as session:
            return session.query(model).count()

    def test_what_is_over_goes_and_the_last_word_on_a_cell_stays(self) -> None:
        self.there_and_back()
        self.age()
        events_before = self.count(models.Event)
        gone = history.purge(self.db, LATER)
        self.assertEqual(history.Purged(2, 1, events_before), gone)
        self.assertEqual(0, self.count(models.Operation))
        self.assertEqual(0, self.count(models.Change))
        with self.db.reader() as session:
            self.assertEqual(["remove"], [row.kind for row in session.query(models.Transfer)])
        self.assertEqual("absent", self.cell(self.image_id, "dair").status)
        self.assertEqual(history.Purged(0, 0, 0), history.purge(self.db, LATER))

    def test_what_is_newer_stays(self) -> None:
        self.there_and_back()
        self.assertEqual(history.Purged(0, 0, 0), history.purge(self.db, LATER))

    def test_what_waits_and_what_was_not_told_stays(self) -> None:
        self.save(self.image_id, dair=True)  # and no conductor is there
        self.age()
        with self.db.writer() as session:
            session.query(models.Event).update({"notified": False})
        self.assertEqual(history.Purged(0, 0, 0), history.purge(self.db, LATER))

    def test_in_small_pieces(self) -> None:
        for number in range(5):
            events.record(
                self.db, project_id="p", action="site.create", outcome="done", message=str(number)
            )
        self.age()
        before, self.batches = self.count(models.Event), 0
        writer = api.Database.writer

        def counted(db: api.Database) -> object:
            self.batches += 1
            return writer(db)

        self.patch(api.Database, "writer", counted)
        self.patch(history, "BATCH", 2)
        self.assertEqual(before, history.purge(self.db, LATER).events)
        self.assertGreater(self.batches, before // 2)
