"""A source that breaks, stands still, or holds something else."""

from __future__ import annotations

import hashlib
import threading

from glint import exception
from glint.transfer import Sink, fan_out
from tests.unit.transfer import fakes


class TestBrokenSource(fakes.TestCase):
    def copy(self, opener: fakes.Opener, size: int | None, **options: object) -> None:
        self.sites = [fakes.Site(), fakes.Site()]
        sinks = [site.sink() for site in self.sites]
        settings = {"chunk": 1000, "window": 4, "pause": 0.0} | options
        self.result = fan_out(opener, size, sinks, **settings)  # type: ignore[arg-type]

    def assert_copied(self, data: bytes) -> None:
        self.assertIsNone(self.result.error)
        self.assertEqual([True, True], [sink.finished for sink in self.result.sinks])
        self.assertEqual([data, data], [bytes(site.got) for site in self.sites])

    def assert_nothing_active(self, kind: type[Exception]) -> None:
        self.assertIsInstance(self.result.error, kind)
        self.assertFalse(self.result.complete)
        for site, sink in zip(self.sites, self.result.sinks, strict=True):
            self.assertFalse(site.active)
            self.assertFalse(sink.finished)
            self.assertIsInstance(sink.error, kind)

    def test_it_goes_on_at_the_right_byte(self) -> None:
        data = fakes.content(10_000)
        opener = fakes.Opener(data, {"breaks_at": 2345}, {"breaks_at": 7001}, pieces=[333])
        self.copy(opener, len(data))
        self.assert_copied(data)
        self.assertEqual([0, 2345, 7001], opener.offsets)
        self.assertEqual(2, self.result.resumed)
        self.assertEqual(len(data), self.result.bytes_read)
        self.assertTrue(all(stream.closed.is_set() for stream in opener.streams))

    def test_an_answer_from_the_beginning_is_not_appended(self) -> None:
        data = fakes.content(10_000)
        opener = fakes.Opener(data, {"breaks_at": 2345}, ranges=False)
        self.copy(opener, len(data))
        self.assert_copied(data)
        self.assertEqual([0, 2345], opener.offsets)
        self.assertEqual(2345 + len(data), self.result.bytes_read)

    def test_a_break_while_skipping_counts_as_well(self) -> None:
        data = fakes.content(10_000)
        opener = fakes.Opener(data, {"breaks_at": 5000}, {"breaks_at": 3000}, ranges=False)
        self.copy(opener, len(data))
        self.assert_copied(data)
        self.assertEqual([0, 5000, 5000], opener.offsets)

    def test_an_answer_from_further_on_is_no_answer(self) -> None:
        data = fakes.content(3000)

        def open_source(offset: int) -> fakes.Stream:
            return fakes.Stream(data, offset + 10 if offset else 0, size=3000, breaks_at=1500)

        site = fakes.Site()
        result = fan_out(open_source, 3000, [site.sink()], chunk=100, pause=0)
        self.assertIsInstance(result.error, exception.StreamBroken)
        self.assertIn("1510", str(result.error))
        self.assertFalse(site.active)

    def test_it_gives_up_after_so_many_attempts(self) -> None:
        data = fakes.content(3000)
        faults: list[fakes.Fault] = [{"breaks_at": 1500} for _ in range(9)]
        opener = fakes.Opener(data, *faults)
        self.copy(opener, len(data), resumes=2)
        self.assertEqual([0, 1500, 1500], opener.offsets)
        self.assert_nothing_active(exception.StreamBroken)
        self.assertIn("1500 of 3000", str(self.result.error))

    def test_a_source_that_cannot_be_opened_again_for_a_while(self) -> None:
        data = fakes.content(3000)
        busy = exception.SiteBusy(reason="restarting")
        self.copy(fakes.Opener(data, {"breaks_at": 1500}, busy, busy), len(data))
        self.assert_copied(data)

    def test_an_image_that_is_gone_is_not_asked_for_again(self) -> None:
        gone = exception.SiteImageNotFound(ident="x")
        opener = fakes.Opener(fakes.content(3000), {"breaks_at": 1500}, gone)
        self.copy(opener, 3000)
        self.assertEqual([0, 1500], opener.offsets)
        self.assert_nothing_active(exception.SiteImageNotFound)

    def test_an_image_that_changed_its_size_meanwhile(self) -> None:
        opener = fakes.Opener(fakes.content(3000), {"breaks_at": 1500}, {"size": 2999})
        self.copy(opener, 3000)
        self.assert_nothing_active(exception.ContentMismatch)

    def test_a_source_that_ends_early(self) -> None:
        self.copy(fakes.Opener(fakes.content(2999), size=3000), 3000)
        self.assert_nothing_active(exception.StreamBroken)
        self.assertIn("ended early", str(self.result.error))

    def test_a_source_that_goes_on(self) -> None:
        for more, size in ((1, 3000), (5000, 3000), (1, 0)):
            with self.subTest(more=more, size=size):
                self.copy(fakes.Opener(fakes.content(size + more), size=None), size)
                self.assert_nothing_active(exception.ContentMismatch)

    def test_a_source_that_tells_another_size(self) -> None:
        self.copy(fakes.Opener(fakes.content(3001)), 3000)
        self.assert_nothing_active(exception.ContentMismatch)
        self.assertEqual([None, None], [site.declared for site in self.sites])

    def test_a_connection_that_breaks_after_the_last_byte(self) -> None:
        data = fakes.content(3000)
        opener = fakes.Opener(data, {"breaks_at": 3000})
        self.copy(opener, 3000)
        self.assert_copied(data)
        self.assertEqual([0], opener.offsets)

    def test_a_source_that_stands_still_is_opened_again(self) -> None:
        data = fakes.content(3000)
        opener = fakes.Opener(data, {"hangs_at": 2000})
        self.copy(opener, 3000, idle=0.1)
        self.assert_copied(data)
        self.assertEqual([0, 2000], opener.offsets)

    def test_a_source_that_stands_still_for_good(self) -> None:
        opener = fakes.Opener(fakes.content(3000), {"hangs_at": 2000})
        self.copy(opener, 3000, idle=0.1, resumes=0)
        self.assert_nothing_active(exception.StreamStalled)
        self.assertIn("from the source", str(self.result.error))

    def test_a_source_that_does_not_open(self) -> None:
        let_go = threading.Event()
        self.addCleanup(let_go.set)

        def open_source(offset: int) -> fakes.Stream:
            let_go.wait(0.3)
            return fakes.Stream(b"abc", size=3)

        site = fakes.Site()
        result = fan_out(open_source, 3, [site.sink()], idle=0.2)
        self.assertIsInstance(result.error, exception.StreamStalled)
        self.assertIsNone(site.declared)

    def test_a_job_can_be_stopped_while_it_waits_to_open_again(self) -> None:
        stop = threading.Event()
        opener = fakes.Opener(fakes.content(3000), {"breaks_at": 1500})
        site = fakes.Site()
        timer = threading.Timer(0.05, stop.set)
        timer.start()
        self.addCleanup(timer.join)
        result = fan_out(opener, 3000, [site.sink()], pause=1000, cancel=stop)
        self.assertIsInstance(result.error, exception.Cancelled)
        self.assertEqual([0], opener.offsets)


