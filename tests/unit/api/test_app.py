"""What stands around Pecan, and the composition root."""

from __future__ import annotations

import pathlib
import threading
from typing import Any

import fixtures
import jsonschema
import testtools
import webob
from keystonemiddleware import opts as ks_opts
from oslo_config import cfg
from oslo_context import context

from glint import exception, policies
from glint.api import validation
from glint.cmd import serving
from glint.conf import opts, register_opts
from glint.context import RequestContext
from glint.credentials.home import HomeCloud
from glint.methods import same_address
from glint.metrics import Registry
from glint.wsgi import api as wsgi_api
from tests.unit.api.base import ApiTestCase


class MiddlewareTest(ApiTestCase):
    def test_health(self) -> None:
        request = webob.Request.blank("/healthcheck")
        self.assertEqual(200, request.get_response(self.app).status_int)
        self.assertNotIn("GET /healthcheck", self.log.output)

    def test_request_id(self) -> None:
        given = "req-11111111-2222-3333-4444-555555555555"
        answer = self.call("GET", "/v1/sites", headers={"X-OpenStack-Request-ID": given})
        self.assertRegex(answer.headers["X-OpenStack-Request-ID"], "^req-[0-9a-f-]{36}$")
        self.assertNotEqual(given, answer.headers["X-OpenStack-Request-ID"])

    def test_log_line(self) -> None:
        self.call("GET", "/v1/sites?name=DAIR")
        self.assertRegex(self.log.output, r"GET /v1/sites 200 0\.\d+ s project=red\n")
        self.call("POST", "/v1/sites", {}, who=None)
        self.assertRegex(self.log.output, r"POST /v1/sites 401 0\.\d+ s project=-\n")

    def test_log_line_cannot_be_forged(self) -> None:
        self.call("GET", "/v1/x%0AGET%20/v1/forged%20200")
        self.assertIn("GET /v1/x%0AGET%20/v1/forged%20200 404", self.log.output)

    def test_context_does_not_outlive_its_request(self) -> None:
        self.call("GET", "/v1/sites")
        self.call("GET", "/v1/sites", who=None)
        left = context.get_current()
        assert left is not None
        self.assertIsNone(left.project_id)

    def test_cors(self) -> None:
        origin = {"Origin": "https://dashboard.example.org"}
        answer = self.call("GET", "/v1/sites", headers=origin)
        self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        self.conf.set_override("allowed_origin", [origin["Origin"]], "cors")
        self.app = self.make_app()
        for who in ("alice", None):
            answer = self.call("GET", "/v1/sites", headers=origin, who=who)
            self.assertEqual(origin["Origin"], answer.headers["Access-Control-Allow-Origin"])
        preflight = {
            **origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "X-Auth-Token,OpenStack-API-Version",
        }
        answer = self.call("OPTIONS", "/v1/sites", headers=preflight, who=None, expect=200)
        self.assertEqual("PATCH", answer.headers["Access-Control-Allow-Methods"])

    def test_proxy_headers(self) -> None:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "glint.example.org"}
        (version,) = self.call("GET", "/", who=None, headers=forwarded).body["versions"]
        self.assertEqual("http://localhost/v1", version["links"][0]["href"])
        self.conf.set_override("enable_proxy_headers_parsing", True, "oslo_middleware")
        (version,) = self.call("GET", "/", who=None, headers=forwarded).body["versions"]
        self.assertEqual("https://glint.example.org/v1", version["links"][0]["href"])

    def test_answers_are_not_kept(self) -> None:
        answer = self.call("GET", "/v1/sites", headers={"Accept": "text/html"}, expect=200)
        self.assertEqual("no-store", answer.headers["Cache-Control"])
        self.assertEqual("application/json", answer.headers["Content-Type"])

    def test_policy_file(self) -> None:
        path = pathlib.Path(self.folder, "policy.yaml")
        path.write_text('"site:list": "role:admin"')
        self.conf.set_override("policy_file", str(path), "oslo_policy")
        self.app = self.make_app()
        self.refused("request.forbidden", 403, "GET", "/v1/sites")
        self.call("GET", "/v1/sites", who="root", expect=200)

    def test_keystonemiddleware(self) -> None:
        """The real one: refuses without asking Keystone where there is no token."""
        for group, options in ks_opts.list_auth_token_opts():
            self.conf.register_opts(options, group=group)
        where = "https://keystone.example.org"
        self.conf.set_override("www_authenticate_uri", where, "keystone_authtoken")
        self.app = self.make_app(authenticate=None)
        answer = self.refused("request.unauthenticated", 401, "GET", "/v1/sites", who=None)
        self.assertIn(where, answer.headers["WWW-Authenticate"])
        self.call("GET", "/", who=None, expect=200)


