"""Requests made from the OpenAPI document by a seed: nearly right, many broken in one place."""

from __future__ import annotations

import dataclasses
import json
import random
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

#: Nobody listens there, and nothing but loopback is ever named.
NOWHERE = "http://127.0.0.1:1/v3"
BODY_METHODS = ("post", "put", "patch")
TEXTS: tuple[str, ...] = (
    "", " ", "a", "x" * 70, "x" * 300, "null", "true", "0", "-1", "../..", "%00", "a\x00b",
    "a\nb", "\ud800", "\u202e", "\U0001d4b3", "é", "'; --", '"', "in:a,b", "neq:x", "gt:", "in:",
    "<script>", "${x}", "{}", "1e999", "9" * 30, "eq:eq:", "name:asc,name:desc", "*",
    "2026-11-21T02:00:00Z", "2026-13-45T99:99:99Z", "0000-00-00", "22:00-06:00",
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (0, 1, -1, 2**31 - 1, 2**31, 2**63, 10**40, 0.5, -0.0, 1e308)
PATHS: tuple[bytes, ...] = (
    b"/v1/%", b"/v1/sites/%zz", b"/v1/sites/%ff%fe", b"/v1/sites/%00", b"/v1/sites/%2e%2e",
    b"/v1//sites", b"/v1/sites/%0d%0aX:1", b"/v1/sites?%", b"/v1/sites?limit=%ff",
    b"/v1/sites?name=%ed%a0%80", b"/v1/sites?limit=1&limit=2", b"/v1/sites?&&&=&=",
    b"/v1/sites?" + b"a=1&" * 100, b"/v1/images?marker=" + b"m" * 5000, b"/v2", b"/v1/openapi",
    b"/v1/images?marker=%27%22", b"/v1/events?marker=99999999999999999999", b"//", b"/v1/../v1",
    b"/v1/matrix?name=%F0%9F%98%80", b"/v1/sites/" + b"i" * 3000, b"*", b"/v1/sites;x=1",
)  # fmt: skip
BODIES: tuple[bytes, ...] = (
    b"", b"{", b"[]", b"null", b"0", b'"x"', b"{}{}", b'{"a":1,"a":2}', b"\xff\xfe\x00",
    b"[" * 9000,
    b'{"a":' * 500 + b"1" + b"}" * 500, b'{"name":"\\ud800"}', b'{"name":"\\u0000"}', b"NaN",
    b'{"a":1e99999}', b"9" * 6000, b'{"\xc3\x28":1}', b'\xef\xbb\xbf{"a":1}', b" " * 70000,
)  # fmt: skip
HEADERS: tuple[tuple[str, str], ...] = (
    ("OpenStack-API-Version", "image-distribution 9.9"),
    ("OpenStack-API-Version", "image-distribution"),
    ("OpenStack-API-Version", "x" * 3000),
    ("Content-Type", "text/plain"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", ";;;"),
    ("Accept", "application/xml"),
    ("If-Match", 'W/"x'),
    ("If-None-Match", "*"),
    ("Range", "bytes=9-1"),
    ("Idempotency-Key", "k" * 600),
    ("X-Roles", "admin"),
    ("X-Forwarded-Proto", "\\"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-OpenStack-Request-ID", "req-x y"),
    ("X-Junk", "j" * 6000),
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One request. ``target`` is what stands in the request line, as bytes."""

    method: str
    target: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


class Sampler:
    """Endless requests; the same seed and the same answers give the same ones.

    :ivar known: ids that answers told, which later requests use.
    """

    def __init__(self, document: Mapping[str, Any], seed: int) -> None:
        self._document = document
        self._random = random.Random(seed)
        self.known: list[str] = []
        self._operations = [
            (verb, path, entry[verb])
            for path, entry in sorted(document["paths"].items())
            for verb in sorted(set(entry) - {"parameters"})
        ]

    def __iter__(self) -> Iterator[Sample]:
        while True:
            yield self.one()

    def learn(self, body: bytes) -> None:
        """Remember the ids in an answer."""
        for part in body.split(b'"id": "')[1:4]:
            self.known.append(part[:36].decode("ascii", "replace"))
        del self.known[:-60]

    def one(self) -> Sample:
        """The next request."""
        chance = self._random.random
        verb, path, operation = self._random.choice(self._operations)
        target = self._path(path).encode() + self._query(operation)
        body = self._body(verb, operation)
        if chance() < 0.06:
            target = self._random.choice(PATHS)
        if chance() < 0.04:
            verb = self._random.choice(("put", "delete", "trace", "head", "patch", "brew", "post"))
        headers = [("Content-Type", "application/json")] if body is not None else []
        if chance() < 0.15:
            name, value = self._random.choice(HEADERS)
            headers = [one for one in headers if one[0] != name] + [(name, value)]
        return Sample(verb.upper(), target, tuple(headers), body)

    def _path(self, path: str) -> str:
        parts = []
        for part in path.split("/"):
            parts.append(self._ident() if part.startswith("{") else part)
        return "/".join(parts)

    def _ident(self) -> str:
        if self.known and self._random.random() < 0.7:
            return self._random.choice(self.known)
        return urllib.parse.quote(self._text(), safe="")

    def _text(self) -> str:
        if self.known and self._random.random() < 0.3:
            return self._random.choice(self.known)
        return self._random.choice(TEXTS).encode("utf-8", "replace").decode()

    def _query(self, operation: Mapping[str, Any]) -> bytes:
        pairs = []
        for one in operation["parameters"]:
            if one.get("in") == "query" and self._random.random() < 0.2:
                value = self.value(one["schema"]) if self._random.random() < 0.7 else self._text()
                pairs.append((one["name"], value if isinstance(value, str) else json.dumps(value)))
        if self._random.random() < 0.03:
            pairs.append((self._text(), self._text()))
        text = urllib.parse.urlencode(pairs, errors="replace")
        return b"?" + text.encode() if text else b""

    def _body(self, verb: str, operation: Mapping[str, Any]) -> bytes | None:
        if verb not in BODY_METHODS and self._random.random() > 0.01:
            return None
        content = operation.get("requestBody", {}).get("content", {})
        if self._random.random() < 0.15:
            return self._random.choice(BODIES)
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return self._random.choice((None, b"{}", b"bytes"))
        value = self.value(schema)
        if isinstance(value, dict) and "connection" in value:
            value["connection"] = self._connection()
            if "name" in value:  # a new site; a change of one asks at the closed port
                value["probe"] = False
        if isinstance(value, dict) and self._random.random() < 0.25:
            self._spoil(value)
        return json.dumps(value).encode()

    def _connection(self) -> Any:
        return self._random.choice(
            ({"auth_url": NOWHERE}, {"auth_url": NOWHERE}, {}, {"auth_url": 1}, {"x": NOWHERE}, [])
        )

    def _spoil(self, value: dict[str, Any]) -> None:
        """Break one thing in an object."""
        names = [name for name in value if name != "connection"]
        if not names:
            return
        name = self._random.choice(names)
        if self._random.random() < 0.3:
            del value[name]
        elif self._random.random() < 0.3:
            value[self._text()] = 1
        else:
            wrong: list[Any] = [None, [], {}, True, self._text(), self._random.choice(NUMBERS)]
            value[name] = self._random.choice(wrong)

    def value(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """Something that a schema allows, or nearly."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = self._document["components"]["schemas"][name]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        kind = schema.get("type", "string")
        if isinstance(kind, list):
            kind = self._random.choice(kind)
        makers: dict[str, Any] = {
            "object": self._object,
            "array": self._array,
            "integer": self._number,
            "number": self._number,
            "boolean": lambda _schema, _depth: self._random.random() < 0.5,
            "null": lambda _schema, _depth: None,
        }
        return makers.get(kind, lambda _schema, _depth: self._text())(schema, depth)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if depth > 6:
            return {}
        required = set(schema.get("required", ()))
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            if self._random.random() < 0.5:
                required |= set(choice.get("required", ()))
        return {
            name: self.value(inner, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if name in required or self._random.random() < 0.3
        }

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        number = self._random.choice((0, 1, 1, 2, 3))
        return [self.value(schema.get("items", {}), depth + 1) for _ in range(number)]

    def _number(self, schema: Mapping[str, Any], _depth: int) -> Any:
        if self._random.random() < 0.2:
            return self._random.choice(NUMBERS)
        low = int(schema.get("minimum", 0))
        return self._random.randint(low, min(int(schema.get("maximum", low + 50)), low + 50))
