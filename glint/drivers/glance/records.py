"""Glance's image records: how Glint reads one, and which of its parts belong to one cloud only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from glint.drivers.text import storable
from glint.objects import IMAGE_ATTRIBUTES, RESERVED_PREFIXES, STAMP_PREFIX, RemoteImage

# Properties that point into the key store of the cloud that they come from.
_KEY_STORE = re.compile(r"img_signature|cinder_encryption_key_")

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}$(?!\n)")
_ALGORITHM = re.compile(r"[0-9a-z_]{1,32}$(?!\n)")
_DIGEST = re.compile(r"[0-9a-fA-F]{8,256}$(?!\n)")

_BIGGEST = 2**63 - 1


def is_id(value: object) -> bool:
    """Whether ``value`` can be an image's id: it becomes part of addresses."""
    return isinstance(value, str) and _ID.match(value) is not None


def is_custom(name: str) -> bool:
    """Whether a property of this name is the user's, not Glance's own."""
    return bool(name) and name not in IMAGE_ATTRIBUTES and not name.startswith(RESERVED_PREFIXES)


def is_carried(name: str) -> bool:
    """Whether a copy should have the property: it is the user's, and no stamp of Glint."""
    return is_custom(name) and not name.startswith(STAMP_PREFIX)


def bound_to_cloud(name: str) -> str | None:
    """Why a property means nothing in another cloud; None where it does."""
    if _KEY_STORE.match(name):
        return "it names a key or certificate that lives in the key store of one cloud only"
    return None


def remote_image(record: Any) -> RemoteImage:
    """What a site's record says.

    Odd values are read as unknown; only what makes the record useless is an error.

    :raises ValueError: it is no record of an image; the text says why.
    """
    if not isinstance(record, Mapping):
        raise ValueError("it is not an object")
    if not is_id(record.get("id")):
        raise ValueError("it has no proper id")
    if not isinstance(record.get("status"), str):
        raise ValueError("it has no status")
    algorithm, digest = _hash(record)
    return RemoteImage(
        id=record["id"],
        name=_text(record.get("name")),
        status=_text(record["status"], 64),
        size=_number(record.get("size")),
        os_hash_algo=algorithm,
        os_hash_value=digest,
        disk_format=_text(record.get("disk_format"), 64),
        container_format=_text(record.get("container_format"), 64),
        min_disk=_number(record.get("min_disk")) or 0,
        min_ram=_number(record.get("min_ram")) or 0,
        visibility=_text(record.get("visibility"), 64),
        protected=record.get("protected") is True,
        os_hidden=record.get("os_hidden") is True,
        owner=_text(record.get("owner")) or None,
        properties=_properties(record),
        tags=_tags(record.get("tags")),
    )


def _text(value: object, limit: int = 255) -> str:
    return storable(value)[:limit] if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _BIGGEST else None


def _hash(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    algorithm, digest = record.get("os_hash_algo"), record.get("os_hash_value")
    if not (isinstance(algorithm, str) and isinstance(digest, str)):
        return None, None
    if not (_ALGORITHM.match(algorithm) and _DIGEST.match(digest)):
        return None, None
    return algorithm, digest.lower()


def _properties(record: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in record.items():
        if not isinstance(name, str) or not is_custom(name):
            continue
        if isinstance(value, str):
            found[storable(name)] = storable(value)
        elif isinstance(value, (bool, int, float)):
            found[storable(name)] = str(value)
    return found


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(sorted({storable(tag) for tag in value if isinstance(tag, str)}))
