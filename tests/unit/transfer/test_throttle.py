"""A cap holds, whoever shares it, and nobody is kept in it who is not wanted any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import testtools

from glint import exception
from glint.drivers.base import Piece
from glint.transfer import Sink, Throttle, digest, fan_out, throttle
from glint.transfer.throttle import BURST, SMALLEST, Bucket
from tests.unit.transfer import fakes

KIB = 1024
DATA = fakes.content(64 * KIB)
#: Bytes per second with which nothing of these tests would end within their patience.
CRAWL = 1.0


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def until(true: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    pause = threading.Event()
    end = time.monotonic() + fakes.PATIENCE
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        pause.wait(0.002)


class TestBucket(testtools.TestCase):
    def run_for(self, seconds: float, rate: float, piece: int, late: float = 0.0) -> float:
        """Bytes that go within ``seconds`` when somebody always wants more."""
        now, gone = 0.0, 0
        bucket = Bucket(rate, now)
        while now < seconds:
            pause = bucket.pause(now)
            if pause:
                now += pause + late
            else:
                bucket.spend(piece, now)
                gone += piece
        return gone

    def test_the_rate_holds_for_pieces_smaller_and_larger_than_it(self) -> None:
        for rate in (10.0, 1000.0, 1e6, 1e9):
            for piece in (int(rate / 10), int(rate), int(rate * 7)):
                with self.subTest(rate=rate, piece=piece):
                    gone = self.run_for(100.0, rate, piece)
                    self.assertLessEqual(gone, rate * (100 + BURST) + piece + 1)
                    self.assertGreaterEqual(gone, rate * 100 - piece)

    def test_waking_late_costs_nothing_up_to_the_burst(self) -> None:
        gone = self.run_for(100.0, 1000.0, 100, late=BURST / 3)
        self.assertGreaterEqual(gone, 1000 * 100 - 1000)

    def test_what_was_not_used_is_saved_up_to_the_burst_only(self) -> None:
        bucket = Bucket(1000.0, 0.0)
        gone = 0
        while not bucket.pause(3600.0):
            bucket.spend(10, 3600.0)
            gone += 10
        self.assertLessEqual(gone, 1000 * BURST + 10)

    def test_a_debt_is_paid_at_the_new_rate(self) -> None:
        bucket = Bucket(1000.0, 0.0)
        bucket.spend(10_250, 0.0)
        self.assertEqual(10.0, bucket.pause(0.0))
        bucket.change(2000.0, 5.0)
        self.assertEqual(2.5, bucket.pause(5.0))
        self.assertEqual(0.0, bucket.pause(7.5))

    def test_a_lower_rate_forgets_what_was_saved(self) -> None:
        bucket = Bucket(1e9, 0.0)
        bucket.change(100.0, 0.0)
        bucket.spend(225, 0.0)
        self.assertEqual(2.0, bucket.pause(0.0))

    def test_a_clock_that_stands_or_goes_back_gives_nothing(self) -> None:
        bucket = Bucket(100.0, 10.0)
        bucket.spend(1025, 10.0)
        self.assertEqual(10.0, bucket.pause(3.0))


class TestThrottle(fakes.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.gone: list[str] = []
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []

    def check(self) -> None:
        if self.stop.is_set():
            raise exception.Cancelled

    def taker(self, cap: Throttle, name: str, count: int, turns: int = 1) -> threading.Thread:
        def run() -> None:
            try:
                for _ in range(turns):
                    cap.take(count, self.check)
                    self.gone.append(name)
            except exception.Cancelled:
                self.gone.append(f"{name} stopped")

        thread = threading.Thread(target=run)
        self.addCleanup(thread.join, fakes.PATIENCE)
        self.addCleanup(self.stop.set)
        thread.start()
        return thread

    def test_without_a_rate_nobody_waits(self) -> None:
        cap = Throttle(clock=self.clock)
        cap.take(10**15, self.check)
        self.assertIsNone(cap.rate)
        self.assertEqual(10**9, cap.portion(10**9))

    def test_no_rate_at_which_nothing_moves(self) -> None:
        for rate in (0, -1, float("nan")):
            with testtools.ExpectedException(ValueError):
                Throttle(rate)

    def test_those_who_wait_go_in_turn(self) -> None:
        cap = Throttle(100.0, clock=self.clock)
        cap.take(125, self.check)  # the burst and 100 bytes of debt
        for name in "abc":
            before = cap.waiting
            self.taker(cap, name, 100, turns=2)
            until(lambda before=before: cap.waiting > before)  # type: ignore[misc]
        for expected in range(6):
            self.assertEqual(expected, len(self.gone))
            self.clock.now += 1.0
            until(lambda expected=expected: len(self.gone) > expected)  # type: ignore[misc]
            until(lambda expected=expected: cap.waiting == min(3, 5 - expected))  # type: ignore[misc]
        self.assertEqual(list("abc") * 2, self.gone)

    def test_nobody_goes_before_the_debt_is_paid(self) -> None:
        cap = Throttle(100.0, clock=self.clock)
        cap.take(1025, self.check)
        thread = self.taker(cap, "a", 1)
        until(lambda: cap.waiting)
        self.clock.now += 9.9
        thread.join(2 * throttle.LOOK_AROUND)
        self.assertEqual([], self.gone)
        self.clock.now += 0.2
        thread.join(fakes.PATIENCE)
        self.assertEqual(["a"], self.gone)

    def test_one_who_is_stopped_leaves_and_spends_nothing(self) -> None:
        cap = Throttle(100.0, clock=self.clock)
        cap.take(125, self.check)
        first = self.taker(cap, "a", 10**6)
        until(lambda: cap.waiting)
        self.stop.set()
        first.join(fakes.PATIENCE)
        self.assertEqual(["a stopped"], self.gone)
        self.assertEqual(0, cap.waiting)
        self.clock.now += 1.0
        cap.take(1, self.fail)

    def test_a_new_rate_counts_for_those_who_wait(self) -> None:
        cap = Throttle(1.0, clock=self.clock)
        cap.take(10**6, self.check)
        thread = self.taker(cap, "a", 1)
        until(lambda: cap.waiting)
        cap.set_rate(10.0**6)
        self.clock.now += 1.0
        thread.join(fakes.PATIENCE)
        self.assertEqual(["a"], self.gone)

    def test_lifting_the_cap_lets_all_go(self) -> None:
        cap = Throttle(1.0, clock=self.clock)
        cap.take(10**6, self.check)
        threads = [self.taker(cap, name, 10**6) for name in "ab"]
        until(lambda: cap.waiting == 2)
        cap.set_rate(None)
        for thread in threads:
            thread.join(fakes.PATIENCE)
        self.assertEqual(["a", "b"], sorted(self.gone))

    def test_pieces_are_so_small_that_bytes_keep_flowing(self) -> None:
        cap = Throttle(1e6, clock=self.clock)
        self.assertEqual(int(1e6 * BURST), cap.portion(10**9))
        self.assertEqual(10, cap.portion(10))
        cap.set_rate(1.0)
        self.assertEqual(SMALLEST, cap.portion(10**9))
        wide = Throttle(1e9, clock=self.clock)
        self.assertEqual(SMALLEST, throttle.portion((wide, cap), 10**9))


class TestInAFanOut(fakes.TestCase):
    """With real seconds, but so that only what is broken would take long."""

    def test_all_bytes_come_through_caps(self) -> None:
        sites = [fakes.Site(), fakes.Site()]
        shared, own, source = Throttle(2e6), Throttle(3e6), Throttle(2e6)
        sinks = [
            Sink(sites[0].put, throttles=(own, shared)),
            Sink(sites[1].put, throttles=(shared,)),
        ]
        result = fan_out(
            fakes.Opener(DATA),
            len(DATA),
            sinks,
            chunk=16 * KIB,
            window=3,
            source_throttles=(source,),
            algorithms=("sha256",),
        )
        self.assertTrue(result.complete)
        self.assertEqual([DATA] * 2, [bytes(site.got) for site in sites])
        self.assertEqual(len(DATA), result.bytes_read)

    def test_a_chunk_is_sent_in_pieces(self) -> None:
        sizes: list[int] = []

        class Measuring(fakes.Site):
            def before(self, chunk: Piece) -> None:
                sizes.append(len(chunk))

        cap = Throttle(160_000)
        site = Measuring()
        fan_out(fakes.Opener(DATA), len(DATA), [Sink(site.put, throttles=(cap,))], chunk=len(DATA))
        self.assertEqual(DATA, bytes(site.got))
        self.assertEqual(160_000 * BURST, max(sizes))

    def test_every_byte_is_paid_for_by_sink_and_source(self) -> None:
        paid: dict[str, int] = {"sink": 0, "source": 0}

        class Counting(Throttle):
            def __init__(self, name: str) -> None:
                super().__init__()
                self.name = name

            def portion(self, count: int) -> int:
                return min(count, 1000)

            def take(self, count: int, check: throttle.Check) -> None:
                paid[self.name] += count

        opener = fakes.Opener(DATA, {"breaks_at": 5000}, ranges=False)
        fan_out(
            opener,
            len(DATA),
            [Sink(fakes.Site().put, throttles=(Counting("sink"),))],
            source_throttles=(Counting("source"),),
            pause=0.001,
        )
        # What is read again after a break is traffic as well.
        self.assertEqual({"sink": len(DATA), "source": len(DATA) + 5000}, paid)

    def test_waiting_is_no_standstill(self) -> None:
        sink_cap, source_cap = Throttle(CRAWL), Throttle(CRAWL)
        for throttles in ({"sink": sink_cap}, {"source": source_cap}):
            with self.subTest(throttles=[*throttles]):
                (cap,) = throttles.values()
                site = fakes.Site()
                sink = Sink(site.put, throttles=(cap,) if cap is sink_cap else ())
                # Far longer than the idle time that would have ended it.
                timer = threading.Timer(0.8, cap.set_rate, (None,))
                timer.start()
                result = fan_out(
                    fakes.Opener(DATA),
                    len(DATA),
                    [sink],
                    chunk=KIB,
                    idle=0.1,
                    source_throttles=(cap,) if cap is source_cap else (),
                )
                timer.join(fakes.PATIENCE)
                self.assertIsNone(result.sinks[0].error)
                self.assertEqual(DATA, bytes(site.got))

    def test_a_capped_site_is_a_slow_site_and_leaves_the_others(self) -> None:
        slow, fast = fakes.Site(), fakes.Site()
        result = fan_out(
            fakes.Opener(DATA),
            len(DATA),
            [Sink(slow.put, throttles=(Throttle(CRAWL),)), fast.sink()],
            chunk=KIB,
            window=4,
            grace=0.1,
        )
        self.assertIsInstance(result.sinks[0].error, exception.SlowSite)
        self.assertIsInstance(slow.raised, exception.SlowSite)
        self.assertFalse(result.sinks[0].stuck)
        self.assertEqual(DATA, bytes(fast.got))

    def test_a_cap_that_all_share_makes_nobody_slow(self) -> None:
        cap = Throttle(200_000)
        sites = [fakes.Site(), fakes.Site()]
        result = fan_out(
            fakes.Opener(DATA),
            len(DATA),
            [Sink(site.put, throttles=(cap,)) for site in sites],
            chunk=KIB,
            window=4,
            grace=0.2,
        )
        self.assertEqual([True, True], [sink.finished for sink in result.sinks])

    def test_a_cancelled_sink_leaves_the_cap_though_nobody_aborts_it(self) -> None:
        cap = Throttle(CRAWL)
        sink = Sink(fakes.Site().put, throttles=(cap,))
        results = []
        job = threading.Thread(
            target=lambda: results.append(fan_out(fakes.Opener(DATA), len(DATA), [sink], chunk=KIB))
        )
        job.start()
        until(lambda: cap.waiting)
        sink.cancel()
        job.join(fakes.PATIENCE)
        self.assertIsInstance(results[0].sinks[0].error, exception.Cancelled)
        self.assertFalse(results[0].sinks[0].stuck)
        self.assertEqual(0, cap.waiting)

    def test_a_cancelled_job_leaves_the_cap_of_its_source(self) -> None:
        cap, cancel = Throttle(CRAWL), threading.Event()
        errors: list[Exception] = []

        def run() -> None:
            try:
                digest(
                    fakes.Opener(DATA),
                    len(DATA),
                    ["md5"],
                    source_throttles=(cap,),
                    chunk=KIB,
                    cancel=cancel,
                )
            except exception.Cancelled as error:
                errors.append(error)

        job = threading.Thread(target=run)
        job.start()
        until(lambda: cap.waiting)
        cancel.set()
        job.join(fakes.PATIENCE)
        self.assertEqual(1, len(errors))
        self.assertEqual(0, cap.waiting)
