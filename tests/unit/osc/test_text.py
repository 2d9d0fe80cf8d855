from __future__ import annotations

import testtools

from glint.osc import text
from tests.unit.osc.base import HOSTILE


class TestSafe(testtools.TestCase):
    def test_nothing_unprintable_is_left(self) -> None:
        every = "".join(map(chr, range(0x3000))) + "\udc80\U000e0001" + HOSTILE

        cleaned = text.safe(every)

        self.assertEqual([], [c for c in cleaned if not c.isprintable() and not c.isspace()])
        for char in "\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\u200b\u200e\u2028\u202e\ufeff\udc80":
            self.assertNotIn(char, cleaned)

    def test_it_can_still_be_read(self) -> None:
        self.assertEqual("Зодчий 雲\u3000é \\x", text.safe("Зодчий 雲\u3000é \\x"))
        self.assertEqual("a\\x1b[2Jb\\n", text.safe("a\x1b[2Jb\n"))


class TestPlain(testtools.TestCase):
    def test_structure_becomes_clean_text(self) -> None:
        value = {"os\x1b": ["a\x07", {"b": None}], "n": 3, "t": True}

        self.assertEqual("os\\x1b='a\\x07, b='''", text.plain({"os\x1b": value["os\x1b"]}))
        self.assertEqual("n='3', t='True'", text.plain({"n": 3, "t": True}))

    def test_only_own_lines_break(self) -> None:
        self.assertEqual("a\nb\\nc", text.plain(text.Lines(["a", "b\nc"])))

    def test_numbers_stay_numbers(self) -> None:
        self.assertEqual([1, 1.5, False, ""], [text.plain(v) for v in (1, 1.5, False, None)])


class TestFigures(testtools.TestCase):
    def test_bytes(self) -> None:
        figures = {None: "", 0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 20: "5.0 MiB"}
        for size, shown in figures.items():
            self.assertEqual(shown, text.human_bytes(size))
        self.assertEqual("2048.0 PiB", text.human_bytes(2 << 60))

    def test_hundred_per_cent_is_all(self) -> None:
        self.assertEqual(99, text.percent(9999, 10000))
        self.assertEqual(100, text.percent(10000, 10000))
        self.assertEqual(0, text.percent(None, None))

    def test_done_without_a_byte(self) -> None:
        self.assertEqual(100, text.progress({"state": "done"}, "state", "done"))
        self.assertEqual(0, text.progress({"state": "queued"}, "state", "done"))
