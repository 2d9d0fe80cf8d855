"""The window is bounded, and its rule for slow sinks fair."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import testtools

from glint import exception
from glint.drivers.base import Piece, SizedBody
from glint.transfer import Memory, Sink, fan_out, policy
from glint.transfer.lanes import SinkLane
from glint.transfer.window import Cursor, Window, WindowClosed
from tests.unit.transfer import fakes


class Counting(Memory):
    """Knows the most that it ever held."""

    peak = 0

    def take(self, size: int) -> bytearray:
        buffer = super().take(size)
        self.peak = max(self.peak, self.held)
        return buffer


class TestMemory(fakes.TestCase):
    def test_never_more_chunks_than_the_window_has(self) -> None:
        data = fakes.content(30_000)

        def put(body: SizedBody) -> None:
            stream = iter(body)
            while len(next(stream, b"")):
                pass

        for count in (1, 4, 8):
            with self.subTest(count=count):
                memory = Counting(10**6)
                slow = fakes.SlowSite(0.0005)
                result = fan_out(
                    lambda offset: fakes.Stream(data, size=len(data)),
                    len(data),
                    [Sink(put) for _ in range(count)] + [slow.sink()],
                    algorithms=("sha256",),
                    chunk=100,
                    window=5,
                    memory=memory,
                )
                self.assertTrue(all(sink.finished for sink in result.sinks))
                # Those that loop over the body keep sight of their last chunk while they wait.
                self.assertLessEqual(memory.peak, 100 * (5 + 1 + count + 1))
                self.assertGreaterEqual(memory.peak, 100 * 2)
                self.assertEqual(0, memory.held)

    def test_a_detached_sink_keeps_no_more_than_its_chunk(self) -> None:
        window = Window(3)
        slow, fast = window.join(sink=True), window.join(sink=True)
        for number in range(3):
            window.reserve()
            window.put(b"%d" % number)
        self.assertEqual(b"0", window.take(slow))
        self.assertEqual([b"0", b"1", b"2"], [window.take(fast) for _ in range(3)])
        window.leave(slow, exception.SlowSite(seconds=1))
        window.reserve()  # would block for ever with the slow one's chunks still there
        window.put(b"3", last=True)
        self.assertEqual([b"3", None], [window.take(fast), window.take(fast)])
        with testtools.ExpectedException(exception.SlowSite):
            window.take(slow)


class TestWindow(fakes.TestCase):
    def test_a_closed_window_stops_both_sides(self) -> None:
        window = Window(1)
        cursor = window.join(sink=True)
        window.reserve()
        window.put(b"x")
        window.close(exception.LeaseLost(ident="t"))
        for call in (window.reserve, lambda: window.put(b"y"), lambda: window.pause(60)):
            with testtools.ExpectedException(WindowClosed):
                call()
        with testtools.ExpectedException(exception.LeaseLost):
            window.take(cursor)

    def test_the_first_reason_counts(self) -> None:
        window = Window(1)
        window.close(exception.LeaseLost(ident="t"))
        window.close(exception.Cancelled())
        self.assertIsInstance(window.error, exception.LeaseLost)

    def test_sinks_wait_at_the_gate_while_hashers_pass(self) -> None:
        window = Window(4, gated=True)
        sink, hasher = window.join(sink=True), window.join(sink=False)
        window.put(b"a")
        window.put(b"z", last=True)
        self.assertEqual(b"a", window.take(sink))
        self.assertEqual([b"a", b"z", None], [window.take(hasher) for _ in range(3)])
        taken: list[Piece | None] = []
        waiting = threading.Thread(target=lambda: taken.append(window.take(sink)))
        waiting.start()
        waiting.join(0.05)
        self.assertEqual([], taken)
        window.release()
        waiting.join(fakes.PATIENCE)
        self.assertEqual([b"z"], taken)
        self.assertIsNone(window.take(sink))

    def test_who_waits_for_a_helper_is_charged_nothing_but_it_is(self) -> None:
        for lazy_one, expected in (("site", False), ("helper", True)):
            with self.subTest(lazy=lazy_one):
                window = Window(2)
                cursors = {
                    name: window.join(sink=True, helper=name == "helper")
                    for name in ("site", "helper")
                }
                lazy = cursors.pop(lazy_one)
                (eager,) = cursors.values()
                for _ in range(2):
                    window.put(b"x")
                threads = [
                    threading.Thread(target=self.until_closed, args=(window.take, eager)),
                    threading.Thread(target=self.until_closed, args=(window.reserve,)),
                ]
                for thread in threads:
                    thread.start()
                pause = threading.Event()
                for _ in range(2000 if expected else 30):
                    pause.wait(0.01)
                    window.judge()
                    if lazy.behind > 0.01:
                        break
                window.close()
                for thread in threads:
                    thread.join(fakes.PATIENCE)
                self.assertEqual(expected, lazy.behind > 0)

    @staticmethod
    def until_closed(call: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(exception.Cancelled, WindowClosed):
            while True:
                call(*arguments)

    def test_a_window_of_no_slots_is_refused(self) -> None:
        with testtools.ExpectedException(ValueError):
            Window(0)


class TestLane(fakes.TestCase):
    def test_the_true_reason_is_named_whatever_the_upload_makes_of_it(self) -> None:
        def put(body: SizedBody) -> None:
            try:
                list(body)
            except exception.LeaseLost:
                raise OSError("connection aborted") from None

        window = Window(2)
        lane = SinkLane(Sink(put), window, ended=lambda: None)
        lane.start(5)
        window.close(exception.LeaseLost(ident="t"))
        lane.thread.join(fakes.PATIENCE)
        self.assertIsInstance(lane.error, exception.LeaseLost)


class TestPolicy(fakes.TestCase):
    def test_who_is_to_blame(self) -> None:
        cases: list[tuple[str, dict[str, int], list[int], str]] = [
            ("one alone", {"a": 8, "b": 0, "c": 0}, [], "a"),
            ("one of two", {"a": 8, "b": 0}, [], "a"),
            ("two of four", {"a": 8, "b": 7, "c": 0, "d": 0}, [0], "ab"),
            ("the majority is the pace", {"a": 8, "b": 8, "c": 0}, [], ""),
            ("the only one", {"a": 8}, [], ""),
            ("nobody has drained", {"a": 8, "b": 1}, [], ""),
            ("one in the middle is not blamed", {"a": 8, "b": 2, "c": 0, "d": 0}, [], "a"),
            ("the processor", {"a": 8, "b": 0}, [8], ""),
            ("a hash that keeps up", {"a": 8, "b": 0}, [1], "a"),
            ("no sinks", {}, [8], ""),
        ]
        for name, lags, hashers, expected in cases:
            with self.subTest(name):
                self.assertEqual(frozenset(expected), policy.laggards(lags, hashers, 8))

    def test_helpers_are_blamed_and_blame_nobody(self) -> None:
        cases: list[tuple[str, dict[str, int], dict[str, int], str]] = [
            ("the only destination", {"a": 8}, {"h": 0}, ""),
            ("the majority, though a helper is faster", {"a": 8, "b": 8, "c": 0}, {"h": 0}, ""),
            ("a slow helper", {"a": 0}, {"h": 8}, "h"),
            ("a slow site and a slow helper", {"a": 0, "b": 8}, {"h": 8}, "bh"),
            ("nobody waits for it", {}, {"h": 8}, ""),
        ]
        for name, lags, helpers, expected in cases:
            with self.subTest(name):
                self.assertEqual(frozenset(expected), policy.laggards(lags, [], 8, helpers))

    def test_the_smallest_window(self) -> None:
        self.assertEqual({"a"}, policy.laggards({"a": 1, "b": 0}, [], 1))

    def test_equal_sites_that_stutter_in_turn_owe_each_other_nothing(self) -> None:
        first, second = Cursor(sink=True), Cursor(sink=True)
        for _ in range(100):
            policy.charge([first, second], [first], 2.0)
            policy.charge([first, second], [second], 2.0)
        self.assertLessEqual(max(first.behind, second.behind), 2.0)

    def test_a_debt_grows_with_what_a_sink_costs_the_others(self) -> None:
        slow, fast = Cursor(sink=True), Cursor(sink=True)
        for _ in range(100):
            policy.charge([slow, fast], [slow], 0.5)
        self.assertEqual((50.0, 0.0), (slow.behind, fast.behind))
