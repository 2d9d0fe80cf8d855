"""The part of an answer that is held against its schema in production.

All of a large page would take longer to check than to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from glint.api.validation import Schema

#: Entries of each list, and of each mapping whose keys are ids, that are checked.
SAMPLE = 3


def sample(value: Any, schema: Schema) -> Any:
    """An answer with the first entries of whatever it has many of."""
    if isinstance(value, Mapping):
        return _of_mapping(value, schema)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [sample(entry, items) for entry in value[:SAMPLE]]
    return value


def _of_mapping(value: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    named = schema.get("properties", {})
    others = schema.get("additionalProperties")
    if named or not isinstance(others, Mapping):
        return {key: sample(entry, named.get(key, {})) for key, entry in value.items()}
    return {key: sample(entry, others) for key, entry in islice(value.items(), SAMPLE)}
