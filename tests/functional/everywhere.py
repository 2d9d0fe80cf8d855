"""The core of the functional suite once more, on other databases and with other messages.

What tells nothing new on another database (a site's own limits, formats, certificates) runs on
SQLite only, and of long tests about one thing the most telling ones are chosen.
``OS_TEST_COMBINATIONS=all`` runs every test of these modules on every combination.
"""

from __future__ import annotations

import os
import unittest
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from tests.functional import (
    test_bad_input,
    test_bad_requests,
    test_copy,
    test_dry_run,
    test_faults,
    test_imports,
    test_kills,
    test_removal,
    test_walls,
)
from tests.functional.base import ClassGlintTestCase, GlintTestCase
from tests.functional.combinations import Combination

ALL = os.environ.get("OS_TEST_COMBINATIONS") == "all"

#: Modules, and of those of which not all is run, what is: classes, or single tests.
CORE: Mapping[ModuleType, frozenset[str] | None] = {
    test_bad_input: frozenset({"SiteInputTest", "CredentialInputTest"}),
    test_bad_requests: None,
    test_walls: None,
    test_copy: frozenset({"CopyTest", "HomeCredentialTest"}),
    test_removal: None,
    test_dry_run: frozenset({"DryRunTest.test_each_kind"}),
    test_imports: frozenset({"ImportTest.test_no_byte_passes_through_glint"}),
    test_faults: frozenset(
        {
            "SourceTest.test_corrupted_bytes",
            "SourceTest.test_breaks_once_and_is_read_on",
            "DestinationTest.test_dies_once_at_half",
            "DestinationTest.test_the_answer_to_the_creation_is_lost",
            "DestinationTest.test_the_user_is_gone_there",
            "DestinationTest.test_a_failed_wish_can_be_saved_again",
            "DestinationTest.test_a_dying_site_harms_only_its_own_cell",
        }
    ),
    test_kills: frozenset(
        {
            "KilledConductorTest.test_kill_9_in_mid_copy",
            "KilledConductorTest.test_kill_9_after_the_last_byte",
            "KilledConductorTest.test_told_to_stop_in_mid_copy",
        }
    ),
}

LoadTests = Callable[[unittest.TestLoader, unittest.TestSuite, str | None], unittest.TestSuite]


def on(combination: Combination, module: str, *without: ModuleType) -> LoadTests:
    """A ``load_tests`` that runs the core of the suite on a combination.

    :param module: name of the module that gets the tests
    :param without: modules whose tests are left out, unless all are asked for
    """

    def load_tests(
        loader: unittest.TestLoader, _tests: unittest.TestSuite, _pattern: str | None
    ) -> unittest.TestSuite:
        suite = unittest.TestSuite()
        for source, chosen in CORE.items():
            if source in without and not ALL:
                continue
            for case in _cases(source):
                again = _on(case, combination, module)
                names = [n for n in loader.getTestCaseNames(again) if _runs(case, n, chosen)]
                suite.addTests(again(name) for name in names)
        return suite

    return load_tests


def _cases(source: ModuleType) -> list[type[Any]]:
    """The classes that a module defines itself, in its order."""
    return [
        one
        for one in vars(source).values()
        if isinstance(one, type)
        and issubclass(one, GlintTestCase | ClassGlintTestCase)
        and one.__module__ == source.__name__
    ]


def _on(case: type[Any], combination: Combination, module: str) -> type[Any]:
    return type(case.__name__, (case,), {"combination": combination, "__module__": module})


def _runs(case: type[Any], name: str, chosen: frozenset[str] | None) -> bool:
    if ALL or chosen is None:
        return True
    return case.__name__ in chosen or f"{case.__name__}.{name}" in chosen


def _known(source: ModuleType) -> set[str]:
    """What may be chosen of a module."""
    cases = _cases(source)
    loader = unittest.TestLoader()
    single = {f"{c.__name__}.{n}" for c in cases for n in loader.getTestCaseNames(c)}
    return single | {c.__name__ for c in cases}


for _source, _chosen in CORE.items():
    if _chosen is not None and not _chosen <= _known(_source):
        raise LookupError(f"no such tests: {sorted(_chosen - _known(_source))}")
