"""A sink that fails, is slow, stands still, or is cancelled, harms itself only."""

from __future__ import annotations

import threading
import time

from glint import exception
from glint.drivers.base import Piece, SizedBody
from glint.transfer import Result, Sink, fan_out
from tests.unit.transfer import fakes

#: Enough chunks of 100 bytes that no window of these tests holds them.
DATA = fakes.content(20_000)


def run(sinks: list[Sink], opener: fakes.Opener | None = None, **options: object) -> Result:
    settings: dict[str, object] = {"chunk": 100, "window": 4} | options
    return fan_out(opener or fakes.Opener(DATA), len(DATA), sinks, **settings)  # type: ignore[arg-type]


class FailingSite(fakes.Site):
    def before(self, chunk: Piece) -> None:
        if len(self.got) >= 5000:
            raise exception.SiteQuotaExceeded(reason="full")


class TestFailingSinks(fakes.TestCase):
    def test_one_that_fails_does_not_disturb_the_others(self) -> None:
        sites = [fakes.Site(), FailingSite(), fakes.Site()]
        result = run([site.sink() for site in sites])
        self.assertEqual([True, False, True], [sink.finished for sink in result.sinks])
        self.assertIsInstance(result.sinks[1].error, exception.SiteQuotaExceeded)
        self.assertEqual(DATA, bytes(sites[0].got))
        self.assertEqual(DATA, bytes(sites[2].got))
        self.assertIsNone(result.error)

    def test_one_that_fails_before_it_takes_a_byte(self) -> None:
        def put(body: SizedBody) -> None:
            raise exception.SiteCredentialsRejected(reason="no")

        good = fakes.Site()
        result = run([Sink(put), good.sink()])
        self.assertIsInstance(result.sinks[0].error, exception.SiteCredentialsRejected)
        self.assertTrue(result.sinks[1].finished)

    def test_when_all_are_gone_the_source_is_closed_at_once(self) -> None:
        opener = fakes.Opener(DATA, {"hangs_at": 6000})
        result = run([FailingSite().sink(), FailingSite().sink()], opener)
        self.assertTrue(opener.streams[0].closed.is_set())
        self.assertEqual([0], opener.offsets)
        self.assertIsNone(result.error)
        self.assertFalse(result.complete)
        self.assertEqual({}, result.digests)

    def test_an_upload_that_returns_early_has_not_finished(self) -> None:
        for taken in (0, 1):
            with self.subTest(taken=taken):

                def put(body: SizedBody, taken: int = taken) -> None:
                    stream = iter(body)
                    for _ in range(taken):
                        next(stream)

                result = run([Sink(put)])
                self.assertFalse(result.sinks[0].finished)
                self.assertIsInstance(result.sinks[0].error, exception.StreamBroken)

    def test_a_body_that_outlives_its_upload_gives_nothing_more(self) -> None:
        kept: list[SizedBody] = []
        run([Sink(kept.append)])
        with self.assertRaisesRegex(exception.SiteError, "after it had ended"):
            list(kept[0])


