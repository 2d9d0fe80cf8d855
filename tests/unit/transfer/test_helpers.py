"""A sink that keeps the bytes for later is no destination."""

from __future__ import annotations

import hashlib

from glint import exception
from glint.drivers.base import Piece
from glint.transfer import Result, Sink, fan_out
from tests.unit.transfer import fakes


class TestHelpers(fakes.TestCase):
    def run_with(self, *sinks: Sink, **options: object) -> Result:
        data = fakes.content(20_000)
        settings: dict[str, object] = {"chunk": 100, "window": 4, "grace": 0.1} | options
        return fan_out(fakes.Opener(data), len(data), sinks, **settings)  # type: ignore[arg-type]

    @staticmethod
    def again(error: Exception) -> bool:
        return bool(getattr(error, "retry", False))

    def helper(self, site: fakes.Site) -> Sink:
        return Sink(site.put, name="helper", helps=self.again)

    def test_a_fast_one_makes_no_destination_slow(self) -> None:
        slow, spooled = fakes.SlowSite(0.002), fakes.Site()
        result = self.run_with(slow.sink(), self.helper(spooled))
        self.assertEqual([True, True], [sink.finished for sink in result.sinks])

    def test_a_slow_one_is_left_behind(self) -> None:
        site, disk = fakes.Site(), fakes.SlowSite(0.02)
        result = self.run_with(site.sink(), self.helper(disk))
        self.assertTrue(result.sinks[0].finished)
        self.assertIsInstance(result.sinks[1].error, exception.SlowSite)

    def failing(self, error: Exception, after: int = 5000) -> Sink:
        class Failing(fakes.Site):
            def before(self, chunk: Piece) -> None:
                if len(self.got) >= after:
                    raise error

        return Failing().sink()

    def test_it_goes_on_alone_for_those_who_come_again(self) -> None:
        kept = fakes.Site()
        result = self.run_with(
            self.failing(exception.SiteQuotaExceeded(reason="full")),
            self.failing(exception.SiteBusy(reason="503")),
            self.helper(kept),
            algorithms=("sha256",),
        )
        self.assertEqual([False, False, True], [sink.finished for sink in result.sinks])
        self.assertTrue(result.complete)
        digest = hashlib.sha256(bytes(kept.got)).hexdigest()
        self.assertEqual(digest, result.digests["sha256"])

    def test_it_does_not_go_on_for_nobody(self) -> None:
        kept = fakes.Site()
        result = self.run_with(
            self.failing(exception.SiteQuotaExceeded(reason="full")), self.helper(kept)
        )
        self.assertFalse(result.sinks[1].finished)
        self.assertFalse(result.complete)
        self.assertIsInstance(kept.raised, exception.Cancelled)

    def test_alone_from_the_beginning(self) -> None:
        result = self.run_with(self.helper(fakes.Site()))
        self.assertTrue(result.sinks[0].finished)

    def test_the_last_destination_is_never_detached_for_it(self) -> None:
        slow, busy = fakes.SlowSite(0.002), exception.SiteBusy(reason="503")
        result = self.run_with(self.failing(busy, after=0), slow.sink(), self.helper(fakes.Site()))
        self.assertTrue(result.sinks[1].finished)
