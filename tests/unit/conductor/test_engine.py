"""The promises, on clouds in memory."""

from __future__ import annotations

import os
import threading

from glint import exception, objects
from glint.conductor.planning import plan_pending
from glint.db import (
    events,
    matrix,
    models,
    moves,
    queue,
    shares,
    sites,
    transfers,
)
from tests.unit.conductor.base import PROJECT, ConductorTestCase
from tests.unit.transfer.fakes import altered

DATA = os.urandom(50_000)


class TestCopies(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alto = self.cloud("alto")
        self.source_id = self.alto.put("cirros", DATA)
        self.image_id = self.register("alto", self.source_id)

    def test_one_read_feeds_three_sites(self) -> None:
        clouds = [self.cloud(name) for name in ("b", "c", "d")]
        self.save(self.image_id, b=True, c=True, d=True)
        self.start()
        for name, cloud in zip(("b", "c", "d"), clouds, strict=True):
            cell = self.wait_cell(self.image_id, name, "active")
            copy = cloud.images[cell.remote_id or ""]
            self.assertEqual(("cirros", "active"), (copy.name, copy.status))
            self.assertEqual("debian", copy.properties["os_distro"])
            self.assertEqual(DATA, cloud.data[copy.id])
            self.assertTrue(cell.stamped)
        self.assertEqual(len(DATA), self.alto.bytes_read)

    def test_other_algorithm_is_hashed_in_flight_and_learnt(self) -> None:
        dair = self.cloud("dair", algorithm="sha256")
        self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "active")
        self.assertEqual("sha256", cell.seen_hash_algo)
        self.assertEqual({"sha256", "sha512"}, set(self.image(self.image_id).digests))
        self.assertEqual(dair.hash(DATA), self.image(self.image_id).digests["sha256"])

    def test_a_site_without_hashes_is_read_back(self) -> None:
        dair = self.cloud("dair", algorithm=None)
        self.save(self.image_id, dair=True)
        self.start()
        self.wait_cell(self.image_id, "dair", "active")
        self.assertEqual(len(DATA), dair.bytes_read)

    def test_a_source_without_hash_defines_the_content(self) -> None:
        bare = self.cloud("bare", algorithm=None)
        image_id = self.register("bare", bare.put("x", DATA[:100]))
        self.assertIsNone(self.image(image_id).os_hash_value)
        self.save(image_id, alto=True)
        self.start()
        self.wait_cell(image_id, "alto", "active")
        self.assertEqual(self.alto.hash(DATA[:100]), self.image(image_id).os_hash_value)

    def test_altered_source_never_becomes_active(self) -> None:
        dair = self.cloud("dair")
        self.alto.data[self.source_id] = altered(DATA)
        self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "failed")
        self.assertEqual("content.mismatch", cell.error_code)
        self.assertEqual({}, dair.images)

    def test_altered_source_with_other_algorithm(self) -> None:
        dair = self.cloud("dair", algorithm="sha256")
        self.alto.data[self.source_id] = altered(DATA)
        self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "failed")
        self.assertEqual("content.mismatch", cell.error_code)
        self.assertEqual({}, dair.images)
        self.assertEqual({"sha512"}, set(self.image(self.image_id).digests))

    def test_bounded_retries_then_failed_and_nothing_left(self) -> None:
        dair = self.cloud("dair")
        dair.faults["upload"] = exception.SiteBusy(reason="503")
        operation = self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "failed")
        self.assertEqual("site.busy", cell.error_code)
        self.assertEqual({}, dair.images)
        done = transfers.list(self.db, PROJECT, limit=10, operation_id=operation)
        self.assertEqual([2], [t.attempts for t in done])

    def test_a_new_save_retries_a_failed_cell(self) -> None:
        dair = self.cloud("dair")
        dair.faults["upload"] = exception.SiteForbidden(reason="no")
        self.save(self.image_id, dair=True)
        self.start()
        self.wait_cell(self.image_id, "dair", "failed")
        dair.faults.clear()
        self.save(self.image_id, dair=True)
        self.wait_cell(self.image_id, "dair", "active")

    def test_expired_token_costs_no_attempt(self) -> None:
        dair = self.cloud("dair")
        dair.faults["upload"] = exception.SiteCredentialsRejected(reason="401")
        self.save(self.image_id, dair=True)
        manager = self.start(attempts=1)
        cell = self.wait_cell(self.image_id, "dair", "failed")
        self.assertEqual("site.credentials_rejected", cell.error_code)
        history = transfers.list(self.db, PROJECT, limit=10, deployment_id=cell.id)
        self.assertEqual(1, history[0].attempts)
        self.assertEqual(2, history[0].fence)
        manager.wake()

    def test_a_dead_site_harms_only_its_own_cell(self) -> None:
        self.cloud("b").faults["list"] = exception.SiteUnreachable(url="b", reason="dead")
        self.cloud("c")
        self.save(self.image_id, b=True, c=True)
        self.start()
        self.wait_cell(self.image_id, "c", "active")
        self.assertEqual(
            "site.unreachable", self.wait_cell(self.image_id, "b", "failed").error_code
        )

    def test_adopts_what_is_there(self) -> None:
        dair = self.cloud("dair")
        self.save(self.image_id, dair=True)
        self.save(self.image_id, dair=False)
        self.start()
        self.wait_cell(self.image_id, "dair", "absent")
        there = dair.put("other name", DATA)
        self.scan("dair")
        self.assertEqual("absent", self.cell(self.image_id, "dair").status)
        reads = self.alto.reads
        self.save(self.image_id, dair=True)
        cell = self.wait_cell(self.image_id, "dair", "active")
        self.assertEqual((there, False), (cell.remote_id, cell.stamped))
        self.assertEqual(reads, self.alto.reads)

    def test_adopts_what_came_after_the_last_scan(self) -> None:
        dair = self.cloud("dair")
        there = dair.put("cirros", DATA)
        operation = self.save(self.image_id, dair=True)
        self.start()
        cell = self.wait_cell(self.image_id, "dair", "active")
        self.assertEqual((there, False), (cell.remote_id, cell.stamped))
        self.assertEqual([there], [*dair.images])
        (done,) = transfers.list(self.db, PROJECT, limit=5, operation_id=operation)
        self.assertEqual("adopt", done.kind)

    def test_history_names_the_save_and_who_saved(self) -> None:
        self.cloud("dair")
        operation = self.save(self.image_id, dair=True)
        self.start()
        self.wait_cell(self.image_id, "dair", "active")
        lines = events.list(self.db, PROJECT, limit=10, operation_id=operation)
        self.assertEqual(["done", "started", "accepted"], [line.outcome for line in lines])
        self.assertEqual({"user"}, {line.user_id for line in lines})
        self.assertIn("cirros at dair", lines[0].message)

    def test_the_same_content_under_another_name_is_one_row_and_a_conflict(self) -> None:
        dair = self.cloud("dair")
        there = dair.put("other name", DATA)
        self.scan("dair")
        self.assertEqual(there, self.wait_cell(self.image_id, "dair", "active").remote_id)
        (row,) = matrix.page(self.db, PROJECT, objects.ListQuery(10), [])
        self.assertEqual(("same_content",), row.conflicts)

    def test_other_content_under_the_same_name_is_two_rows_and_a_conflict(self) -> None:
        self.cloud("dair").put("cirros", DATA[1:])
        self.scan("dair")
        rows = matrix.page(self.db, PROJECT, objects.ListQuery(10), [])
        self.assertEqual([("same_name",)] * 2, [row.conflicts for row in rows])

    def test_a_half_image_of_a_dead_conductor_is_replaced(self) -> None:
        dair = self.cloud("dair")
        self.save(self.image_id, dair=True)
        # A conductor that claims, makes a record and dies: its lease ends, nobody renews it.
        dead = self.manager(lease=4.0)
        dair.gate = threading.Event()
        worker = threading.Thread(target=dead._engine._step)
        worker.start()
        self.assertTrue(dair.reached.wait(10))
        half = [*dair.images]
        self.start()
        cell_id = self.cell(self.image_id, "dair").id
        self.wait(
            lambda: transfers.list(self.db, PROJECT, limit=1, deployment_id=cell_id)[0].fence > 1
        )
        self.wait(lambda: half[0] not in dair.images)
        dair.gate.set()
        cell = self.wait_cell(self.image_id, "dair", "active")
        worker.join(10)
        self.assertNotIn(cell.remote_id, half)
        self.assertEqual([cell.remote_id], [*dair.images])
        history = transfers.list(self.db, PROJECT, limit=10, deployment_id=cell.id)
        self.assertEqual(["done"], [t.state for t in history])

    def test_unticking_stops_a_running_copy(self) -> None:
        dair = self.cloud("dair")
        dair.gate = threading.Event()
        self.save(self.image_id, dair=True)
        self.start()
        self.assertTrue(dair.reached.wait(10))
        self.save(self.image_id, dair=False)
        self.wait(
            lambda: all(
                t.cancel for t in transfers.list(self.db, PROJECT, limit=5, image_id=self.image_id)
            )
        )
        dair.gate.set()
        self.wait_cell(self.image_id, "dair", "absent")
        self.assertEqual({}, dair.images)

    def test_same_save_twice(self) -> None:
        self.cloud("dair")
        self.save(self.image_id, dair=True)
        error = self.assertRaises(exception.NothingToDo, self.save, self.image_id, dair=True)
        self.assertEqual("operation.no_change", error.code)
        self.start()
        self.wait_cell(self.image_id, "dair", "active")
        self.assertRaises(exception.NothingToDo, self.save, self.image_id, dair=True)


