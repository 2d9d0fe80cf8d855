"""The core of the functional suite on MariaDB and RabbitMQ; see ``everywhere``."""

from __future__ import annotations

from tests.functional.combinations import MARIADB, Kept
from tests.functional.everywhere import on

load_tests = on(MARIADB, __name__)
tearDownModule = Kept.end
