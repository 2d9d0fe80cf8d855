"""Hours of the day in which copies may begin."""

from __future__ import annotations

import datetime

import testtools

from glint import exception, hours


def at(clock: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-01-01T{clock}")


class TestHours(testtools.TestCase):
    def test_open_and_closed(self) -> None:
        table = [
            (None, "00:00", True),
            ("09:00-17:00", "08:59", False),
            ("09:00-17:00", "09:00", True),
            ("09:00-17:00", "17:00", False),
            ("22:00-06:00", "23:30", True),
            ("22:00-06:00", "05:59", True),
            ("22:00-06:00", "06:00", False),
            ("22:00-06:00, 12:00-13:00", "12:30", True),
        ]
        for text, clock, expected in table:
            self.assertEqual(expected, hours.is_open(text, at(clock)), f"{text} at {clock}")

    def test_nonsense_is_refused(self) -> None:
        for text in ("", "night", "24:00-01:00", "9:00-10:00", "01:00-01:00", "01:00-02:00,"):
            error = self.assertRaises(exception.BadHours, hours.parse, text)
            self.assertEqual("site.bad_hours", error.code)
