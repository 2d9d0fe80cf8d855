"""Errors: every answer from 400 on."""

from glint.api.schemas import parts

ERROR: parts.Schema = {
    **parts.body(
        ("status", "title", "detail", "code", "request_id"),
        status={"type": "integer", "minimum": 400, "maximum": 599},
        title=parts.TEXT,
        detail=parts.TEXT,
        code={"type": "string", "pattern": r"^[a-z_0-9]+(\.[a-z_0-9]+)+$"},
        request_id=parts.or_null(parts.TEXT),
        fresh=parts.ANY_OBJECT,
        min_version=parts.TEXT,
        max_version=parts.TEXT,
    ),
}
ERRORS = parts.answer(errors={**parts.array(ERROR), "minItems": 1, "maxItems": 1})