class TestSlowSinks(fakes.TestCase):
    def test_one_that_holds_the_others_back_is_detached(self) -> None:
        slow = fakes.SlowSite(0.02)  # it frees a buffer now and then: 4 s for the whole image
        fast = [fakes.Site(), fakes.Site()]
        result = run([fast[0].sink(), slow.sink(), fast[1].sink()], grace=0.2)
        self.assertIsInstance(result.sinks[1].error, exception.SlowSite)
        self.assertIsInstance(slow.raised, exception.SlowSite)
        self.assertTrue(0 < len(slow.got) < len(DATA))
        for site, sink in zip(fast, (result.sinks[0], result.sinks[2]), strict=True):
            self.assertTrue(sink.finished)
            self.assertEqual(DATA, bytes(site.got))

    def test_two_slow_ones_of_four_cannot_hide_behind_each_other(self) -> None:
        slow = [fakes.BlockedSite(1000), fakes.BlockedSite(1000)]
        fast = [fakes.Site(), fakes.Site()]
        sinks = [site.sink(abort=site.cut) for site in slow] + [site.sink() for site in fast]
        result = run(sinks, grace=0.1)
        self.assertEqual([False, False, True, True], [sink.finished for sink in result.sinks])
        for sink in result.sinks[:2]:
            self.assertIsInstance(sink.error, exception.SlowSite)

    def test_the_last_one_is_never_detached(self) -> None:
        slow = fakes.SlowSite(0.002)
        result = run([slow.sink()], grace=0.001)
        self.assertTrue(result.sinks[0].finished)

    def test_one_that_is_left_alone_goes_on(self) -> None:
        slow = fakes.SlowSite(0.002)
        result = run([FailingSite().sink(), slow.sink()], grace=0.3)
        self.assertEqual([False, True], [sink.finished for sink in result.sinks])

    def test_a_slow_source_is_nobody_s_fault(self) -> None:
        wait = threading.Event()

        class Slow(fakes.Stream):
            def read(self, size: int) -> bytes:
                wait.wait(0.002)
                return super().read(size)

        sinks = [fakes.Site().sink(), fakes.SlowSite(0.001).sink()]
        result = fan_out(
            lambda offset: Slow(DATA), len(DATA), sinks, chunk=100, window=4, grace=0.05
        )
        self.assertEqual([True, True], [sink.finished for sink in result.sinks])


class TestStalledSinks(fakes.TestCase):
    def test_the_only_one_stands_still(self) -> None:
        site = fakes.BlockedSite(1000)
        result = run([site.sink(abort=site.cut)], idle=0.1)
        self.assertIsInstance(result.sinks[0].error, exception.StreamStalled)
        self.assertIn("to the site", str(result.sinks[0].error))
        self.assertFalse(result.sinks[0].stuck)
        self.assertFalse(site.active)

    def test_all_of_them_stand_still(self) -> None:
        sites = [fakes.BlockedSite(1000), fakes.BlockedSite(1000)]
        result = run([site.sink(abort=site.cut) for site in sites], idle=0.1)
        for sink in result.sinks:
            self.assertIsInstance(sink.error, exception.StreamStalled)

    def test_one_that_cannot_be_aborted_is_not_waited_for_without_end(self) -> None:
        site = fakes.BlockedSite(1000)
        result = run([site.sink()], idle=0.1)
        self.assertTrue(result.sinks[0].stuck)
        site.let_go.set()
        for thread in threading.enumerate():
            if thread not in self._threads:
                thread.join(fakes.PATIENCE)
        self.assertIsInstance(site.raised, exception.StreamStalled)

    def test_a_site_may_work_for_long_after_the_last_byte(self) -> None:
        let_go = threading.Event()

        def put(body: SizedBody) -> None:
            list(body)
            let_go.wait(0.5)

        result = run([Sink(put)], idle=0.1)
        self.assertTrue(result.sinks[0].finished)

    def test_but_not_for_ever(self) -> None:
        let_go = threading.Event()

        def put(body: SizedBody) -> None:
            list(body)
            let_go.wait(fakes.PATIENCE)
            raise OSError("cut")

        result = run([Sink(put, abort=let_go.set)], settle=0.1)
        self.assertIsInstance(result.sinks[0].error, exception.StreamStalled)

    def test_waiting_for_the_source_is_no_standstill_of_the_sink(self) -> None:
        let_go = threading.Event()
        threading.Timer(0.4, let_go.set).start()

        class Pausing(fakes.Stream):
            def read(self, size: int) -> bytes:
                if self.position >= 10_000:
                    let_go.wait(fakes.PATIENCE)
                return super().read(size)

        site = fakes.Site()
        result = fan_out(
            lambda offset: Pausing(DATA),
            len(DATA),
            [site.sink()],
            chunk=100,
            grace=0.1,
            idle=2,
            settle=0.1,
        )
        self.assertTrue(result.sinks[0].finished)


