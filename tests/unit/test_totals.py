"""The account at the end of tools/test counts what happened."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import pathlib
import sys
from types import ModuleType

import subunit
import testtools

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load_totals() -> ModuleType:
    """tools/totals.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("glint_totals", ROOT / "tools/totals.py")
    if spec is None or spec.loader is None:
        raise ImportError("tools/totals.py")
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up while it is being made.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


totals = load_totals()


def stream(*events: tuple[str, str | None]) -> io.BytesIO:
    """A subunit stream of (test, status); None leaves a test unfinished."""
    buffer = io.BytesIO()
    writer = subunit.StreamResultToBytes(buffer)
    for name, status in events:
        writer.status(test_id=name, test_status="inprogress")
        if status == "skip":
            writer.status(
                test_id=name,
                file_name="reason",
                file_bytes=b"no database",
                mime_type="text/plain;charset=utf8",
            )
        if status is not None:
            writer.status(test_id=name, test_status=status)
    buffer.seek(0)
    return buffer


class TotalsTest(testtools.TestCase):
    """From a stream of results to the last line."""

    def account(self, *events: tuple[str, str | None], lint_failures: int = 0) -> tuple[int, str]:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = totals.report(totals.read_stream(stream(*events)), lint_failures)
        return code, output.getvalue()

    def test_all_passed(self) -> None:
        code, output = self.account(("a", "success"), ("b", "xfail"))
        self.assertEqual((0, "2 passed, 0 failed, 0 skipped\n"), (code, output))

    def test_a_failure_is_named(self) -> None:
        code, output = self.account(("a", "success"), ("b", "fail"), ("c", "uxsuccess"))
        self.assertEqual(1, code)
        self.assertIn("failed: b\n", output)
        self.assertTrue(output.endswith("1 passed, 2 failed, 0 skipped\n"), output)

    def test_a_test_that_never_ended_has_failed(self) -> None:
        code, output = self.account(("a", "success"), ("b", None))
        self.assertEqual(1, code)
        self.assertTrue(output.endswith("1 passed, 1 failed, 0 skipped\n"), output)

    def test_a_skip_is_seen_with_its_reason(self) -> None:
        code, output = self.account(("a", "success"), ("b", "skip"))
        self.assertEqual(0, code)
        self.assertIn("skipped (1): no database\n    b\n", output)
        self.assertTrue(output.endswith("1 passed, 0 failed, 1 skipped\n"), output)

    def test_lint_counts(self) -> None:
        code, output = self.account(("a", "success"), lint_failures=2)
        self.assertEqual(1, code)
        self.assertTrue(output.endswith("1 passed, 2 failed, 0 skipped\n"), output)
