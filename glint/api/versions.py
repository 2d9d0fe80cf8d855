"""Microversions. One entry per version, newest last, each with what a client sees change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import microversion_parse

from glint import exception

SERVICE_TYPE = "image-distribution"
HEADER = "OpenStack-API-Version"

#: What each version brought; the documentation shows it.
HISTORY: Mapping[str, str] = {
    "1.0": "The first version: site types, sites, credentials with their inventory, images and"
    " their files, the matrix, operations, deployments, transfers, events, and the API itself as"
    " an OpenAPI document.",
}
VERSIONS = list(HISTORY)

MINIMUM, MAXIMUM = VERSIONS[0], VERSIONS[-1]


def negotiate(headers: Mapping[str, Any]) -> str:
    """The version that a request asks for, the minimum one where it asks for none.

    :raises NotAcceptableVersion: it is not served, or no version at all.
    """
    asked = microversion_parse.get_version(dict(headers), SERVICE_TYPE)
    if asked is None:
        return MINIMUM
    if asked == "latest":
        return MAXIMUM
    if asked not in VERSIONS:
        raise exception.NotAcceptableVersion(version=asked[:32], minimum=MINIMUM, maximum=MAXIMUM)
    return asked


def document(base: str) -> dict[str, Any]:
    """The entry of version 1 in version documents.

    :param base: the API's address without ``/v1``.
    """
    return {
        "id": "v1.0",
        "status": "CURRENT",
        "min_version": MINIMUM,
        "version": MAXIMUM,
        "links": [{"rel": "self", "href": f"{base}/v1"}],
    }
