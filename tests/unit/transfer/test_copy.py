"""The bytes that arrive are the bytes that were there."""

from __future__ import annotations

import hashlib
import random
import threading

import hypothesis
import testtools
from hypothesis import strategies as st

from glint import exception
from glint.transfer import Progress, Sink, digest, fan_out
from tests.unit.transfer import fakes


class TestFanOut(fakes.TestCase):
    def test_every_number_of_sinks_gets_the_same_bytes(self) -> None:
        for count in range(1, 9):
            with self.subTest(count=count):
                dice = random.Random(count)
                data = fakes.content(dice.randrange(1, 60_000), seed=count)
                opener = fakes.Opener(data, pieces=[dice.randrange(1, 3000) for _ in range(20)])
                sites = [fakes.Site() for _ in range(count)]
                result = fan_out(
                    opener, len(data), [site.sink() for site in sites], chunk=1024, window=4
                )
                self.assertEqual([data] * count, [bytes(site.got) for site in sites])
                self.assertEqual([True] * count, [sink.finished for sink in result.sinks])
                self.assertEqual([len(data)] * count, [sink.bytes_done for sink in result.sinks])
                self.assertEqual([0], opener.offsets)
                self.assertEqual(len(data), result.bytes_read)
                self.assertTrue(result.complete)
                self.assertIsNone(result.error)

    def test_digests_are_computed_only_when_asked_for(self) -> None:
        data = fakes.content(10_000)
        site = fakes.Site()
        result = fan_out(
            fakes.Opener(data), None, [site.sink()], algorithms=("sha512", "md5"), chunk=700
        )
        self.assertEqual(
            {"sha512": hashlib.sha512(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()},  # noqa: S324
            result.digests,
        )
        result = fan_out(fakes.Opener(data), None, [fakes.Site().sink()])
        self.assertEqual({}, result.digests)

    def test_the_size_is_taken_from_the_source_where_it_is_not_known(self) -> None:
        data = fakes.content(5000)
        site = fakes.Site()
        result = fan_out(fakes.Opener(data), None, [site.sink()])
        self.assertEqual(5000, site.declared)
        self.assertEqual(5000, result.size)

    def test_without_any_size_no_upload_begins(self) -> None:
        site = fakes.Site()
        result = fan_out(fakes.Opener(b"abc", size=None), None, [site.sink()])
        self.assertIsInstance(result.error, exception.SiteError)
        self.assertIn("size", str(result.error))
        self.assertIsNone(site.declared)
        self.assertFalse(result.sinks[0].finished)
        self.assertIsInstance(result.sinks[0].error, exception.SiteError)

    def test_an_empty_image(self) -> None:
        site = fakes.Site()
        result = fan_out(fakes.Opener(b""), 0, [site.sink()], algorithms=("sha256",))
        self.assertTrue(result.complete)
        self.assertTrue(result.sinks[0].finished)
        self.assertEqual(0, site.declared)
        self.assertEqual({"sha256": hashlib.sha256(b"").hexdigest()}, result.digests)

    def test_a_source_that_cannot_be_opened_begins_no_upload(self) -> None:
        site = fakes.Site()
        opener = fakes.Opener(b"abc", exception.SiteImageNotFound(ident="x"))
        result = fan_out(opener, 3, [site.sink()])
        self.assertIsInstance(result.error, exception.SiteImageNotFound)
        self.assertIsInstance(result.sinks[0].error, exception.SiteImageNotFound)
        self.assertIsNone(site.declared)
        self.assertEqual([0], opener.offsets)

    def test_what_a_driver_should_not_raise_ends_the_job_all_the_same(self) -> None:
        result = fan_out(fakes.Opener(b"abc", KeyError("x")), 3, [fakes.Site().sink()])
        self.assertIsInstance(result.error, exception.StreamBroken)
        self.assertIn("KeyError", str(result.error))

    def test_an_unknown_algorithm_is_refused_before_anything_begins(self) -> None:
        opener = fakes.Opener(b"abc")
        with testtools.ExpectedException(ValueError):
            fan_out(opener, 3, [fakes.Site().sink()], algorithms=("rot13",))
        with testtools.ExpectedException(ValueError):
            fan_out(opener, 3, [fakes.Site().sink()], algorithms=("shake_128",))
        self.assertEqual([], opener.offsets)

    def test_a_sink_serves_one_job(self) -> None:
        sink = fakes.Site().sink()
        fan_out(fakes.Opener(b"abc"), 3, [sink])
        with testtools.ExpectedException(ValueError):
            fan_out(fakes.Opener(b"abc"), 3, [sink])

    def test_a_body_is_iterated_once(self) -> None:
        seen: list[object] = []

        def put_twice(body: fakes.SizedBody) -> None:
            seen.append(len(body))
            seen.extend(map(bytes, body))
            list(body)  # what a client does that sends a request again

        result = fan_out(fakes.Opener(b"abc"), 3, [Sink(put_twice)])
        self.assertEqual([3, b"abc"], seen)
        self.assertFalse(result.sinks[0].finished)
        self.assertIsInstance(result.sinks[0].error, exception.StreamBroken)
        self.assertIn("second time", str(result.sinks[0].error))

    def test_progress_can_be_read_meanwhile(self) -> None:
        data = fakes.content(4000)
        site = fakes.BlockedSite(after=2000)
        sink, source = site.sink(), Progress()
        job = threading.Thread(
            target=fan_out,
            args=(fakes.Opener(data), len(data), [sink]),
            kwargs={"chunk": 1000, "window": 2, "progress": source},
        )
        job.start()
        self.assertTrue(site.blocked.wait(fakes.PATIENCE))
        self.assertEqual((3000, 4000), (sink.progress.done, sink.progress.total))
        self.assertEqual(4000, source.total)
        self.assertGreaterEqual(source.done, 3000)
        site.let_go.set()
        job.join(fakes.PATIENCE)
        self.assertEqual((4000, 4000), (sink.progress.done, source.done))


class TestDigest(fakes.TestCase):
    def test_it_reads_the_source_and_resumes(self) -> None:
        data = fakes.content(9000)
        opener = fakes.Opener(data, {"breaks_at": 4321})
        digests = digest(opener, None, ["sha256"], chunk=1000, pause=0)
        self.assertEqual({"sha256": hashlib.sha256(data).hexdigest()}, digests)
        self.assertEqual([0, 4321], opener.offsets)

    def test_it_raises_what_is_wrong(self) -> None:
        with testtools.ExpectedException(exception.ContentMismatch):
            digest(fakes.Opener(b"abcd", size=None), 3, ["sha256"])
        stop = threading.Event()
        stop.set()
        with testtools.ExpectedException(exception.Cancelled):
            digest(fakes.Opener(b"abcd", {"hangs_at": 0}), 4, ["sha256"], cancel=stop)


class TestAnyShape(fakes.TestCase):
    @hypothesis.settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @hypothesis.given(
        size=st.integers(0, 4000),
        chunk=st.integers(1, 900),
        window=st.integers(1, 5),
        count=st.integers(1, 8),
        pieces=st.lists(st.integers(1, 1000), min_size=1, max_size=6),
        breaks=st.lists(st.integers(0, 4000), max_size=3),
        ranges=st.booleans(),
        hashed=st.booleans(),
    )
    def test_all_arrives_whatever_the_shape(
        self,
        size: int,
        chunk: int,
        window: int,
        count: int,
        pieces: list[int],
        breaks: list[int],
        ranges: bool,
        hashed: bool,
    ) -> None:
        data = fakes.content(size)
        faults: list[fakes.Fault] = [{"breaks_at": at} for at in breaks]
        opener = fakes.Opener(data, *faults, ranges=ranges, pieces=pieces)
        sites = [fakes.Site() for _ in range(count)]
        proof = hashlib.sha256(data).hexdigest()
        result = fan_out(
            opener,
            size,
            [site.sink() for site in sites],
            algorithms=("sha256",) if hashed else (),
            expect={"sha256": proof},
            chunk=chunk,
            window=window,
            pause=0,
        )
        self.assertIsNone(result.error)
        self.assertTrue(all(sink.finished for sink in result.sinks), result)
        self.assertEqual({data}, {bytes(site.got) for site in sites})
        self.assertEqual({"sha256": proof} if hashed else {}, result.digests)
        self.assert_no_thread_left()