class TestWrongContent(fakes.TestCase):
    def test_one_flipped_bit_makes_nothing_active(self) -> None:
        for size in (1, 999, 1000, 50_000):
            with self.subTest(size=size):
                data = bytearray(fakes.content(size))
                proof = hashlib.sha512(data).hexdigest()
                data[size // 2] ^= 1
                sites = [fakes.Site() for _ in range(3)]
                result = fan_out(
                    fakes.Opener(bytes(data)),
                    size,
                    [site.sink() for site in sites],
                    algorithms=("sha512", "sha256"),
                    expect={"sha512": proof},
                    chunk=1000,
                    window=4,
                )
                self.assertIsInstance(result.error, exception.ContentMismatch)
                self.assertIn(proof, str(result.error))
                self.assertFalse(result.complete)
                for site, sink in zip(sites, result.sinks, strict=True):
                    self.assertFalse(site.active)
                    self.assertIsInstance(site.raised, exception.ContentMismatch)
                    self.assertIsInstance(sink.error, exception.ContentMismatch)

    def test_an_empty_image_that_should_not_be_empty(self) -> None:
        site = fakes.Site()
        expect = {"sha256": hashlib.sha256(b"x").hexdigest()}
        result = fan_out(fakes.Opener(b""), 0, [site.sink()], algorithms=("sha256",), expect=expect)
        self.assertIsInstance(result.error, exception.ContentMismatch)
        self.assertIsNone(site.declared)

    def test_without_sinks_the_digests_are_compared_too(self) -> None:
        for _ in range(20):
            result = fan_out(
                fakes.Opener(b"x"), 1, [], algorithms=("sha256",), expect={"sha256": "00"}
            )
            self.assertIsInstance(result.error, exception.ContentMismatch)

    def test_the_last_chunk_is_held_back_until_the_digest_is_known(self) -> None:
        data = fakes.content(2500)
        wrong = {"sha256": hashlib.sha256(b"other").hexdigest()}
        sizes: list[int] = []

        def put(body: fakes.SizedBody) -> None:
            sizes.extend(map(len, body))

        result = fan_out(
            fakes.Opener(data), 2500, [Sink(put)], algorithms=("sha256",), expect=wrong, chunk=1000
        )
        self.assertEqual([1000, 1000], sizes)
        self.assertFalse(result.sinks[0].finished)

    def test_a_digest_in_capitals_is_the_same_digest(self) -> None:
        proof = hashlib.sha256(b"x").hexdigest().upper()
        result = fan_out(
            fakes.Opener(b"x"), 1, [], algorithms=("sha256",), expect={"sha256": proof}
        )
        self.assertIsNone(result.error)

    def test_a_digest_that_is_not_computed_says_nothing(self) -> None:
        result = fan_out(fakes.Opener(b"x"), 1, [fakes.Site().sink()], expect={"sha256": "00"})
        self.assertTrue(result.sinks[0].finished)
