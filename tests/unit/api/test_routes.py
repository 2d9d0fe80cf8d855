"""Walks every route: token, policy, schemas."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import jsonschema
from oslo_policy import policy

from glint import policies
from glint.api import v1
from glint.api.endpoint import Spec
from tests.unit.api.base import ApiTestCase

READ = ("GET", "HEAD")
FOR_ADMINISTRATORS = ("/v1/conductors",)


def routes() -> Iterator[tuple[str, str, Spec]]:
    """Method, path pattern and declaration of every route."""
    services: Any = None
    for path, verbs in v1.tree(services).items():
        for method, handler in verbs.items():
            yield method, path, handler.spec  # type: ignore[attr-defined]


def filled(path: str) -> str:
    return path.replace("{id}", str(uuid.uuid4())).replace("{name}", "openstack")


def guarded() -> list[tuple[str, str, Spec]]:
    return [route for route in routes() if route[2].rule is not None]


class RoutesTest(ApiTestCase):
    def test_only_the_version_document_is_open(self) -> None:
        self.assertEqual(["/"], [path for _, path, spec in routes() if spec.rule is None])

    def test_no_token(self) -> None:
        for method, path, _ in guarded():
            for token in (None, "", "forged"):
                answer = self.refused(
                    "request.unauthenticated", 401, method, filled(path), who=token
                )
                self.assertIn("WWW-Authenticate", answer.headers)

    def test_a_stranger(self) -> None:
        """A valid token without any role opens nothing, whatever is sent with it."""
        for method, path, spec in guarded():
            bodies: list[Any] = (
                [None, {"nonsense": True}] if method in ("POST", "PATCH") else [None]
            )
            for body in bodies:
                answer = self.refused(
                    "request.forbidden", 403, method, filled(path), body, who="stranger"
                )
                self.assertIn(str(spec.rule), answer.error["detail"])

    def test_a_reader_changes_nothing(self) -> None:
        for method, path, _ in guarded():
            answer = self.call(method, filled(path), {} if method in READ else None, who="rita")
            if method in READ and path not in FOR_ADMINISTRATORS:
                self.assertIn(answer.status, (200, 404), f"{path}: {answer.text}")
            else:
                self.assertEqual(403, answer.status, f"{path}: {answer.text}")

    def test_a_token_without_project(self) -> None:
        for method, path, _ in guarded():
            answer = self.refused("request.forbidden", 403, method, filled(path), who="unscoped")
            self.assertIn("project", answer.error["detail"])

    def test_a_query_that_nobody_declared(self) -> None:
        for method, path, _ in guarded():
            body: Any = {} if method in ("POST", "PATCH") else None
            if path.endswith(("probe", "verify", "scan")) or body is None:
                url = f"{filled(path)}?colour=red"
                self.refused("request.unknown_parameter", 400, method, url, body, who="root")

    def test_a_body_that_nobody_declared(self) -> None:
        for method, path, spec in guarded():
            if method == "POST" and spec.body is None:
                self.refused("request.invalid", 400, method, filled(path), {"a": 1})

    def test_each_rule_is_documented_for_its_route(self) -> None:
        documented = {
            rule.name: {f"{o['method']} {o['path'].partition('?')[0]}" for o in rule.operations}
            for rule in policies.list_rules()
            if isinstance(rule, policy.DocumentedRuleDefault)
        }
        used: dict[str, set[str]] = {}
        for method, path, spec in guarded():
            for rule in filter(None, (spec.rule, spec.all_projects)):
                used.setdefault(rule, set()).add(f"{method} {path}")
        for rule, operations in used.items():
            self.assertIn(rule, documented)
            self.assertEqual(
                {_plain(o) for o in operations}, {_plain(o) for o in documented[rule]}, rule
            )
        extra = {"site:shared", "site:insecure", "credential:share"}
        self.assertEqual(set(documented), set(used) | extra)

    def test_every_rule_is_for_projects(self) -> None:
        for rule in policies.list_rules():
            if isinstance(rule, policy.DocumentedRuleDefault):
                self.assertEqual(["project"], rule.scope_types, rule.name)

    def test_schemas(self) -> None:
        for method, path, spec in routes():
            where = f"{method} {path}"
            if method in ("POST", "PATCH") and path.count("/") < 4:
                self.assertIsNotNone(spec.body, where)
            has_none = spec.status == 204 or spec.gives_bytes
            self.assertEqual(has_none, spec.response is None, where)
            for validator in filter(None, (spec.body, spec.response)):
                jsonschema.Draft202012Validator.check_schema(validator.schema)
                self.assertIs(False, validator.schema["additionalProperties"], where)
            for schema in spec.query.values():
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_head_is_get_without_a_body(self) -> None:
        answer = self.call("HEAD", "/v1/sites", expect=200)
        self.assertEqual("", answer.text)
        self.call("HEAD", "/v1/sites", who=None, expect=401)

    def test_what_pecan_would_find(self) -> None:
        """No more than the table declares: no method names, no attributes, no other slashes."""
        for path in (
            "/v1/sites/list",
            "/v1/Sites",
            "/v1//sites",
            "/v1/sites//",
            "/v1/sites.json",
            "/v1/_route",
            "/_route",
            "/__class__",
            "/v1/__init__/__globals__",
            "/v1/sites/new",
            "/v1/sites/1/edit",
            "/v1/sites/%2e%2e/sites",
            "/v2/sites",
            "/healthcheck/more",
        ):
            answer = self.call("GET", path)
            self.assertEqual(404, answer.status, path)
        site = self.make_site()
        url = f"/v1/sites/{site['id']}?_method=DELETE"
        self.refused("request.unknown_parameter", 400, "GET", url)
        self.call("GET", f"/v1/sites/{site['id']}", expect=200)
        self.call("GET", "/v1/sites/", expect=200)


def _plain(operation: str) -> str:
    """An operation without the names of its path's variables."""
    return "/".join("{}" if part.startswith("{") else part for part in operation.split("/"))
