"""The file of ``openstack glint save``: wishes for many cells, by name or id.

The page ``doc/source/user/cli.rst`` has the format with examples.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from osc_lib import exceptions

from glint.client import Resource
from glint.osc.find import Finder
from glint.osc.text import safe

MAX_FILE = 1 << 20
ALL = "all"

_REF = {"type": "string", "minLength": 1, "maxLength": 512}
_REFS = {"anyOf": [_REF, {"type": "array", "minItems": 1, "maxItems": 1000, "items": _REF}]}
_SWITCH = {"type": "boolean"}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "What 'openstack glint save' reads",
    "type": "object",
    "properties": {
        "changes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {
                "type": "object",
                "properties": {
                    "image": _REFS,
                    "to": _REFS,
                    "from": _REFS,
                    "allow_foreign": _SWITCH,
                    "allow_last_copy": _SWITCH,
                },
                "required": ["image"],
                "anyOf": [{"required": ["to"]}, {"required": ["from"]}],
                "additionalProperties": False,
            },
        }
    },
    "required": ["changes"],
    "additionalProperties": False,
}


def read(path: str) -> list[dict[str, Any]]:
    """The entries of a file, checked.

    :param path: - is standard input.
    :raises CommandError: it cannot be read, or is not of the format; the text says where.
    """
    import jsonschema

    try:
        content = yaml.safe_load(_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as e:
        mark = getattr(e, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise exceptions.CommandError(f"{safe(path)} is neither YAML nor JSON{where}.") from e
    error = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(SCHEMA).iter_errors(content)
    )
    if error is not None:
        place = error.json_path.removeprefix("$").lstrip(".") or "the file"
        raise exceptions.CommandError(
            f"{safe(path)}: {safe(place)}: {safe(error.message)[:300]}. The format is in 'openstack"
            " help glint save'."
        )
    return list(content["changes"])


def _text(path: str) -> str:
    try:
        if path == "-":
            text = sys.stdin.read(MAX_FILE + 1)
        else:
            with pathlib.Path(path).open("rb") as file:
                text = file.read(MAX_FILE + 1).decode()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not text in UTF-8"
        raise exceptions.CommandError(f"{safe(path)} cannot be read: {reason}") from e
    if len(text) > MAX_FILE:
        raise exceptions.CommandError(f"{safe(path)} is larger than {MAX_FILE} bytes")
    return text


def resolve(
    entries: list[dict[str, Any]], finder: Finder, everywhere: Callable[[], list[Resource]]
) -> list[dict[str, Any]]:
    """One change for each cell that the entries name.

    :param everywhere: the columns that ``to: all`` means.
    :raises CommandError: a name means nothing or several things, or a cell is wished both ways.
    """
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        for image in [finder.image(ref) for ref in _list(entry["image"])]:
            for key, wanted in (("to", True), ("from", False)):
                for column in _columns(entry.get(key), finder, everywhere):
                    change = _change(entry, image, column, wanted)
                    known = changes.setdefault((image["id"], column["id"]), change)
                    if known["wanted"] != wanted:
                        raise exceptions.CommandError(
                            f"{safe(finder.cell(change))} is wished both to and from."
                        )
    return list(changes.values())


def _columns(refs: Any, finder: Finder, everywhere: Callable[[], list[Resource]]) -> list[Resource]:
    if refs == ALL:
        return everywhere()
    return [finder.credential(ref) for ref in _list(refs)]


def _list(refs: Any) -> list[str]:
    if refs is None:
        return []
    return [refs] if isinstance(refs, str) else list(refs)


def _change(
    entry: dict[str, Any], image: Resource, column: Resource, wanted: bool
) -> dict[str, Any]:
    change = {"image_id": image["id"], "credential_id": column["id"], "wanted": wanted}
    switches = {} if wanted else {k: v for k, v in entry.items() if k.startswith("allow_")}
    return {**change, **switches}
