"""Bad input and failures: each a stable code, one shape, nothing leaked, nothing written."""

from __future__ import annotations

import io
import json
from typing import Any

import sqlalchemy.exc
import webob
from oslo_db import exception as db_exc

from glint import exception
from glint.api import body
from glint.db import models
from tests.unit.api.base import CONNECTION, PASSWORD, Answer, ApiTestCase

SITE = {"name": "DAIR", "type": "openstack", "connection": CONNECTION}


class ShapeTest(ApiTestCase):
    def test_unknown_path(self) -> None:
        self.refused("request.not_found", 404, "GET", "/v1/nothing")
        self.refused("request.not_found", 404, "GET", "/v1/sites/a%00b")
        self.refused("request.not_found", 404, "GET", "/v1/sites/" + "a" * 65)

    def test_unknown_thing(self) -> None:
        for path, code in (
            ("sites", "site"),
            ("credentials", "credential"),
            ("images", "image"),
            ("operations", "operation"),
            ("deployments", "deployment"),
            ("transfers", "transfer"),
            ("site-types", "site_type"),
        ):
            answer = self.refused(f"{code}.not_found", 404, "GET", f"/v1/{path}/nothing")
            self.assertIn("nothing", answer.error["detail"])

    def test_method(self) -> None:
        answer = self.refused("request.method", 405, "PUT", "/v1/sites", {})
        self.assertEqual("GET, HEAD, POST", answer.headers["Allow"])
        self.refused("request.method", 405, "DELETE", "/v1/sites")
        self.refused("request.method", 405, "POST", "/", {})
        self.refused("request.method", 405, "GET", "/v1/sites/1/probe")

    def test_path_that_is_not_utf8(self) -> None:
        request = webob.Request.blank("/v1/sites/x", headers={"X-Auth-Token": "alice"})
        request.environ["PATH_INFO"] = "/v1/sites/\xff\xfe"
        answer = Answer(request.get_response(self.app))
        self.assertEqual((400, "request.invalid"), (answer.status, answer.error["code"]))

    def test_keystone_is_away(self) -> None:
        answer = self.refused(
            "identity.unavailable", 503, "GET", "/v1/sites", who="keystone-is-away"
        )
        self.assertNotIn("its own text", answer.text)

    def test_headers_that_claim_an_identity(self) -> None:
        forged = {
            "X-Identity-Status": "Confirmed",
            "X-User-Id": "root-id",
            "X-Project-Id": "red",
            "X-Roles": "admin",
        }
        self.refused("request.unauthenticated", 401, "GET", "/v1/sites", who=None, headers=forged)

    def test_delayed_decision_opens_nothing(self) -> None:
        """An operator may set delay_auth_decision; then the token check lets everybody through."""
        self.app = self.make_app(authenticate=lambda app: app)
        self.refused("request.unauthenticated", 401, "GET", "/v1/sites", who=None)

    def test_what_fails_inside(self) -> None:
        self.conductor.errors["probe_site"] = [RuntimeError(f"the password is {PASSWORD}")]
        answer = self.refused("glint.internal", 500, "POST", "/v1/sites", SITE)
        self.assertNotIn("RuntimeError", answer.text)
        self.assertNotIn("Traceback", answer.text)
        self.assertIn("Traceback", self.log.output)
        self.assertEqual(0, self.rows(models.Site))

    def test_database_is_away(self) -> None:
        away = sqlalchemy.exc.OperationalError(f"SELECT {PASSWORD}", {}, OSError("refused"))
        for error in (away, sqlalchemy.exc.TimeoutError(), db_exc.DBConnectionError()):
            self.conductor.errors["probe_site"] = [error]
            self.refused("database.unavailable", 503, "POST", "/v1/sites", SITE)
        self.assertNotIn(PASSWORD, self.log.output)

    def test_an_answer_that_breaks_its_promise(self) -> None:
        made = self.make_site()
        with self.db.writer() as session:
            session.get_one(models.Site, made["id"]).max_transfers = 0
        self.refused("glint.internal", 500, "GET", "/v1/sites")
        self.promised = False
        self.conf.set_override("response_validation", "warn", "api")
        self.call("GET", "/v1/sites", expect=200)
        self.assertIn("answer.sites[0].max_transfers", self.log.output)
        self.conf.set_override("response_validation", "ignore", "api")
        self.call("GET", "/v1/sites", expect=200)


