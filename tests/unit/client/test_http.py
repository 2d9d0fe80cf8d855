from __future__ import annotations

import logging
import socket
from typing import Any

import fixtures
import requests
import requests_mock
from keystoneauth1 import noauth, session

from glint import client
from glint.client import http
from tests.unit.client.base import GLINT, ClientTestCase


class TestRequests(ClientTestCase):
    def test_version_token_and_time_limit_go_with_every_request(self) -> None:
        self.http.get(f"{GLINT}/v1/sites/s", json={"site": {"id": "s"}})

        self.assertEqual({"id": "s"}, self.client.sites.get("s"))

        (request,) = self.sent()
        self.assertEqual("image-distribution 1.0", request.headers["OpenStack-API-Version"])
        self.assertEqual("a-token", request.headers["X-Auth-Token"])
        self.assertEqual(http.TIMEOUT, request.timeout)

    def test_ids_are_quoted(self) -> None:
        self.http.get(f"{GLINT}/v1/sites/..%2Fimages%3Fa", json={"site": {"id": "s"}})

        self.client.sites.get("../images?a")

        self.assertEqual("/v1/sites/..%2fimages%3fa", self.sent()[0].path)

    def test_empty_id_is_not_the_list(self) -> None:
        self.assertRaises(ValueError, self.client.sites.delete, "")

    def test_delete_answers_nothing(self) -> None:
        self.http.delete(f"{GLINT}/v1/credentials/c", status_code=204)

        self.client.credentials.delete("c", force=True)

        self.assertEqual({"force": ["true"]}, self.sent()[0].qs)

    def test_override_without_a_catalogue(self) -> None:
        self.http.get("http://else.example/v1/site-types", json={"site_types": []})
        alone = client.Client(
            session.Session(auth=noauth.NoAuth()), endpoint_override="http://else.example/"
        )

        self.assertEqual([], list(alone.site_types.list()))


class TestVersionedCatalogue(ClientTestCase):
    endpoint = f"{GLINT}/v1/"

    def test_version_is_not_doubled(self) -> None:
        self.http.get(f"{GLINT}/v1/sites/s", json={"site": {"id": "s"}})

        self.assertEqual({"id": "s"}, self.client.sites.get("s"))