class TestPoliteness(ConductorTestCase):
    def test_a_capped_site_slows_its_own_copy(self) -> None:
        alto, dair = self.cloud("alto"), self.cloud("dair")
        image_id = self.register("alto", alto.put("x", DATA))
        (site,) = sites.list(self.db, PROJECT, limit=5, name="dair")
        # Two seconds' worth, less what may come at once.
        sites.update(self.db, PROJECT, site.id, bandwidth=len(DATA) // 2)
        self.save(image_id, dair=True)
        self.start()
        self.assertTrue(dair.reached.wait(10))
        cell = self.cell(image_id, "dair")

        def part() -> bool:
            (seen,) = transfers.list(self.db, PROJECT, limit=5, deployment_id=cell.id)
            return 0 < seen.bytes_done < len(DATA) and seen.state == "running"

        self.wait(part)
        self.wait_cell(image_id, "dair", "active")


class TestQueue(ConductorTestCase):
    def enqueue(self, sizes: list[int], name: str = "dair") -> None:
        for size in sizes:
            image_id = self.register("alto", self.alto.put("x", os.urandom(size)))
            self.save(image_id, **{name: True})
        plan_pending(self.db)

    def setUp(self) -> None:
        super().setUp()
        self.alto = self.cloud("alto")
        self.cloud("dair")

    def test_a_long_queue_hides_no_other_site_and_small_images_go_first(self) -> None:
        self.cloud("other")
        self.enqueue([*range(40, 20, -1)])
        self.enqueue([5000], "other")
        found = [t for t, _ in queue.candidates(self.db)]
        sizes = sorted(t.bytes_total or 0 for t in found)
        self.assertEqual([*range(21, 21 + queue.PER_SITE), 5000], sizes)

    def test_disabled_and_closed_sites_wait(self) -> None:
        self.enqueue([10])
        (site,) = sites.list(self.db, PROJECT, limit=5, name="dair")
        self.assertEqual(1, len(queue.candidates(self.db)))
        now = models.utcnow()
        closed = f"{(now.hour + 2) % 24:02}:00-{(now.hour + 3) % 24:02}:00"
        sites.update(self.db, PROJECT, site.id, hours=closed)
        self.assertEqual([], queue.candidates(self.db))
        sites.update(self.db, PROJECT, site.id, hours=None, enabled=False)
        self.assertEqual([], queue.candidates(self.db))

    def test_a_site_never_runs_more_than_it_allows(self) -> None:
        self.enqueue([10, 11, 12])
        (site,) = sites.list(self.db, PROJECT, limit=5, name="dair")
        sites.update(self.db, PROJECT, site.id, max_transfers=2)
        for _ in range(2):
            found, limit = queue.candidates(self.db)[0]
            self.assertIsNotNone(queue.claim(self.db, found, "me", limit=limit, lease=60.0))
        self.assertEqual([], queue.candidates(self.db))

    def test_bandwidth_is_shared_by_running_copies(self) -> None:
        self.enqueue([10, 11, 12])
        (site,) = sites.list(self.db, PROJECT, limit=5, name="dair")
        sites.update(self.db, PROJECT, site.id, bandwidth=90)
        for owner in ("one", "two", "two"):
            found, limit = queue.candidates(self.db)[0]
            queue.claim(self.db, found, owner, limit=limit, lease=60.0)
        self.assertEqual({site.id: 30.0}, shares.due(self.db, "one").into)
        self.assertEqual({site.id: 60.0}, shares.due(self.db, "two").into)

    def test_bandwidth_out_of_a_site_is_shared_by_readers(self) -> None:
        self.enqueue([10, 11, 12])
        (site,) = sites.list(self.db, PROJECT, limit=5, name="alto")
        sites.update(self.db, PROJECT, site.id, bandwidth=90)
        for owner in ("one", "two", "two"):
            found, limit = queue.candidates(self.db)[0]
            claimed = queue.claim(self.db, found, owner, limit=limit, lease=60.0)
            assert claimed is not None
            moves.mark(self.db, claimed, source_credential_id=self.columns["alto"])
        self.assertEqual({site.id: 45.0}, shares.due(self.db, "one").out_of)

    def test_a_lost_fence_writes_nothing(self) -> None:
        self.enqueue([10])
        found, limit = queue.candidates(self.db)[0]
        first = queue.claim(self.db, found, "one", limit=limit, lease=0.0)
        assert first is not None
        again, limit = queue.candidates(self.db)[0]
        second = queue.claim(self.db, again, "two", limit=limit, lease=60.0)
        assert second is not None
        self.assertEqual(first.fence + 1, second.fence)
        self.assertRaises(exception.LeaseLost, moves.mark, self.db, first, phase="x")
        self.assertIsNone(queue.claim(self.db, again, "three", limit=limit, lease=60.0))
        moves.mark(self.db, second, phase="x")
