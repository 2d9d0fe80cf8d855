"""What a user may name as the source of an image; where it leads is checked when it is read."""

from __future__ import annotations

import urllib.parse

from glint import exception

SCHEMES = ("https", "http")


def checked(url: str) -> str:
    """The URL as it is kept.

    :raises SourceUrlRefused: it has a form that Glint never reads.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise exception.SourceUrlRefused(reason="it is no URL") from error
    if parts.scheme.lower() not in SCHEMES:
        raise exception.SourceUrlRefused(reason=f"its scheme is not one of {', '.join(SCHEMES)}")
    if not host or not url.isascii() or any(c.isspace() or c == "\\" for c in url):
        raise exception.SourceUrlRefused(reason="it names no host, or has characters to be quoted")
    if "@" in parts.netloc:
        # It would be shown to everybody who sees the image, and logged on the way.
        raise exception.SourceUrlRefused(reason="it holds a user name or password")
    if parts.fragment:
        raise exception.SourceUrlRefused(reason="it has a fragment, which no server ever sees")
    return url
