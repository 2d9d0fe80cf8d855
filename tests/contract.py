"""Answers held against the OpenAPI document: what is not promised there must not be answered.

The test clients ask this about every answer that they get. It reads the document only, not the code
that made it.
"""

from __future__ import annotations

import functools
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import jsonschema

from glint import policies
from glint.api import openapi, v1
from glint.api.validation import FORMATS
from glint.exception import catalogue

JSON = "application/json"
#: What stands beside the API and is no part of its document.
BESIDE = ("/healthcheck", "/metrics")
#: Where an author adds what is missing.
REMEDY = {
    "status": "tell its code under the route's policy in glint/api/codes.py",
    "code": "tell it under the route's policy in glint/api/codes.py",
    "body": "mend the answer, or its schema in glint/api/schemas",
}


class Broken(AssertionError):
    """An answer that the document does not promise."""

    def __init__(self, what: str, method: str, path: str, told: str) -> None:
        super().__init__(f"{method} {path}: {told}; {REMEDY.get(what, what)}")


@functools.cache
def document() -> dict[str, Any]:
    """The document of the code as it is."""
    services: Any = None
    made = openapi.make(v1.tree(services), policies.list_rules(), "http://glint.example.org")
    # What a client reads, and not objects that only look like it.
    return dict(json.loads(json.dumps(made)))


@functools.cache
def contract() -> Contract:
    """The contract of the code as it is."""
    return Contract(document())


class Contract:
    """One OpenAPI document, to be held against answers."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.spec = spec
        self._patterns = {path: _pattern(path, entry) for path, entry in spec["paths"].items()}
        self._validators: dict[tuple[str, str, str], Any] = {}

    def find(self, method: str, path: str) -> tuple[str, Mapping[str, Any] | None]:
        """The path as the document names it, and the operation, or None where there is none."""
        plain = urllib.parse.urlsplit(path).path if "://" in path else path.partition("?")[0]
        plain = urllib.parse.unquote(plain, "latin-1")
        plain = plain[:-1] if len(plain) > 1 and plain.endswith("/") else plain
        # A path without variables goes before one that has some.
        for name in sorted(self._patterns, key=lambda one: one.count("{")):
            if self._patterns[name].fullmatch(plain):
                verb = "get" if method == "HEAD" else method.lower()
                return name, self.spec["paths"][name].get(verb)
        return "", None

    def check(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """:raises Broken: the document does not promise such an answer."""
        if path.partition("?")[0] in BESIDE or method == "OPTIONS":  # the CORS middleware's
            return
        name, operation = self.find(method, path)
        where = name or path[:80]
        if operation is None:
            if status < 400:
                raise Broken("it answers and is not documented", method, where, str(status))
            self._check_error(method, where, None, body)
            return
        response = operation["responses"].get(str(status))
        if response is None:
            told = f"status {status} is not documented ({body[:300]!r})"
            raise Broken("status", method, where, told)
        for header in ("OpenStack-API-Version", "X-OpenStack-Request-ID"):
            if header in response.get("headers", {}) and header not in headers:
                raise Broken(f"header {header} is missing", method, where, str(status))
        if method == "HEAD":
            return
        self._check_body(method, name, str(status), response, body, headers)
        if status >= 400:
            self._check_error(method, where, response, body)

    def _check_body(
        self,
        method: str,
        name: str,
        status: str,
        response: Mapping[str, Any],
        body: bytes,
        headers: Mapping[str, str],
    ) -> None:
        content = response.get("content")
        if content is None:
            if body:
                raise Broken("body", method, name, f"{status} has a body")
            return
        if JSON not in content:
            return
        kind = headers.get("Content-Type", "").partition(";")[0]
        if kind != JSON:
            raise Broken("body", method, name, f"{status} is {kind!r}, not JSON")
        validator = self._validator(method, name, status, content[JSON]["schema"])
        error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(body)))
        if error is not None:
            place = "/".join(str(part) for part in error.absolute_path)
            raise Broken("body", method, name, f"{status}: at {place or 'top'}: {error.message}")

    def _check_error(
        self, method: str, where: str, response: Mapping[str, Any] | None, body: bytes
    ) -> None:
        if method == "HEAD" and not body:
            return
        (error,) = json.loads(body)["errors"]
        code = error["code"]
        if code not in _known_codes():
            raise Broken(
                "give its class a code of its own, or name the kind of thing in"
                " glint/exception/catalogue.py (FAMILIES)",
                method,
                where,
                f"nobody knows the code {code}",
            )
        if response is not None and code not in response["x-codes"]:
            raise Broken("code", method, where, f"code {code} is not documented")

    def _validator(self, method: str, name: str, status: str, schema: Any) -> Any:
        key = (method, name, status)
        if key not in self._validators:
            whole = {**schema, "components": self.spec["components"]}
            self._validators[key] = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
        return self._validators[key]


@functools.cache
def _known_codes() -> frozenset[str]:
    return frozenset(entry.code for entry in catalogue.entries())


def _pattern(path: str, entry: Mapping[str, Any]) -> re.Pattern[str]:
    forms = {
        one["name"]: one["schema"]["pattern"].strip("^$") for one in entry.get("parameters", ())
    }
    text = "".join(
        forms[part[1:-1]] if part.startswith("{") else re.escape(part)
        for part in re.split(r"({\w+})", path)
    )
    return re.compile(text)
