"""The catalogue. What it tells of an image may come from a foreign cloud: text is not bounded."""

from glint.api.schemas import lists, parts
from glint.objects import IMAGE_ATTRIBUTES, RESERVED_PREFIXES, STAMP_PREFIX
from glint.states import ImageOrigin, ImageState

_PROPERTIES = {
    "type": "object",
    "maxProperties": 256,
    # Glint's stamp says what Glint made; the other names a site would take for its own.
    "propertyNames": {
        **parts.NAME,
        "not": {
            "anyOf": [
                {"pattern": f"^({'|'.join((STAMP_PREFIX, *RESERVED_PREFIXES))})"},
                {"enum": sorted(IMAGE_ATTRIBUTES)},
            ]
        },
        "description": "a custom property: no attribute of an image, no reserved prefix",
    },
    "additionalProperties": {"type": "string", "maxLength": 65535},
}
_TAGS = {"type": "array", "maxItems": 128, "uniqueItems": True, "items": parts.NAME}

IMAGE = parts.answer(
    id=parts.ID,
    name=parts.TEXT,
    project_id=parts.TEXT,
    user_id=parts.or_null(parts.TEXT),
    size=parts.or_null(parts.BYTES),
    os_hash_algo=parts.or_null(parts.TEXT),
    os_hash_value=parts.or_null(parts.TEXT),
    digests={"type": "object", "additionalProperties": parts.TEXT},
    disk_format=parts.TEXT,
    container_format=parts.TEXT,
    min_disk=parts.COUNT,
    min_ram=parts.COUNT,
    protected=parts.BOOL,
    os_hidden=parts.BOOL,
    properties={"type": "object", "additionalProperties": parts.TEXT},
    tags=parts.array(parts.TEXT),
    disk=parts.or_null(
        {
            **parts.answer(
                size=parts.BYTES,
                data=parts.BYTES,
                digests={"type": "object", "additionalProperties": parts.TEXT},
            ),
            "description": "what the file describes, where that is not the file itself",
        }
    ),
    repair={**parts.BOOL, "description": "make cells that drift true again without being asked"},
    state=parts.one_of(ImageState),
    origin=parts.one_of(ImageOrigin),
    source_url=parts.or_null(parts.TEXT),
    expected={"type": "object", "additionalProperties": parts.TEXT},
    generation=parts.GENERATION,
    created_at=parts.TIME,
    updated_at=parts.TIME,
)

_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_EXPECTED = {
    "type": "object",
    "properties": {
        name: {"type": "string", "pattern": f"^[0-9a-fA-F]{{{length}}}$"}
        for name, length in _LENGTHS.items()
    },
    "additionalProperties": False,
    "description": "hash algorithm and digest in hex",
}
_FORMAT = {"type": "string", "pattern": r"^[a-z0-9_-]{1,32}$"}

#: From a site; or of bytes that are uploaded later, or read from a URL.
CREATE = {
    **parts.body(
        (),
        credential_id=parts.ID,
        remote_id=parts.NAME,
        name=parts.NAME,
        disk_format=_FORMAT,
        container_format=_FORMAT,
        source_url={"type": "string", "minLength": 1, "maxLength": 2048, "format": "label"},
        size={"type": "integer", "minimum": 1, "maximum": 2**53},
        expected=_EXPECTED,
        properties=_PROPERTIES,
        tags=_TAGS,
        min_disk=parts.COUNT,
        min_ram=parts.COUNT,
    ),
    "oneOf": [
        {
            "required": ["credential_id", "remote_id"],
            "properties": {"credential_id": True, "remote_id": True},
            "additionalProperties": False,
        },
        {
            "required": ["name", "disk_format"],
            "not": {"anyOf": [{"required": ["credential_id"]}, {"required": ["remote_id"]}]},
        },
    ],
    "description": "either credential_id and remote_id, or name, disk_format and more",
}
UPDATE = parts.change(
    name=parts.NAME,
    properties=_PROPERTIES,
    tags=_TAGS,
    min_disk=parts.COUNT,
    min_ram=parts.COUNT,
    repair=parts.BOOL,
)
ONE = parts.answer(image=IMAGE)
#: ``NAME`` or ``NAME=VALUE`` of a custom property.
PROPERTY = lists.Filter(lists.Kind.TEXT, operators=("eq", "neq"))
LISTING = lists.listing(
    "images",
    IMAGE,
    filters=("id", "name", "project_id", "user_id", "size", "os_hash_algo", "os_hash_value",
             "disk_format", "container_format", "min_disk", "min_ram", "protected", "os_hidden",
             "repair", "created_at", "updated_at"),
    sort=("id", "name", "size", "disk_format", "created_at", "updated_at"),
    search=("name",),
    more={"property": PROPERTY},
)  # fmt: skip
UPLOAD_QUERY = {"credential_id": parts.ID}
UPLOADED = parts.answer(image=IMAGE, operation_id=parts.or_null(parts.ID))
