"""The core of the functional suite on SQLite and ``fake://``; see ``everywhere``.

Only the way of the messages differs from the suite itself: what tries the engine alone is left out.
"""

from __future__ import annotations

from tests.functional import test_faults, test_kills
from tests.functional.combinations import FAKE, Kept
from tests.functional.everywhere import on

load_tests = on(FAKE, __name__, test_faults, test_kills)
tearDownModule = Kept.end