class TestErrors(ClientTestCase):
    def error(self, kind: type[client.ClientError], **answer: Any) -> client.ClientError:
        self.http.get(f"{GLINT}/v1/sites/s", **answer)
        return self.assertRaises(kind, self.client.sites.get, "s")

    def test_code_and_text_of_the_service(self) -> None:
        body = {
            "status": 404,
            "title": "Not Found",
            "detail": "No site 's'.",
            "code": "site.not_found",
            "request_id": "req-1",
        }
        error = self.error(client.NotFound, status_code=404, json={"errors": [body]})

        self.assertEqual(
            (404, "site.not_found", "Not Found", "No site 's'.", "req-1"),
            (error.status, error.code, error.title, error.detail, error.request_id),
        )
        self.assertEqual("No site 's'. (404, site.not_found, req-1)", str(error))

    def test_every_status_has_a_class(self) -> None:
        for status, kind in (
            (400, client.BadRequest),
            (401, client.Unauthorized),
            (403, client.Forbidden),
            (404, client.NotFound),
            (406, client.VersionNotSupported),
            (409, client.Conflict),
            (500, client.ServerError),
            (503, client.ServerError),
        ):
            error = self.error(kind, status_code=status, json={"errors": []})
            self.assertIs(kind, type(error))
            self.assertEqual(f"http.{status}", error.code)

    def test_conflict_brings_the_fresh_row(self) -> None:
        body = {"code": "image.generation_conflict", "fresh": {"generation": 7}}
        error = self.error(client.Conflict, status_code=409, json={"errors": [body]})

        self.assertEqual({"generation": 7}, getattr(error, "fresh", None))

    def test_page_of_a_proxy(self) -> None:
        error = self.error(
            client.ServerError,
            status_code=502,
            text="<html>Bad Gateway</html>",
            headers={"X-OpenStack-Request-ID": "req-2"},
        )

        self.assertIn("without an explanation", error.detail)
        self.assertEqual("req-2", error.request_id)

    def test_error_bodies_of_other_shapes(self) -> None:
        bodies: list[Any] = [[], "no", {"errors": "no"}, {"errors": ["no"]}, {"error": {"code": 1}}]
        for body in bodies:
            self.error(client.BadRequest, status_code=400, json=body)

    def test_what_is_not_glint(self) -> None:
        self.error(client.UnexpectedAnswer, text="<html>Hello</html>")
        self.error(client.UnexpectedAnswer, json=[1])
        self.error(client.UnexpectedAnswer, json={"server": {}})

    def test_no_connection(self) -> None:
        error = self.error(client.ConnectionFailed, exc=requests.exceptions.ConnectionError)
        self.assertEqual("client.connection_failed", error.code)
        self.error(client.ConnectionFailed, exc=requests.exceptions.ConnectTimeout)

    def test_broken_connection_is_tried_again_where_that_can_do_no_harm(self) -> None:
        broken = {"exc": requests.exceptions.ConnectionError}
        self.http.get(f"{GLINT}/v1/sites/s", [broken, {"json": {"site": {"id": "s"}}}])
        self.http.post(f"{GLINT}/v1/operations", [broken, {"json": {"operation": {"id": "o"}}}])
        self.http.delete(f"{GLINT}/v1/sites/s", [broken, {"status_code": 204}])

        self.assertEqual({"id": "s"}, self.client.sites.get("s"))
        self.assertEqual({"id": "o"}, self.client.operations.create([]))
        self.assertRaises(client.ConnectionFailed, self.client.sites.delete, "s")

    def test_a_repeated_request_has_the_key_of_the_first(self) -> None:
        broken = {"exc": requests.exceptions.ConnectionError}
        answer = {"json": {"operation": {"id": "o"}}}
        self.http.post(f"{GLINT}/v1/operations", [broken, answer, answer])
        self.client.operations.create([])
        self.client.operations.create([])
        first, again, other = (r.headers["Idempotency-Key"] for r in self.sent())
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_reason_without_the_stack_of_libraries(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            self.http.register_uri("GET", requests_mock.ANY, real_http=True)
            alone = client.Client(session.Session(auth=noauth.NoAuth()), endpoint_override=url)
            error = self.assertRaises(client.ConnectionFailed, alone.sites.get, "s")

        self.assertEqual(
            f"Glint cannot be reached: Unable to establish connection to {url}/v1/sites/s:"
            " [Errno 111] Connection refused",
            error.detail,
        )

    def test_untrusted_certificate(self) -> None:
        error = self.error(client.ConnectionFailed, exc=requests.exceptions.SSLError)
        self.assertEqual("client.tls_failed", error.code)

    def test_service_not_in_the_catalogue(self) -> None:
        elsewhere = client.Client(self.session, region_name="DAIR")

        error = self.assertRaises(client.ServiceNotFound, elsewhere.sites.get, "s")

        self.assertIn("DAIR", error.detail)


class TestPaging(ClientTestCase):
    def page(self, ids: str, following: str | None) -> dict[str, object]:
        links = [{"rel": "next", "href": following}] if following else []
        return {"sites": [{"id": i} for i in ids], "links": links}

    def test_all_pages_lazily(self) -> None:
        self.http.get(
            f"{GLINT}/v1/sites?type=openstack",
            json=self.page("ab", f"{GLINT}/v1/sites?type=openstack&marker=b"),
        )
        self.http.get(f"{GLINT}/v1/sites?type=openstack&marker=b", json=self.page("c", None))

        sites = self.client.sites.list(type="openstack")

        self.assertEqual("a", next(sites)["id"])
        self.assertEqual(1, len(self.sent()))
        self.assertEqual(["b", "c"], [site["id"] for site in sites])
        self.assertEqual(2, len(self.sent()))

    def test_token_does_not_follow_a_link_to_another_host(self) -> None:
        self.http.get(
            f"{GLINT}/v1/sites", json=self.page("a", "http://evil.example/v1/else?marker=a")
        )
        self.http.get(f"{GLINT}/v1/sites?marker=a", json=self.page("b", None))

        self.assertEqual(["a", "b"], [site["id"] for site in self.client.sites.list()])

    def test_a_circle_ends(self) -> None:
        self.http.get(f"{GLINT}/v1/sites", json=self.page("a", f"{GLINT}/v1/sites?marker=a"))

        self.assertRaises(client.UnexpectedAnswer, list, self.client.sites.list())

    def test_no_list_in_the_answer(self) -> None:
        self.http.get(f"{GLINT}/v1/sites", json={"site": {}})

        self.assertRaises(client.UnexpectedAnswer, list, self.client.sites.list())

    def test_filters_that_are_not_given_are_not_sent(self) -> None:
        self.http.get(f"{GLINT}/v1/deployments", json={"deployments": []})

        list(self.client.deployments.list(wanted=False, page_size=5))

        self.assertEqual({"wanted": ["false"], "limit": ["5"]}, self.sent()[0].qs)


class TestSecrets(ClientTestCase):
    def test_debug_log_holds_no_secret(self) -> None:
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.http.post(f"{GLINT}/v1/credentials", json={"credential": {"id": "c"}})
        self.http.patch(f"{GLINT}/v1/credentials/c", json={"credential": {"id": "c"}})
        self.http.post(f"{GLINT}/v1/sites", json={"site": {"id": "s"}})

        self.client.credentials.create("s", {"auth_type": "password", "password": "planted"})
        self.client.credentials.update("c", auth={"password": "planted"})
        self.client.sites.create("logged", "openstack", {})

        self.assertNotIn("planted", log.output)
        self.assertIn("logged", log.output)
