"""``python -m tests.fuzz``: the long form, against a service with two clouds behind it."""

from __future__ import annotations

import argparse
import os
import sys
import unittest


def main() -> int:
    """Run it; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=7200, help="no request begins later")
    given = parser.parse_args()
    os.environ["OS_TEST_FUZZ_REQUESTS"] = str(given.requests)
    os.environ["OS_TEST_FUZZ_SEED"] = str(given.seed)
    os.environ["OS_TEST_FUZZ_SECONDS"] = str(given.seconds)
    suite = unittest.defaultTestLoader.loadTestsFromName("tests.functional.test_fuzz")
    return 0 if unittest.TextTestRunner(stream=sys.stderr).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
