"""Pages of the documentation that are made of the code: routes, errors, personas, versions.

``python -m tools.apidocs FOLDER`` writes them, and the OpenAPI document; the build of the
documentation does the same by itself.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import pkgutil
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import glint
from glint import policies
from glint.api import openapi, v1, versions
from glint.context import RequestContext
from glint.exception import catalogue

#: Roles that a token of each persona bears; Keystone lets the later ones imply the earlier.
PERSONAS: Mapping[str, Sequence[str]] = {
    "service": ("service",),
    "reader": ("reader",),
    "member": ("member", "reader"),
    "manager": ("manager", "member", "reader"),
    "admin": ("admin", "manager", "member", "reader"),
}
#: Parts whose errors nobody meets through the API.
_NOT_MET = ("glint.osc", "glint.client", "glint.cmd", "glint.wsgi", "glint.db")


def document() -> dict[str, Any]:
    """The OpenAPI document of the code as it is."""
    services: Any = None
    return openapi.make(v1.tree(services), policies.list_rules(), "https://glint.example.org")


def write(folder: pathlib.Path) -> None:
    """All pages, and ``openapi.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = document()
    pages = {
        "openapi.json": json.dumps(spec, indent=1) + "\n",
        "routes.rst": routes(spec),
        "errors.rst": errors(),
        "personas.rst": personas(spec),
        "history.rst": history(),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")


def routes(spec: Mapping[str, Any]) -> str:
    """Every route with its query, body and answers."""
    lines = _title("Routes")
    lines += [
        (
            "The same as a machine reads it: ``GET /v1/openapi.json``, or"
            " :download:`openapi.json <openapi.json>`."
        ),
        "",
    ]
    for tag in spec["tags"]:
        lines += _title(tag["name"], "-")
        for path, entry in spec["paths"].items():
            for verb in ("get", "post", "put", "patch", "delete"):
                if verb in entry and tag["name"] in entry[verb]["tags"]:
                    lines += _operation(path, verb, entry[verb])
    lines += _title("Shapes", "-")
    for name, schema in spec["components"]["schemas"].items():
        lines += [*_title(name, "~"), *_properties(schema), ""]
    return "\n".join(lines) + "\n"


def _operation(path: str, verb: str, operation: Mapping[str, Any]) -> list[str]:
    lines = [*_title(f"{verb.upper()} {path}", "~"), _plain(operation["summary"]), ""]
    if "x-policy" in operation:
        lines += [f"Policy ``{operation['x-policy']}``.", ""]
    queries = {o["name"]: o["schema"] for o in operation["parameters"] if o.get("in") == "query"}
    if queries:
        lines += ["Query:", "", *_table(queries, ()), ""]
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        lines += [f"Body (``{kind}``):", "", *_properties(body.get("schema", {})), ""]
    rows = []
    for status, response in operation["responses"].items():
        told = ", ".join(f"``{code}``" for code in response.get("x-codes", ()))
        rows.append((f"``{status}``", told or response["description"]))
    return [*lines, "Answers:", "", *_rows(("status", "code"), rows), ""]


def _properties(schema: Mapping[str, Any]) -> list[str]:
    found = schema.get("properties")
    return _table(found, schema.get("required", ())) if found else ["Bytes, or any object."]


def _table(properties: Mapping[str, Any], required: Iterable[str]) -> list[str]:
    needed = set(required)
    rows = [
        (f"``{name}``" + (" (needed)" if name in needed else ""), _kind(inner))
        for name, inner in properties.items()
    ]
    return _rows(("name", "value"), rows)


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"``{schema['$ref'].rsplit('/', 1)[1]}``"
    if "enum" in schema:
        return "one of " + ", ".join(f"``{json.dumps(value)}``" for value in schema["enum"])
    kind = schema.get("type", "any")
    text = kind if isinstance(kind, str) else " or ".join(kind)
    if kind == "array":
        text = f"list of {_kind(schema.get('items', {}))}"
    if "description" in schema:
        text += f": {_plain(schema['description'])}"
    return text


def errors() -> str:
    """Every code with its cause and its remedy."""
    for module in pkgutil.walk_packages(glint.__path__, "glint."):
        if not module.name.startswith(_NOT_MET):
            importlib.import_module(module.name)
    lines = _title("Errors")
    lines += [
        (
            "Codes never change; sentences may. The same codes stand in the cells of the matrix, in"
            " transfers and in the history."
        ),
        "",
    ]
    for entry in catalogue.entries():
        lines += _title(entry.code, "-")
        again = " Glint itself tries again." if entry.retry else ""
        lines += [
            f"{entry.status} {entry.title}.{again}",
            "",
            f"Cause: {_plain(entry.cause)}",
            "",
            f"Remedy: {_plain(entry.remedy)}",
            "",
        ]
    return "\n".join(lines) + "\n"


def personas(spec: Mapping[str, Any]) -> str:
    """Who may walk which route, as the policies are by default."""
    enforcer = policies.get_enforcer()
    rows = []
    for path, entry in spec["paths"].items():
        for verb in ("get", "post", "put", "patch", "delete"):
            operation = entry.get(verb, {})
            if "x-policy" in operation:
                rows.append(_row(enforcer, f"{verb.upper()} {path}", operation["x-policy"]))
            every = operation.get("x-policy-all-projects")
            if every:
                rows.append(_row(enforcer, f"{verb.upper()} {path}?all_projects=true", every))
    lines = _title("Personas")
    told = (
        "What the roles of a token with project scope open by default. Everybody may see"
        " ``GET /``, and a token without one of these roles sees nothing else. What is found"
        " behind a route is bounded by the project, whatever the role."
    )
    lines += [told, "", *_rows(("route", *PERSONAS), rows)]
    return "\n".join(lines) + "\n"


def _row(enforcer: Any, route: str, rule: str) -> tuple[str, ...]:
    cells = []
    for roles in PERSONAS.values():
        context = RequestContext(project_id="p", user_id="u", roles=list(roles))
        cells.append("yes" if policies.allows(enforcer, rule, context) else "\\-")
    return (f"``{route}``", *cells)


def history() -> str:
    """What each version of the API brought."""
    lines = _title("Versions")
    for version, told in versions.HISTORY.items():
        lines += [*_title(version, "-"), _plain(told), ""]
    return "\n".join(lines) + "\n"


def _title(text: str, line: str = "=") -> list[str]:
    return [text, line * len(text), ""]


def _plain(text: str) -> str:
    """Text without marks that reStructuredText would read."""
    return re.sub(r"([\\*`|_])", r"\\\1", " ".join(text.split()))


def _rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (heads, *rows):
        lines += [f"   {'* -' if not at else '  -'} {cell}" for at, cell in enumerate(row)]
    return lines


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
