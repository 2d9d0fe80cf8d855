"""What the last run of stestr came to: reasons of skips and failures, then one line of totals."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import subunit
import testtools

PASSED = {"success", "xfail"}
SKIPPED = {"skip"}


@dataclass
class Totals:
    """Names of tests by outcome; everything that is neither passed nor skipped has failed."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, test: Any) -> None:
        """Count one test as testtools describes it.

        A test that began and never ended (a dead worker) comes with the status `inprogress`, and
        counts as failed.
        """
        if test["status"] in PASSED:
            self.passed.append(test["id"])
        elif test["status"] in SKIPPED:
            reason = test["details"].get("reason")
            self.skipped[test["id"]] = reason.as_text().strip() if reason else "no reason given"
        elif test["status"] != "exists":
            self.failed.append(test["id"])


def read_stream(source: Any) -> Totals:
    """The totals of one subunit v2 byte stream."""
    totals = Totals()
    result = testtools.StreamToDict(totals.add)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(source).run(result)
    result.stopTestRun()
    return totals


def last_run() -> Totals:
    """The totals of the newest run in the stestr repository of the current folder.

    `stestr last` exits non-zero when that run had failures, so its exit code says nothing here.
    """
    process = subprocess.Popen(["stestr", "last", "--subunit"], stdout=subprocess.PIPE)
    with process:
        return read_stream(process.stdout)


def by_reason(skipped: dict[str, str]) -> Iterable[tuple[str, list[str]]]:
    """Skipped tests, gathered under their reasons."""
    reasons: dict[str, list[str]] = {}
    for name, reason in sorted(skipped.items()):
        reasons.setdefault(reason, []).append(name)
    return sorted(reasons.items())


def report(totals: Totals, lint_failures: int) -> int:
    """Print the account of a run, totals last; return the exit code."""
    for reason, names in by_reason(totals.skipped):
        print(f"skipped ({len(names)}): {reason}")
        for name in names:
            print(f"    {name}")
    for name in sorted(totals.failed):
        print(f"failed: {name}")
    if lint_failures:
        print(f"failed: {lint_failures} lint check(s), see above")
    failed = len(totals.failed) + lint_failures
    print(f"{len(totals.passed)} passed, {failed} failed, {len(totals.skipped)} skipped")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--last", action="store_true", help="count the newest run of stestr")
    what.add_argument("--none", action="store_true", help="stestr could not run anything")
    what.add_argument("--no-tests", action="store_true", help="no test was asked for, only lint")
    parser.add_argument("--lint-failures", type=int, default=0)
    args = parser.parse_args()
    if args.none:
        return report(Totals(failed=["stestr (no test was started)"]), args.lint_failures)
    if args.no_tests:
        return report(Totals(), args.lint_failures)
    totals = last_run()
    if not totals.passed and not totals.failed:
        totals.failed.append("stestr (no test ran)")
    return report(totals, args.lint_failures)


if __name__ == "__main__":
    sys.exit(main())
