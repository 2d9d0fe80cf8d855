"""What a Glance tells about itself and about the limits of a project: nothing here is certain.

Older releases know less, and an operator may forbid any of it; what is not told is left out.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from glint.drivers.glance.errors import Refused
from glint.drivers.glance.records import remote_image
from glint.drivers.glance.session import ImageClient
from glint.drivers.text import clean
from glint.objects import Quota

LOG = logging.getLogger(__name__)

MIB = 1024 * 1024

#: Names of a list that are kept, and characters of each.
_MOST = 64

_BIGGEST = 2**43  # MiB: all that fits into 63 bits of bytes


def hash_algorithm(client: ImageClient) -> dict[str, Any]:
    """The algorithm of the newest active image that is visible: a setting of the whole site."""
    query = {"limit": "1", "status": "active", "sort_key": "created_at", "sort_dir": "desc"}
    _, body = client.http.get(f"/v2/images?{urlencode(query)}")
    for record in body["images"][:1]:
        try:
            algorithm = remote_image(record).os_hash_algo
        except ValueError:
            algorithm = None
        if algorithm:
            return {"hash_algo": algorithm}
    return {}


def import_methods(client: ImageClient) -> dict[str, Any]:
    """How the site can fetch images by itself."""
    body = _ask(client, "/v2/info/import")
    try:
        return {"import_methods": _names(body["import-methods"]["value"])}
    except (LookupError, TypeError) as exc:
        LOG.debug("The site tells no import methods: %r", exc)
        return {}


def quota(client: ImageClient) -> dict[str, Quota]:
    """The limits of the project, where the site has such (Keystone's unified limits).

    Sizes are told in whole MiB, of what is used and of a new image alike rounded down; so one more
    image may be up to a MiB larger than the difference (Glance: ``quota/keystone.py``).
    """
    body = _ask(client, "/v2/info/usage")
    told = body.get("usage") if isinstance(body, Mapping) else None
    found: dict[str, Quota] = {}
    for name, ours, unit in (
        ("image_size_total", "bytes", MIB),
        ("image_stage_total", "staging_bytes", MIB),
        ("image_count_total", "images", 1),
    ):
        entry = told.get(name) if isinstance(told, Mapping) else None
        numbers = _numbers(entry)
        if numbers is None:
            continue
        used, limit = numbers
        if limit < 0:
            found[ours] = Quota(used * unit, None, None)
        else:
            free = (limit - used) * unit + unit - 1 if limit >= used else 0
            found[ours] = Quota(used * unit, limit * unit, free)
    return found


def _numbers(entry: Any) -> tuple[int, int] | None:
    """What is used, and the limit."""
    if not isinstance(entry, Mapping):
        return None
    used, limit = entry.get("usage"), entry.get("limit")
    if type(used) is not int or type(limit) is not int:  # nor bool, which is an int
        return None
    return (max(0, used), limit) if max(used, limit) <= _BIGGEST else None


def formats(client: ImageClient) -> dict[str, Any]:
    """The formats that the site takes: the choices of its schema."""
    body = _ask(client, "/v2/schemas/image")
    found = {}
    for ours, name in (("disk_formats", "disk_format"), ("container_formats", "container_format")):
        try:
            choices = _names(body["properties"][name]["enum"])
        except (LookupError, TypeError) as exc:
            LOG.debug("The site tells no %s: %r", ours, exc)
            continue
        if choices:
            found[ours] = choices
    return found


def grants(client: ImageClient) -> dict[str, Any]:
    """All of it, as JSON."""
    return {
        "quota": {name: dataclasses.asdict(entry) for name, entry in quota(client).items()},
        **formats(client),
        **import_methods(client),
    }


def _names(values: Any) -> list[str]:
    if not isinstance(values, list):
        raise TypeError("not a list")
    return [clean(value, limit=_MOST) for value in values if isinstance(value, str)][:_MOST]


def _ask(client: ImageClient, path: str) -> Any:
    """The answer; {} where the site has nothing there for us.

    :raises Refused: the site is in trouble, or refuses the credential as such.
    """
    try:
        _, body = client.http.get(path)
    except Refused as exc:
        status = exc.response.status_code
        if status >= 500 or status in (401, 408, 429):
            raise
        LOG.debug("The site does not tell %s: HTTP %s", path, status)
        return {}
    return body
