"""Quotas."""

from glint.api.schemas import parts
from glint.quotas import RESOURCES

_LIMIT: parts.Schema = {"type": "integer", "minimum": -1}

ONE = parts.answer(
    quotas=parts.answer(
        **{name: parts.answer(limit=_LIMIT, used=parts.BYTES) for name in RESOURCES}
    )
)
