"""Requests that depend on what the client has seen: ETag, If-None-Match, If-Match."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import webob

from glint import exception
from glint.api import jsontext

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*(?:,|$)')
_GENERATION = re.compile(r"([0-9]{1,10})-[0-9a-f]{16}")

#: Of answers: says when it was made, not what it holds.
_NOT_CONTENT = "cursor"


def encode(body: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body as JSON, and its ETag without the quotes.

    The tag is weak: it stands for what the answer says. That of a thing that can be edited begins
    with its generation.
    """
    content = {name: value for name, value in body.items() if name != _NOT_CONTENT}
    raw = jsontext.encode(content)
    tag = hashlib.sha256(raw).hexdigest()[:16]
    if len(content) < len(body):
        rest = jsontext.encode({_NOT_CONTENT: body[_NOT_CONTENT]})
        raw = raw[:-1] + b"," + rest[1:]
    generation = _generation(body)
    return raw, tag if generation is None else f"{generation}-{tag}"


def _generation(body: Mapping[str, Any]) -> int | None:
    if len(body) != 1:
        return None
    (thing,) = body.values()
    found = thing.get("generation") if isinstance(thing, Mapping) else None
    return found if isinstance(found, int) else None


def is_known(request: webob.Request, tag: str) -> bool:
    """Whether the client has this already (If-None-Match)."""
    return request.method in ("GET", "HEAD") and tag in request.if_none_match


def is_conditional(request: webob.Request) -> bool:
    """Whether a change says by If-Match what it is based on."""
    return "If-Match" in request.headers


def generation(request: webob.Request, given: int | None) -> int | None:
    """The generation that a change is based on; None: any.

    :param given: the one in the body.
    :raises PreconditionFailed: If-Match holds no tag of a thing that can be edited.
    :raises Invalid: If-Match and the body disagree, or If-Match names several.
    """
    sent = request.headers.get("If-Match")
    if sent is None or sent.strip() == "*":
        return given
    tags = [_GENERATION.fullmatch(tag) for tag in _TAG.findall(sent)]
    named = {int(tag[1]) for tag in tags if tag is not None}
    if not named:
        raise exception.PreconditionFailed(
            "If-Match holds no ETag that Glint gave for this. Read it again and send that one."
        )
    if given is not None:
        named.add(given)
    if len(named) > 1:
        raise exception.Invalid(reason="If-Match and generation name more than one state")
    return named.pop()
