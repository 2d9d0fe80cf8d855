"""Answers as JSON. A page of the matrix has 100,000 values: what writes them counts."""

from __future__ import annotations

import contextlib
import importlib
import json
from typing import Any


def _fast() -> Any:
    """orjson, where the operator installed it: there is none for every platform."""
    with contextlib.suppress(ImportError):
        return importlib.import_module("orjson")
    return None


_ORJSON = _fast()


def encode(value: Any) -> bytes:
    """JSON in UTF-8."""
    if _ORJSON is not None:
        # What a site told may hold a number of more than 64 bits, or half of a character.
        with contextlib.suppress(TypeError):
            return bytes(_ORJSON.dumps(value))
    return json.dumps(value).encode()