class VersionTest(ApiTestCase):
    HEADER = "OpenStack-API-Version"

    def test_document(self) -> None:
        answer = self.call("GET", "/", who=None, expect=200)
        (version,) = answer.body["versions"]
        self.assertEqual("http://localhost/v1", version["links"][0]["href"])
        self.assertEqual(("1.0", "1.0"), (version["min_version"], version["version"]))
        one = self.call("GET", "/v1", expect=200).body["version"]
        links = {link["rel"]: link["href"] for link in one["links"]}
        self.assertEqual("http://localhost/v1/sites", links["sites"])
        for rel, href in links.items():
            if rel != "self":
                self.call("GET", href, expect=200)

    def test_public_endpoint(self) -> None:
        self.conf.set_override("public_endpoint", "https://glint.example.org/images/", "api")
        (version,) = self.call("GET", "/", who=None).body["versions"]
        self.assertEqual("https://glint.example.org/images/v1", version["links"][0]["href"])
        answer = self.call("POST", "/v1/sites", SITE, expect=201)
        place = f"https://glint.example.org/images/v1/sites/{answer.body['site']['id']}"
        self.assertEqual(place, answer.headers["Location"])

    def test_header(self) -> None:
        for asked in (None, "image-distribution 1.0", "image-distribution latest", "compute 2.90"):
            headers = {self.HEADER: asked} if asked else {}
            answer = self.call("GET", "/v1/sites", headers=headers, expect=200)
            self.assertEqual("image-distribution 1.0", answer.headers[self.HEADER])
            self.assertIn(self.HEADER, answer.headers["Vary"])

    def test_before_the_token(self) -> None:
        for asked in ("1.1", "2.0", "0.9", "one", "1.0.0", "x" * 500):
            answer = self.refused(
                "request.microversion",
                406,
                "GET",
                "/v1/sites",
                who=None,
                headers={self.HEADER: f"image-distribution {asked}"},
            )
            self.assertEqual("1.0", answer.error["max_version"])
            self.assertEqual("image-distribution 1.0", answer.headers[self.HEADER])


