"""Conductors, for those who run them."""

from glint.api.schemas import parts

CONDUCTOR = parts.answer(
    id=parts.TEXT,
    host=parts.TEXT,
    alive={**parts.BOOL, "description": "it gave a sign within the last minute"},
    running={**parts.COUNT, "description": "transfers that it carries out"},
    started_at=parts.TIME,
    beat_at=parts.TIME,
)
LIST = parts.page("conductors", CONDUCTOR)
