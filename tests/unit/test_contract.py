"""The OpenAPI document and the list of error codes: valid, whole, and made of what the API does."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import testtools

import glint
from glint.api import codes, v1
from glint.api.endpoint import Spec
from glint.exception import catalogue
from tests.contract import Broken, Contract, document

VERBS = {"get", "post", "put", "patch", "delete"}


def routes() -> Iterator[tuple[str, str, Spec]]:
    """Path pattern, method and declaration of every route."""
    services: Any = None
    for path, verbs in v1.tree(services).items():
        for method, handler in verbs.items():
            yield path, method, handler.spec  # type: ignore[attr-defined]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of the document."""
    for path, entry in document()["paths"].items():
        for verb in VERBS & set(entry):
            yield path, verb.upper(), entry[verb]


class DocumentTest(testtools.TestCase):
    def test_it_is_valid(self) -> None:
        openapi_spec_validator.OpenAPIV31SpecValidator(document()).validate()

    def test_a_broken_one_is_not(self) -> None:
        unnamed = {"get": {"responses": {"200": {"description": "OK"}}}}
        broken = {**document(), "paths": {"/v1/sites/{id}": unnamed}}
        found = list(openapi_spec_validator.OpenAPIV31SpecValidator(broken).iter_errors())
        self.assertNotEqual([], found)

    def test_every_route_is_there(self) -> None:
        self.assertEqual(
            {(path, method) for path, method, _ in routes()},
            {(path, method) for path, method, _ in operations()},
        )

    def test_every_operation_tells_what_it_does(self) -> None:
        idents = [operation["operationId"] for _, _, operation in operations()]
        self.assertEqual(sorted(set(idents)), sorted(idents))
        for path, method, operation in operations():
            self.assertRegex(operation["summary"], r"^[A-Z].+\.$", f"{method} {path}")

    def test_statuses(self) -> None:
        for path, method, spec in routes():
            promised = document()["paths"][path][method.lower()]["responses"]
            self.assertIn(str(spec.status), promised)
            for status in ("400", "406", "500", *(("401", "403") if spec.rule else ())):
                self.assertIn(status, promised, f"{method} {path}")


class CodesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        for module in pkgutil.walk_packages(glint.__path__, "glint."):
            if not module.name.startswith(("glint.osc", "glint.db.alembic", "glint.wsgi")):
                importlib.import_module(module.name)

    def test_what_routes_declare_is_known(self) -> None:
        known = {entry.code for entry in catalogue.entries()}
        rules = {spec.rule for _, _, spec in routes()}
        for rule, told in codes.ERRORS.items():
            self.assertIn(rule, rules)
            self.assertEqual(set(), set(told) - known, rule)
        self.assertEqual(set(), set(codes.SUCCESSES) - rules)

    def test_each_has_cause_and_remedy(self) -> None:
        for entry in catalogue.entries():
            if entry.code.startswith("manage."):  # of the command line, told with each sentence
                continue
            self.assertTrue(entry.cause, entry.code)
            self.assertTrue(
                entry.remedy,
                f"{entry.code}: what shall whoever meets it do? Say so in a second sentence of"
                " its template, or in `remedy`",
            )

    def test_codes_are_stable_words(self) -> None:
        for entry in catalogue.entries():
            self.assertRegex(entry.code, r"^[a-z_0-9]+(\.[a-z_0-9]+)+$")
            self.assertIn(entry.status // 100, (4, 5), entry.code)

    def test_one_code_one_status(self) -> None:
        found: dict[str, set[int]] = {}
        for kind in catalogue.classes():
            found.setdefault(kind.code, set()).add(kind.status)
        for family in catalogue.FAMILIES:
            found.pop(family.code, None)
        several = {code: kinds for code, kinds in found.items() if len(kinds) > 1}
        # A conductor's own fault is told by a site's error, which has a status of its own.
        self.assertEqual({"glint.internal"}, set(several))


class ContractTest(testtools.TestCase):
    """The judge itself: answers that break the promise."""

    HEADERS = {
        "OpenStack-API-Version": "image-distribution 1.0",
        "X-OpenStack-Request-ID": "req-1",
        "Content-Type": "application/json",
    }

    def check(self, method: str, path: str, status: int, body: Any, **headers: str) -> None:
        raw = b"" if body is None else json.dumps(body).encode()
        Contract(document()).check(method, path, status, {**self.HEADERS, **headers}, raw)

    def error(self, status: int, code: str) -> dict[str, Any]:
        told = {"status": status, "title": "T", "detail": "D", "code": code, "request_id": None}
        return {"errors": [told]}

    def test_kept(self) -> None:
        self.check("GET", "/v1/sites?limit=1", 200, {"sites": []})
        self.check("GET", "/v1/sites/x", 404, self.error(404, "site.not_found"))
        self.check("DELETE", "/v1/sites/x", 204, None)
        self.check("PUT", "/v1/sites", 405, self.error(405, "request.method"))
        self.check("GET", "/healthcheck", 503, None)

    def test_broken(self) -> None:
        answers: list[tuple[str, str, int, Any]] = [
            ("GET", "/v1/sites", 200, {"sites": [{}]}),
            ("GET", "/v1/sites", 202, {"sites": []}),
            ("GET", "/v1/sites", 409, self.error(409, "site.in_use")),
            ("GET", "/v1/sites", 404, self.error(404, "image.not_found")),
            ("GET", "/v1/nothing", 200, {}),
            ("GET", "/v1/sites", 400, {"errors": []}),
            ("GET", "/v1/sites", 400, self.error(400, "request.unheard_of")),
            ("GET", "/v1/nothing", 404, self.error(404, "request.unheard_of")),
            ("DELETE", "/v1/sites/x", 204, {}),
        ]
        for answer in answers:
            self.assertRaises(Broken, self.check, *answer)
        self.assertRaises(
            Broken, self.check, "GET", "/v1/sites", 200, {"sites": []}, **{"Content-Type": "text"}
        )