class TestCancel(fakes.TestCase):
    def start(
        self, sinks: list[Sink], opener: fakes.Opener | None = None, **options: object
    ) -> threading.Thread:
        def job() -> None:
            self.result = run(sinks, opener, **options)

        thread = threading.Thread(target=job)
        thread.start()
        return thread

    def test_one_is_cancelled_and_the_others_go_on(self) -> None:
        site, other = fakes.BlockedSite(1000), fakes.Site()
        sink = site.sink(abort=site.cut)
        job = self.start([sink, other.sink()])
        self.assertTrue(site.blocked.wait(fakes.PATIENCE))
        sink.cancel()
        job.join(fakes.PATIENCE)
        self.assertIsInstance(self.result.sinks[0].error, exception.Cancelled)
        self.assertIsInstance(site.raised, exception.Cancelled)
        self.assertFalse(site.active)
        self.assertTrue(self.result.sinks[1].finished)
        self.assertEqual(DATA, bytes(other.got))

    def test_one_that_waits_for_the_source_hears_it_at_once(self) -> None:
        opener = fakes.Opener(DATA, {"hangs_at": 5000})
        sink = fakes.Site().sink()
        stopped = threading.Event()

        def put(body: SizedBody) -> None:
            try:
                list(body)
            except exception.LeaseLost:
                stopped.set()
                raise

        first = Sink(put)
        job = self.start([first, sink], opener=opener)
        self.wait_for(lambda: first.progress.done == 5000)
        first.cancel(exception.LeaseLost(ident="t"))
        self.assertTrue(stopped.wait(fakes.PATIENCE))
        self.assertTrue(job.is_alive())
        sink.cancel()
        job.join(fakes.PATIENCE)
        self.assertIsInstance(self.result.sinks[0].error, exception.LeaseLost)
        self.assertIsInstance(self.result.sinks[1].error, exception.Cancelled)
        self.assertTrue(opener.streams[0].closed.is_set())

    def test_one_that_is_cancelled_before_it_began_never_begins(self) -> None:
        site, other = fakes.Site(), fakes.Site()
        sink = site.sink()
        sink.cancel()
        result = run([sink, other.sink()])
        self.assertIsInstance(result.sinks[0].error, exception.Cancelled)
        self.assertIsNone(site.declared)
        self.assertTrue(result.sinks[1].finished)

    def test_the_whole_job(self) -> None:
        sites = [fakes.BlockedSite(1000), fakes.BlockedSite(1000)]
        stop = threading.Event()
        job = self.start([site.sink(abort=site.cut) for site in sites], cancel=stop)
        for site in sites:
            self.assertTrue(site.blocked.wait(fakes.PATIENCE))
        stop.set()
        job.join(fakes.PATIENCE)
        self.assertIsInstance(self.result.error, exception.Cancelled)
        for sink in self.result.sinks:
            self.assertIsInstance(sink.error, exception.Cancelled)

    def test_what_has_finished_stays_finished(self) -> None:
        site, slow = fakes.Site(), fakes.BlockedSite(19_000)
        sink = site.sink()
        done = threading.Event()

        def put(body: SizedBody) -> None:
            site.put(body)
            done.set()

        sink = Sink(put)
        stop = threading.Event()
        job = self.start([sink, slow.sink(abort=slow.cut)], cancel=stop, window=20)
        self.assertTrue(done.wait(fakes.PATIENCE))
        self.wait_for(lambda: all(t.name != "sink sink" for t in threading.enumerate()))
        sink.cancel()
        stop.set()
        job.join(fakes.PATIENCE)
        self.assertEqual([True, False], [sink.finished for sink in self.result.sinks])

    def test_an_abort_that_fails_is_only_logged(self) -> None:
        site = fakes.BlockedSite(1000)

        def abort() -> None:
            site.cut()
            raise RuntimeError("no socket")

        sink = site.sink(abort=abort)
        job = self.start([sink])
        self.assertTrue(site.blocked.wait(fakes.PATIENCE))
        sink.cancel()
        job.join(fakes.PATIENCE)
        self.assertIsInstance(self.result.sinks[0].error, exception.Cancelled)

    def wait_for(self, true: object) -> None:
        pause = threading.Event()
        end = time.monotonic() + fakes.PATIENCE
        while not true():  # type: ignore[operator]
            self.assertLess(time.monotonic(), end)
            pause.wait(0.005)
