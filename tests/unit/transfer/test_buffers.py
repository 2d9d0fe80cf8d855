"""Memory is used again, never while somebody looks at it, and bounded over all jobs."""

from __future__ import annotations

import threading

from glint import exception
from glint.drivers.base import Piece, SizedBody
from glint.transfer import Memory, Sink, fan_out
from glint.transfer.buffers import FLOOR
from glint.transfer.window import Window
from tests.unit.transfer import fakes

SIZE = 100


class TestBuffers(fakes.TestCase):
    def test_a_buffer_is_used_again(self) -> None:
        memory = Memory(10 * SIZE)
        first, other = memory.take(SIZE), memory.take(SIZE)
        memory.rest(first)
        self.assertIs(first, memory.take(SIZE))
        self.assertEqual(SIZE, len(first))
        self.assertIsNot(other, memory.take(SIZE))

    def test_none_that_is_still_seen_is(self) -> None:
        memory = Memory(10 * SIZE)
        buffer, other = memory.take(SIZE), memory.take(SIZE)
        part = memoryview(buffer)[10:20]
        memory.rest(buffer)
        self.assertIsNot(buffer, memory.take(SIZE))
        part.release()
        self.assertIs(buffer, memory.take(SIZE))
        del other

    def test_other_sizes_are_left_alone(self) -> None:
        memory = Memory(10 * SIZE)
        kept, small = memory.take(SIZE), memory.take(SIZE)
        memory.rest(small)
        self.assertEqual(2 * SIZE, len(memory.take(2 * SIZE)))
        del kept

    def test_what_rests_makes_way_and_nothing_stays_when_all_is_done(self) -> None:
        memory = Memory(8 * SIZE)
        out = [memory.take(SIZE) for _ in range(8)]
        self.assertFalse(memory.has_room(SIZE))
        for buffer in out[1:]:
            memory.rest(buffer)
        self.assertEqual(8 * SIZE, memory.held)
        for _ in range(4):
            memory.take(3 * SIZE)
        self.assertEqual((1 + 4 * 3 + FLOOR) * SIZE, memory.held)
        for _ in range(4):
            memory.rest(bytearray(3 * SIZE))
        memory.rest(out[0])
        self.assertEqual(0, memory.held)


class TestPieces(fakes.TestCase):
    def test_a_piece_is_unreadable_after_the_next_was_asked_for(self) -> None:
        """What keeps one too long fails, and sends no other chunk's bytes."""
        kept: list[Piece] = []

        def put(body: SizedBody) -> None:
            kept.extend(body)
            bytes(kept[0])

        result = fan_out(fakes.Opener(fakes.content(1000)), 1000, [Sink(put)], chunk=SIZE)
        self.assertFalse(result.sinks[0].finished)
        self.assertIsInstance(result.sinks[0].error, ValueError)

    def test_parts_that_somebody_keeps_stay_what_they_are(self) -> None:
        data, parts = fakes.content(5000), list[memoryview]()

        def put(body: SizedBody) -> None:
            parts.extend(memoryview(piece)[:7] for piece in body)

        site = fakes.Site()
        result = fan_out(fakes.Opener(data), 5000, [Sink(put), site.sink()], chunk=SIZE, window=3)
        self.assertTrue(all(sink.finished for sink in result.sinks))
        self.assertEqual(data, site.got)
        self.assertEqual([data[n : n + 7] for n in range(0, 5000, SIZE)], list(map(bytes, parts)))

    def test_a_sink_that_was_given_up_while_it_sends(self) -> None:
        """Its chunk is not overwritten under the hands of its thread."""
        data = fakes.content(3000)
        stuck, seen = fakes.BlockedSite(after=SIZE), list[bytes]()
        fast = fakes.Site()

        def put(body: SizedBody) -> None:
            for piece in body:
                stuck.before(piece)
                stuck.got += piece
                seen.append(bytes(piece))

        sink = Sink(put, name="stuck")

        def others(body: SizedBody) -> None:
            for number, piece in enumerate(body):
                fast.got += piece
                if number == 2:
                    stuck.blocked.wait(fakes.PATIENCE)
                    sink.cancel(exception.Cancelled())
            stuck.let_go.set()

        fan_out(fakes.Opener(data), 3000, [sink, Sink(others)], chunk=SIZE, window=3)
        self.assertEqual(data, fast.got)
        self.assertEqual([data[:SIZE], data[SIZE : 2 * SIZE]], seen)


class TestShared(fakes.TestCase):
    def test_a_job_gets_its_floor_where_others_took_all(self) -> None:
        memory = Memory(10 * SIZE)
        taken = [memory.take(SIZE) for _ in range(10)]
        window = Window(32, memory=memory)
        cursor = window.join(sink=True)
        for _ in range(FLOOR):
            window.reserve(SIZE)
            window.put(memoryview(memory.take(SIZE)))
        reserved = threading.Event()

        def reserve() -> None:
            window.reserve(SIZE)
            reserved.set()

        waiting = threading.Thread(target=reserve)
        waiting.start()
        self.assertFalse(reserved.wait(0.05))
        window.take(cursor)
        window.take(cursor)  # the first one is passed
        self.assertTrue(reserved.wait(fakes.PATIENCE))
        waiting.join(fakes.PATIENCE)
        self.assertEqual(10, len(taken))

    def test_jobs_at_once_stay_within_the_bound(self) -> None:
        data = fakes.content(20_000)
        memory = Memory(20 * SIZE)
        held: list[int] = []

        class Watching(fakes.SlowSite):
            def before(self, chunk: Piece) -> None:
                held.append(memory.held)
                super().before(chunk)

        sites = [Watching(0.0005) for _ in range(4)]
        jobs = [
            threading.Thread(
                target=fan_out,
                args=(fakes.Opener(data), len(data), [site.sink()]),
                kwargs={"chunk": SIZE, "window": 32, "memory": memory},
            )
            for site in sites
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join(fakes.PATIENCE)
        self.assertEqual([data] * 4, [site.got for site in sites])
        # Each job's own come on top, what is at rest, and one for each that looks at once.
        self.assertLessEqual(max(held), memory.limit + (4 * FLOOR + FLOOR + 4) * SIZE)
        self.assertEqual(0, memory.held)

    def test_a_broken_job_gives_its_memory_back(self) -> None:
        memory = Memory(20 * SIZE)
        opener = fakes.Opener(fakes.content(3000), {"breaks_at": 1550})
        site = fakes.Site()
        result = fan_out(opener, 3000, [site.sink()], chunk=SIZE, memory=memory, resumes=0)
        self.assertIsInstance(result.error, exception.StreamBroken)
        self.assertEqual(0, memory.held)
