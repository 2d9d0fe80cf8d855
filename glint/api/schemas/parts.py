"""What the schemas of several resources are made of."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

#: Largest number that every database keeps in an INTEGER.
INT_MAX = 2**31 - 1

ID: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "format": "label"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "format": "label"}
BOOL: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": INT_MAX}
GENERATION: Schema = {"type": "integer", "minimum": 1, "maximum": INT_MAX}

# Of answers.
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number", "minimum": 0}
BYTES: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$",
}
ANY_OBJECT: Schema = {"type": "object"}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    kind = schema["type"]
    changed: Schema = {**schema, "type": [kind, "null"]}
    if "enum" in schema:
        changed["enum"] = [*schema["enum"], None]
    return changed


def one_of(kind: Any) -> Schema:
    """The values of an enumeration."""
    return {"type": "string", "enum": [str(value) for value in kind]}


def array(items: Schema) -> Schema:
    """A list of any length."""
    return {"type": "array", "items": items}


def answer(**properties: Schema) -> Schema:
    """An object of an answer: all properties are there, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def body(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object that a client sends."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def change(**properties: Schema) -> Schema:
    """A PATCH: something must be named besides the generation that it is based on."""
    return {
        **body((), **properties, generation=GENERATION),
        "anyOf": [{"required": [name]} for name in properties],
    }


LINKS: Schema = array(answer(rel=TEXT, href=TEXT))


def page(name: str, item: Schema) -> Schema:
    """An answer with a list."""
    return {
        "type": "object",
        "properties": {name: array(item), "links": LINKS},
        "required": [name],
        "additionalProperties": False,
    }


#: Query parameters of every list; their bounds stand in the configuration.
PAGE: dict[str, Schema] = {"limit": {"type": "integer", "minimum": 1}, "marker": ID}
ALL_PROJECTS: dict[str, Schema] = {"all_projects": BOOL}
