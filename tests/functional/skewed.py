"""``glint-conductor`` on a host whose clock is wrong.

``python -m tests.functional.skewed SECONDS``; the rest of the command line is the conductor's own.
"""

from __future__ import annotations

import datetime
import sys
import time

from glint.cmd import conductor
from glint.db import models

_time, _utcnow = time.time, models.utcnow


def main() -> None:
    """Set the clock of this process wrong, then be a conductor."""
    ahead = float(sys.argv.pop(1))

    def wrong_time() -> float:
        return _time() + ahead

    def wrong_utcnow() -> datetime.datetime:
        return _utcnow() + datetime.timedelta(seconds=ahead)

    time.time, models.utcnow = wrong_time, wrong_utcnow
    conductor.main()


if __name__ == "__main__":
    main()
