"""The short form of fuzzing; ``tox -e fuzz`` is the long one."""

from __future__ import annotations

import os
import sys

from tests.fuzz.bed import FuzzCase

REQUESTS = int(os.environ.get("OS_TEST_FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("OS_TEST_FUZZ_SEED", "1"))
SECONDS = float(os.environ.get("OS_TEST_FUZZ_SECONDS", "60"))


class FuzzTest(FuzzCase):
    def test_raw_requests(self) -> None:
        account = self.raw(REQUESTS, SEED, SECONDS)
        sys.stdout.write(account.text() + "\n")
        self.assert_clean(account)
        self.assertGreater(len([s for s in account.statuses if s]), 2, account.text())

    def test_requests_from_the_document(self) -> None:
        account = self.schema_based(max(2, REQUESTS // 2000), SEED)
        sys.stdout.write(account.text() + "\n")
        self.assert_clean(account)
        self.assertGreater(account.requests, 50)