class BodyTest(ApiTestCase):
    def refuse_raw(self, code: str, status: int, raw: bytes, **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.refused(code, status, "POST", "/v1/sites", raw=raw, headers=named)
        self.assertEqual(0, self.rows(models.Site))
        self.assertEqual([], self.conductor.asked)
        return str(answer.error["detail"])

    def test_malformed(self) -> None:
        good = json.dumps(SITE)
        for raw in (
            b"",
            b"{",
            b"not json",
            b'{"name": "x",}',
            good.encode("utf-16"),
            b'{"name": "\xff"}',
            b'{"name": NaN}',
            b'{"name": Infinity}',
            b'{"name": "a", "name": "b"}',
            b'{"name": "a\\u0000b"}',
            b'{"name": "\\ud800"}',
            b'{"a\\u0000b": 1}',
            b"[" * 100 + b"]" * 100,
            b'{"a":' * 100 + b"1" + b"}" * 100,
            b"[" * 200000,
            b'{"max_transfers": ' + b"9" * 6000 + b"}",
            good.encode() + b"x",
        ):
            self.refuse_raw("request.malformed_json", 400, raw)

    def test_not_an_object(self) -> None:
        for raw in (b"[]", b'"text"', b"1", b"null", b"true"):
            self.assertIn("object", self.refuse_raw("request.invalid", 400, raw))

    def test_content_type(self) -> None:
        good = json.dumps(SITE).encode()
        for kind in (
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=latin-1",
            "application/jsonp",
        ):
            self.refuse_raw("request.content_type", 415, good, Content_Type=kind)
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        self.call("POST", "/v1/sites", raw=good, headers=headers, expect=201)

    def test_order(self) -> None:
        """Version, token, policy, content type, size, JSON, schema: the first fault is told."""
        self.conf.set_override("max_request_body_size", 10, "oslo_middleware")
        wrong: dict[str, Any] = {
            "raw": b"{" * 20,
            "headers": {
                "Content-Type": "text/plain",
                "OpenStack-API-Version": "image-distribution 9.9",
            },
        }
        url = "/v1/sites"
        self.refused("request.microversion", 406, "POST", url, who=None, **wrong)
        del wrong["headers"]["OpenStack-API-Version"]
        self.refused("request.unauthenticated", 401, "POST", url, who=None, **wrong)
        self.refused("request.forbidden", 403, "POST", url, who="rita", **wrong)
        self.refused("request.content_type", 415, "POST", url, **wrong)
        del wrong["headers"]["Content-Type"]
        self.refused("request.body_too_large", 413, "POST", url, **wrong)
        wrong["raw"] = b"{"
        self.refused("request.malformed_json", 400, "POST", url, **wrong)
        wrong["raw"] = b"{}"
        self.refused("request.invalid", 400, "POST", url, **wrong)

    def test_too_large(self) -> None:
        limit = self.conf.oslo_middleware.max_request_body_size
        raw = json.dumps({**SITE, "name": "x" * limit}).encode()
        detail = self.refuse_raw("request.body_too_large", 413, raw)
        self.assertIn(str(limit), detail)

    def test_too_large_in_chunks(self) -> None:
        """Without Content-Length no more than the limit is read."""
        self.conf.set_override("max_request_body_size", 1000, "oslo_middleware")
        stream = io.BytesIO(b'"' + b"x" * 100000)
        request = self._chunked(stream)
        answer = Answer(request.get_response(self.app))
        self.assertEqual((413, "request.body_too_large"), (answer.status, answer.error["code"]))
        self.assertLessEqual(stream.tell(), 1001)

    def test_chunks(self) -> None:
        request = self._chunked(io.BytesIO(json.dumps(SITE).encode()))
        self.assertEqual(201, request.get_response(self.app).status_int)

    def _chunked(self, stream: io.BytesIO) -> webob.Request:
        request = webob.Request.blank("/v1/sites", method="POST", content_type=body.CONTENT_TYPE)
        request.environ.update({"wsgi.input": stream, "wsgi.input_terminated": True})
        request.environ.pop("CONTENT_LENGTH", None)
        request.headers["X-Auth-Token"] = "alice"
        return request

    def test_body_that_ends_early(self) -> None:
        request = webob.Request.blank("/v1/sites", method="POST", content_type=body.CONTENT_TYPE)
        request.environ.update({"wsgi.input": io.BytesIO(b'{"a"'), "CONTENT_LENGTH": "100"})
        request.headers["X-Auth-Token"] = "alice"
        answer = Answer(request.get_response(self.app))
        self.assertEqual("request.malformed_json", answer.error["code"])

    def test_values_are_not_repeated(self) -> None:
        """A value in the wrong place may be a password."""
        for wrong in (
            {**SITE, "name": [PASSWORD]},
            {**SITE, "max_transfers": PASSWORD},
            {**SITE, "enabled": PASSWORD},
            {**SITE, "connection": {"auth_url": PASSWORD}},
            {**SITE, "connection": {"auth_url": f"https://user:{PASSWORD}@dair.example.org"}},
            {**SITE, "connection": {**CONNECTION, "interface": PASSWORD}},
            {**SITE, "connection": {**CONNECTION, "password": PASSWORD}},
        ):
            self.refused("request.invalid", 400, "POST", "/v1/sites", wrong)


class QueryTest(ApiTestCase):
    def test_refused(self) -> None:
        for query in (
            "limit=0",
            "limit=-1",
            "limit=ten",
            "limit=1001",
            "limit=99999999999999999999",
            "limit=1&limit=2",
            "limit=",
            "limit=%D9%A3",
            "marker=",
            "marker=unknown",
            "name=a%00b",
            "name=a%0Ab",
            "name=%FF",
            "all_projects=perhaps",
            "&".join(f"a{i}=1" for i in range(100)),
        ):
            self.refused("request.invalid", 400, "GET", f"/v1/sites?{query}", who="root")

    def test_all_projects_is_for_admins(self) -> None:
        for path in (
            "sites",
            "credentials",
            "images",
            "operations",
            "deployments",
            "transfers",
            "events",
        ):
            url = f"/v1/{path}?all_projects=true"
            self.refused("request.forbidden", 403, "GET", url)
            self.call("GET", url, who="root", expect=200)
            self.call("GET", f"/v1/{path}?all_projects=false", expect=200)

    def test_pages(self) -> None:
        names = [f"site-{i}" for i in range(5)]
        for name in names:
            self.make_site(name, probe=False)
        found = self.pages("/v1/sites", "sites", limit=2, type="openstack")
        self.assertEqual(names, [site["name"] for site in found])
        self.conf.set_override("default_limit", 3, "api")
        body = self.call("GET", "/v1/sites").body
        self.assertEqual(3, len(body["sites"]))
        self.assertIn("marker=", body["links"][0]["href"])
        self.assertNotIn("links", self.call("GET", "/v1/sites?limit=5").body)


class ParserTest(ApiTestCase):
    def test_strings_that_are_fine(self) -> None:
        for text in ("Grüße", "😀", "\\ud83d\\ude00", "a\\nb", ""):
            body.parse(f'{{"a": "{text}"}}'.encode())

    def test_depth(self) -> None:
        body.parse(b"[" * body.MAX_DEPTH + b"]" * body.MAX_DEPTH)
        self.assertRaises(
            exception.MalformedBody,
            body.parse,
            b"[" * (body.MAX_DEPTH + 1) + b"]" * (body.MAX_DEPTH + 1),
        )
