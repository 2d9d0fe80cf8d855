"""Answers as JSON. A page of the matrix has 100,000 values: what writes them counts."""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ImportError:  # there is none for every platform
    orjson = None  # type: ignore[assignment]


def encode(value: Any) -> bytes:
    """JSON in UTF-8."""
    if orjson is not None:
        try:
            return orjson.dumps(value)
        except TypeError:
            # What a site told may hold a number of more than 64 bits, or half of a character.
            pass
    return json.dumps(value).encode()
