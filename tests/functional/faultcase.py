"""The base of tests that break things between two clouds."""

from __future__ import annotations

from typing import Any

from glint.client import Resource
from tests.functional.base import MIB, WAIT, GlintTestCase, change
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.testcase import some_bytes

FILE = r"/v2/images/[^/]+/file$"
"""Targets of requests that carry an image's bytes."""
STREAM_CODES = ("transfer.stream_broken", "site.unreachable", "site.busy", "site.error")
"""How it may be called that a destination dies."""


class FaultCase(GlintTestCase):
    """Both Glances behind proxies, two columns and one image, not saved yet."""

    size = 8 * MIB

    def setUp(self) -> None:
        super().setUp()
        self.source: FaultProxy = self.proxied(self.alto)
        self.sink: FaultProxy = self.proxied(self.dair)
        self.home_column, self.column = self.two_columns()
        self.data = some_bytes(self.size, seed=7)
        self.image = self.registered(self.home_column, self.data, "tested")
        self.source.forget()
        self.sink.forget()

    def create(self) -> Resource:
        """Save without waiting."""
        return self.user.client.operations.create([change(self.image, self.column)])

    def slowly(self, rate: float = 2 * MIB) -> Resource:
        """Save with a slow way to DAIR; return when it is in the middle."""
        self.sink.throttle("PUT", FILE, rate=rate, leg="request")
        operation = self.create()
        self.sink.wait_until(lambda: self.sink.request_bytes("PUT", FILE) > self.size / 4)
        return operation

    def save(self) -> Resource:
        return self.user.save(change(self.image, self.column))

    def transfer(self) -> Resource:
        """The only transfer of the image."""
        (one,) = self.user.transfers(image_id=self.image["id"])
        return one

    def assert_copied(self, operation: Resource, timeout: float = WAIT) -> dict[str, Any]:
        """Check that it ends well, with one stamped image of the right bytes at DAIR."""
        self.assert_done(self.user.wait(operation, timeout))
        (copy,) = self.dair_images.records()
        self.assertEqual("tested", copy["name"])
        self.assert_same_bytes(self.data, copy)
        self.assert_stamped(copy, self.image)
        cell = self.user.cell(self.image, self.column)
        self.assertEqual(("active", copy["id"]), (cell["status"], cell["remote_id"]))
        self.assertEqual(None, cell["error_code"])
        return copy

    def assert_nothing_there(self, operation: Resource, *codes: str) -> Resource:
        """Check that it ends badly, for one of the reasons, with nothing at DAIR."""
        failure = self.assert_failed(self.user.wait(operation), *codes)
        self.assertEqual([], self.dair_images.records())
        cell = self.user.cell(self.image, self.column)
        self.assertEqual(("failed", failure["error_code"]), (cell["status"], cell["error_code"]))
        self.assertEqual(None, cell["remote_id"])
        events = list(self.user.client.events.list(image_id=self.image["id"]))
        self.assertIn(failure["error_code"], [one["error_code"] for one in events])
        return failure
