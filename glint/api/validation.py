"""JSON schemas: checking, and telling what is wrong without telling what was sent.

A value that breaks a schema may be a password in the wrong place, so no message repeats values.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from glint import exception

Schema = Mapping[str, Any]

FORMATS = jsonschema.FormatChecker(formats=())

#: Unicode's categories of characters that no label needs and that can disturb whoever shows it.
_DISTURBING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@FORMATS.checks("label")
def is_label(value: object) -> bool:
    """Whether a string can stand in one line: no control characters, not blank."""
    if not isinstance(value, str):
        return True
    if any(c in _TURNING or unicodedata.category(c) in _DISTURBING for c in value):
        return False
    return bool(value.strip())


class Validator:
    """One compiled schema (draft 2020-12)."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._validator = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)

    def check(self, value: Any, where: str) -> None:
        """:param where: what ``value`` is called in the message.

        :raises Invalid: it breaks the schema; one error is told, the shallowest.
        """
        error = self.first_error(value)
        if error is not None:
            raise exception.Invalid(reason=f"{_place(where, error)} {_reason(error)}")

    def first_error(self, value: Any) -> ValidationError | None:
        errors = sorted(self._validator.iter_errors(value), key=lambda e: (len(e.path), e.message))
        return errors[0] if errors else None

    def complaint(self, value: Any) -> str | None:
        """What :meth:`check` would raise, as a sentence for a log."""
        error = self.first_error(value)
        return None if error is None else f"{_place('answer', error)} {_reason(error)}"


def _place(where: str, error: ValidationError) -> str:
    path = where
    for part in error.absolute_path:
        path += f"[{part}]" if isinstance(part, int) else f".{str(part)[:64]}"
    return path


def _names(names: Iterable[Any]) -> str:
    return ", ".join(sorted(str(name)[:64] for name in names))


def _unknown(error: Any) -> str:
    known = error.schema.get("properties", {})
    extra = [name for name in error.instance if name not in known]
    hint = f" (known: {_names(known)})" if known else ""
    return f"has unknown properties: {_names(extra[:5])}{hint}"


def _alternatives(error: Any) -> str:
    choices = error.validator_value
    if all(set(choice) == {"required"} for choice in choices):
        number = "exactly" if error.validator == "oneOf" else "at least"
        return f"needs {number} one of: {_names(n for c in choices for n in c['required'])}"
    return f"has none of the allowed forms{_hint(error)}"


def _not(error: Any) -> str:
    refused = error.validator_value
    if set(refused) == {"required"}:
        return f"cannot have all of these at once: {_names(refused['required'])}"
    return f"has a form that is not allowed{_hint(error)}"


def _hint(error: Any) -> str:
    description = error.schema.get("description") if isinstance(error.schema, dict) else None
    return f" ({description})" if description else ""


def _missing(error: Any) -> str:
    return f"needs: {_names(n for n in error.validator_value if n not in error.instance)}"


_REASONS = {
    "type": "must be of type {0}",
    "enum": "must be one of: {0}",
    "const": "must be {0}",
    "format": "must be a {0}",
    "pattern": "has not the right form{hint}",
    "minLength": "is too short: at least {0} characters",
    "maxLength": "is too long: at most {0} characters",
    "minimum": "is too small: at least {0}",
    "maximum": "is too large: at most {0}",
    "minItems": "has too few entries: at least {0}",
    "maxItems": "has too many entries: at most {0}",
    "minProperties": "names nothing to change",
    "maxProperties": "has too many properties: at most {0}",
    "uniqueItems": "has an entry twice",
}
_FORMATS = {"label": "line of text without control characters"}
_SPECIAL = {
    "additionalProperties": _unknown,
    "required": _missing,
    "oneOf": _alternatives,
    "anyOf": _alternatives,
    "not": _not,
}


def _reason(error: Any) -> str:
    keyword = str(error.validator)
    if keyword in _SPECIAL and not (
        keyword == "additionalProperties" and error.validator_value is not False
    ):
        return _SPECIAL[keyword](error)
    wanted = error.validator_value
    if keyword == "format":
        wanted = _FORMATS.get(wanted, wanted)
    elif isinstance(wanted, list):
        wanted = ", ".join("null" if w is None else str(w) for w in wanted)
    told = _REASONS.get(keyword, f"breaks the rule {keyword}{{hint}}")
    return told.format(wanted, hint=_hint(error))


class QueryValidator:
    """The query parameters of one route, compiled once.

    :ivar schemas: schema by name; its ``type`` says what the text is turned into. A parameter whose
        type is ``array`` may be given several times.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = schemas
        self._validators = {name: Validator(schema) for name, schema in schemas.items()}

    def check(self, given: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Parameters as sent, as values.

        :raises UnknownParameter: there is no such parameter.
        :raises Invalid: a repeated parameter, or a value that breaks its schema.
        """
        values: dict[str, Any] = {}
        for name, text in given:
            schema = self.schemas.get(name)
            if schema is None:
                known = _names(self.schemas) or "none"
                raise exception.UnknownParameter(name=name[:64], known=known)
            if schema.get("type") == "array":
                values.setdefault(name, []).append(_typed(text, schema["items"]))
            elif name in values:
                raise exception.Invalid(reason=f"query parameter {name} is given twice")
            else:
                values[name] = _typed(text, schema)
        for name, value in values.items():
            self._validators[name].check(value, f"query parameter {name}")
        return values


def _typed(text: str, schema: Schema) -> Any:
    if schema.get("type") == "integer" and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    if schema.get("type") == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text
