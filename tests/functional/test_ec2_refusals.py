"""What EC2 does not take: a reason on the cell, and nothing left there."""

from __future__ import annotations

import json

from glint.client import Resource
from tests.functional.base import MIB, change
from tests.functional.ec2case import EC2Case
from tests.minicloud.testcase import some_bytes

START = r"/snapshots$"
"""Target of the request that begins a snapshot."""


class RefusalsTest(EC2Case):
    def setUp(self) -> None:
        super().setUp()
        self.home = self.user.home(self.alto)
        self.column = self.ec2_column(self.ireland)
        self.user.scan(self.column)

    def failed(self, image: Resource, code: str) -> str:
        """Save and fail; returns the detail of the reason."""
        one = self.assert_failed(self.user.save(change(image, self.column)), code)
        self.assertEqual(code, self.user.cell(image, self.column)["error_code"])
        self.assertEqual(([], []), (self.ireland.images(), self.ireland.snapshots()))
        return str(one["error_detail"])

    def test_what_ec2_says_before_a_byte_moves(self) -> None:
        image = self.registered(self.home, some_bytes(MIB), "unwelcome")
        for status, kind, message, code, reason in (
            (403, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2",
             "site.credentials_rejected", "the clocks of"),
            (402, "ServiceQuotaExceededException", "You have 100000 snapshots",
             "site.quota_exceeded", "100000 snapshots"),
            (403, "AccessDeniedException", "not authorized to perform ebs:StartSnapshot",
             "site.forbidden", "ebs:StartSnapshot"),
        ):  # fmt: skip
            headers = {"x-amzn-errortype": kind, "Content-Type": "application/json"}
            body = json.dumps({"message": message}).encode()
            self.ireland.proxy.clear()
            self.ireland.proxy.answer("POST", START, status, body=body, headers=headers, times=None)
            self.assertIn(reason, self.failed(image, code))
            self.user.save(change(image, self.column, False))