class ContextTest(testtools.TestCase):
    def test_the_token_stays_in(self) -> None:
        mine = RequestContext(auth_token="planted", user_id="u", project_id="p")
        self.assertEqual("planted", mine.auth_token)
        for told in (mine.to_dict(), mine.get_logging_values(), mine):
            self.assertNotIn("planted", str(told))


class ValidationTest(testtools.TestCase):
    def complaint(self, schema: Any, value: Any) -> str:
        error = self.assertRaises(
            exception.Invalid, validation.Validator(schema).check, value, "body"
        )
        self.assertNotIn("planted", str(error))
        return str(error)

    def test_sentences(self) -> None:
        either = {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
        for schema, value, part in (
            ({"type": "object"}, "planted", "body must be of type object"),
            ({"type": ["string", "null"]}, 1, "of type string, null"),
            ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 1]}, "body.a[1]"),
            ({"enum": ["a", None]}, "planted", "one of: a, null"),
            ({"const": "a"}, "planted", "must be a"),
            ({"minLength": 9}, "planted", "at least 9 characters"),
            ({"pattern": "^a$", "description": "An a"}, "planted", "(An a)"),
            ({"format": "label"}, "planted\n", "without control characters"),
            ({"required": ["a", "b"]}, {"a": "planted"}, "needs: b"),
            (either, {"c": "planted"}, "needs exactly one of: a, b"),
            (either, {"a": "planted", "b": "planted"}, "needs exactly one of: a, b"),
            ({"not": {"required": ["a", "b"]}}, {"a": "planted", "b": 1}, "at once: a, b"),
            ({"anyOf": [{"type": "null"}]}, "planted", "none of the allowed forms"),
            ({"multipleOf": 2}, 3, "breaks the rule multipleOf"),
            (False, "planted", ""),
        ):
            self.assertIn(part, self.complaint(schema, value))

    def test_no_library_sentence_comes_through(self) -> None:
        """jsonschema's own messages repeat values."""
        error = next(jsonschema.Draft202012Validator({"type": "null"}).iter_errors("planted"))
        self.assertIn("planted", error.message)


class AddressTest(testtools.TestCase):
    def test_same_address(self) -> None:
        base = "https://home.example.org/identity"
        for other in (f"{base}/", f"{base}/v3", "https://HOME.example.org:443/identity/v3/"):
            self.assertTrue(same_address(base, other), other)
        for other in ("https://home.example.org", "http://home.example.org/identity", f"{base}2"):
            self.assertFalse(same_address(base, other), other)


class OptionsTest(testtools.TestCase):
    def test_registered_twice(self) -> None:
        conf = cfg.ConfigOpts()
        register_opts(conf)
        register_opts(conf)
        conf([], default_config_files=[])
        self.assertEqual("policy.yaml", conf.oslo_policy.policy_file)
        self.assertTrue(conf.oslo_policy.enforce_new_defaults)
        other = cfg.ConfigOpts()
        register_opts(other)
        other([], default_config_files=[])
        conf.set_override("port", 1, "api")
        self.assertEqual(9494, other.api.port)
        self.assertEqual(1024 * 1024, conf.oslo_middleware.max_request_body_size)

    def test_every_option_explains_itself(self) -> None:
        for group, options in opts.list_opts():
            for option in options:
                where = f"{group}.{option.name}"
                self.assertGreater(len(option.help or ""), 40, where)
                kind: Any = option.type
                if isinstance(option, cfg.IntOpt | cfg.FloatOpt):
                    self.assertNotIn(None, (kind.min, kind.max), where)

    def test_policies_for_the_generators(self) -> None:
        names = [rule.name for rule in policies.list_rules()]
        self.assertEqual(len(names), len(set(names)))
        enforcer = policies.get_enforcer()
        self.assertEqual(set(names), set(enforcer.registered_rules))


class RootTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = cfg.ConfigOpts()
        register_opts(self.conf)
        self.conf([], default_config_files=[])

    def test_site_types(self) -> None:
        self.assertIn("openstack", serving.load_site_types())

    def test_home(self) -> None:
        self.assertIsNone(serving.make_home(self.conf))
        self.conf.set_override("auth_url", "https://home.example.org/v3", "home")
        self.assertIsInstance(serving.make_home(self.conf), HomeCloud)

    def test_no_keys(self) -> None:
        folder = self.useFixture(fixtures.TempDir()).path
        self.conf.set_override("key_repository", f"{folder}/missing", "credentials")
        parts: dict[str, Any] = {"db": None, "conductor": None, "registry": Registry()}
        error = self.assertRaises(
            exception.GlintError, serving.build_application, self.conf, **parts
        )
        self.assertIn("glint-manage credential setup", str(error))

    def test_built_once(self) -> None:
        built = []
        start = threading.Barrier(4)

        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [])
            return [b"x"]

        def build() -> Any:
            built.append(1)
            return app

        lazy = wsgi_api._Lazy(build)

        def ask() -> None:
            start.wait(10)
            webob.Request.blank("/").get_response(lazy)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        self.assertEqual([1], built)
