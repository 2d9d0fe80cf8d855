"""How properties are tried: the same examples in every run, and no time limit on a busy machine."""

from __future__ import annotations

import hypothesis

short = hypothesis.settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[*hypothesis.HealthCheck],
)
