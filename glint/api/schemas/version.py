"""Version documents."""

from glint.api.schemas import parts

_VERSION = parts.answer(
    id=parts.TEXT,
    status=parts.TEXT,
    min_version=parts.TEXT,
    version=parts.TEXT,
    links=parts.LINKS,
)

VERSIONS = parts.answer(versions=parts.array(_VERSION))
VERSION = parts.answer(version=_VERSION)

_OBJECTS = parts.array(parts.ANY_OBJECT)
OPENAPI = parts.answer(
    openapi={"const": "3.1.0"},
    info=parts.ANY_OBJECT,
    servers=_OBJECTS,
    security=_OBJECTS,
    tags=_OBJECTS,
    paths=parts.ANY_OBJECT,
    components=parts.ANY_OBJECT,
)
