"""The core of the functional suite on PostgreSQL and RabbitMQ; see ``everywhere``."""

from __future__ import annotations

from tests.functional.combinations import POSTGRESQL, Kept
from tests.functional.everywhere import on

load_tests = on(POSTGRESQL, __name__)
tearDownModule = Kept.end
