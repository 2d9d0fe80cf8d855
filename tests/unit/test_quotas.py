from __future__ import annotations

from collections.abc import Iterable
from unittest import mock

import fixtures
import testtools

from glint import exception, quotas
from glint.quotas import LocalLimits, UnifiedLimits


class TestCheck(testtools.TestCase):
    def test_numbers(self) -> None:
        limits = LocalLimits({"sites": 2})
        quotas.check(limits, "p", "sites", lambda: 1)
        error = self.assertRaises(
            exception.QuotaExceeded, quotas.check, limits, "p", "sites", lambda: 2
        )
        self.assertEqual((403, "quota.exceeded"), (error.status, error.code))
        self.assertIn("2 of 2 are used, and 1 more", str(error))
        self.assertEqual({"resource": "sites", "used": 2, "limit": 2, "asked": 1}, error.facts)

    def test_nothing_is_counted_where_nothing_is_limited(self) -> None:
        def count() -> int:
            raise AssertionError("counted")

        quotas.check(LocalLimits(), "p", "sites", count)
        self.assertTrue(LocalLimits().open)
        self.assertFalse(LocalLimits({"images": 0}).open)


class TestUnifiedLimits(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.asked: list[str] = []
        self.away = False
        self.now = 0.0
        self.useFixture(fixtures.MockPatch("time.monotonic", side_effect=lambda: self.now))
        self.limits = UnifiedLimits(lambda: self.fetch, LocalLimits({"images": 7, "sites": 8}))

    def fetch(self, project: str, resources: Iterable[str]) -> list[tuple[str, int]]:
        self.asked.append(project)
        if self.away:
            raise OSError("secret address")
        return [("images", len(self.asked))]

    def test_kept_for_a_while(self) -> None:
        for _ in range(3):
            self.assertEqual(1, self.limits.of("p")["images"])
        self.assertEqual(2, self.limits.of("q")["images"])
        self.now = quotas.KEEP + 1
        self.assertEqual(3, self.limits.of("p")["images"])
        self.assertEqual(["p", "q", "p"], self.asked)

    def test_keystone_away(self) -> None:
        self.away = True
        for _ in range(3):
            self.assertEqual(7, self.limits.of("p")["images"])
        self.assertEqual(["p"], self.asked)
        self.assertNotIn("secret", self.log.output)
        self.away, self.now = False, quotas.KEEP + 1
        self.assertEqual(2, self.limits.of("p")["images"])
        self.away, self.now = True, 2 * quotas.KEEP + 2
        self.assertEqual(2, self.limits.of("p")["images"])

    def test_connected_when_it_is_possible(self) -> None:
        connect = mock.Mock(side_effect=[OSError, self.fetch, AssertionError])
        limits = UnifiedLimits(connect, LocalLimits({"images": 7}))
        self.assertEqual(7, limits.of("p")["images"])
        self.now = quotas.KEEP + 1
        self.assertEqual(1, limits.of("p")["images"])
        self.now = 2 * quotas.KEEP + 2
        self.assertEqual(2, limits.of("p")["images"])
