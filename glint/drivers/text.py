"""Foreign text made fit to be shown: no secret, no markup, no control character, not long."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, urlsplit

#: Characters of foreign text that a person is shown at most.
LIMIT = 300

MASK = "***"

_INVISIBLE = re.compile(r"<(script|style|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
# Fernet tokens and JSON web tokens, the two kinds that Keystone makes.
_TOKEN = re.compile(r"gAAAA[\w-]{16,}=*|eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*")


def mask(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any of ``secrets``, in whatever form a server would echo them."""
    for secret in secrets:
        for form in {
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            html.escape(secret),
            json.dumps(secret)[1:-1],
        }:
            if form:
                text = text.replace(form, MASK)
    return _TOKEN.sub(MASK, text)


def _plain(text: str) -> str:
    text = html.unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", text)))
    # What was escaped twice becomes markup only now.
    text = _TAG.sub(" ", text).replace("<", " ").replace(">", " ")
    text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    return " ".join(text.split())


def clean(text: str, secrets: Iterable[str] = (), limit: int = LIMIT) -> str:
    """One short line of plain text from whatever a site sent."""
    known = tuple(secrets)
    plain = mask(_plain(mask(text, known)), known)
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def host_of(url: str) -> str:
    """Scheme, host and port of ``url``: what may be shown of an address that a site gave."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return clean(f"{parts.scheme}://{parts.hostname or ''}{port}")
    except ValueError:
        return clean(url, limit=80)


def storable(value: str) -> str:
    """``value`` without what no database keeps: NUL and halves of surrogate pairs."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
