"""The body of a request: one JSON object, read strictly.

What it refuses would otherwise fail later and worse: NUL and lone surrogates in the database, NaN
and huge numbers in whoever reads them back, endless nesting in the interpreter's stack.
"""

from __future__ import annotations

import email.message
import json
from typing import Any, NoReturn

import webob

from glint import exception

CONTENT_TYPE = "application/json"

#: Levels of arrays and objects; Glint's own deepest body has four.
MAX_DEPTH = 16


def has_body(request: webob.Request) -> bool:
    """Whether the client sends one, by its length or in chunks."""
    return bool(request.is_body_readable) and request.content_length != 0


def read(request: webob.Request, limit: int) -> Any:
    """The decoded body.

    :param limit: bytes.
    :raises WrongContentType: it is not JSON.
    :raises BodyTooLarge: it is longer than ``limit``; no more than that is read.
    :raises MalformedBody: it is no (strict) JSON.
    """
    sent = request.headers.get("Content-Type", "")
    kind = email.message.Message()
    kind["Content-Type"] = sent
    if request.content_type != CONTENT_TYPE or kind.get_content_charset("utf-8") != "utf-8":
        raise exception.WrongContentType(content_type=sent[:128])
    if (request.content_length or 0) > limit:
        raise exception.BodyTooLarge(limit=limit)
    try:
        raw = request.body_file.read(limit + 1)
    except OSError as error:
        raise exception.MalformedBody(reason="it ended early") from error
    if len(raw) > limit:
        raise exception.BodyTooLarge(limit=limit)
    return parse(raw)


def parse(raw: bytes) -> Any:
    """:raises MalformedBody: see the module."""
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_object
        )
        _check(value, MAX_DEPTH)
    except UnicodeDecodeError:
        _refuse("it is not UTF-8")
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse("it is nested too deeply")
    except ValueError as error:
        # Of the interpreter: an integer with thousands of digits.
        raise exception.MalformedBody(reason="it holds a number that is too long") from error
    return value


def _refuse(reason: str) -> NoReturn:
    raise exception.MalformedBody(reason=reason) from None


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        _refuse("an object names one property twice")
    return value


def _check(value: Any, depth: int) -> None:
    if isinstance(value, list | dict) and depth < 1:
        _refuse("it is nested too deeply")
    if isinstance(value, str):
        if "\0" in value:
            _refuse("a string holds NUL")
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            _refuse("a string holds half of a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth - 1)
