from __future__ import annotations

import io
import json
import logging
import socket
from typing import Any

import requests
import requests_mock
import testtools
from requests_mock.contrib import fixture as rm_fixture

from glint import exception
from glint.credentials import errors, home

URL = "https://keystone.example.org/v3"
TOKENS = f"{URL}/auth/tokens"
MINE = f"{URL}/users/ada/application_credentials"
TOKEN = "pl4nt3d-token"
SECRET = "pl4nt3d-secret"


def token(**changes: Any) -> dict[str, Any]:
    body = {
        "user": {"id": "ada"},
        "project": {"id": "hep"},
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "roles": [{"id": "r1", "name": "member"}],
        "catalog": [
            {"type": "compute", "endpoints": [{"url": "https://nova/v2.1"}]},
            {"type": "image", "endpoints": [_endpoint("https://c.example.org/image")]},
        ],
    }
    return {"token": {**body, **changes}}


def _endpoint(url: str) -> dict[str, str]:
    return {"url": url, "interface": "public", "region": "R", "region_id": "R", "id": "e"}


class HomeCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mock = self.useFixture(rm_fixture.Fixture())
        self.mock.get(TOKENS, json=token())
        self.mock.post(TOKENS, json=token(), headers={"X-Subject-Token": "pl4nt3d-of-the-new"})
        made = {"application_credential": {"id": "new", "secret": SECRET}}
        # keystoneauth logs the bodies of answers of this type only.
        headers = {"Content-Type": "application/json"}
        self.created = self.mock.post(MINE, json=made, status_code=201, headers=headers)
        self.deleted = self.mock.delete(f"{MINE}/new", status_code=204)
        self.images = self.mock.get("https://c.example.org/image/v2/images", json={})
        self.home = home.HomeCloud("https://keystone.example.org/", region="R")

    def make(self) -> dict[str, Any]:
        return self.home.create_application_credential(
            TOKEN, user_id="ada", project_id="hep", name="glint"
        )

    def delete(self) -> None:
        self.home.delete_application_credential(TOKEN, "ada", "new")

    def sent(self) -> list[dict[str, Any]]:
        return [
            request.json()["application_credential"] for request in self.created.request_history
        ]


class TestHomeCloud(HomeCase):
    def test_paths_below_a_prefix(self) -> None:
        """An image service at /image gets the rule for it; a proxy may also cut the prefix off."""
        self.make()
        (wish,) = self.sent()
        self.assertEqual({"/v2/**", "/image/v2/**"}, {r["path"] for r in wish["access_rules"]})

    def test_endpoint_that_names_the_version(self) -> None:
        self.mock.get(
            TOKENS,
            json=token(catalog=[{"type": "image", "endpoints": [_endpoint("https://c/i/v2/")]}]),
        )
        self.make()
        self.assertEqual(
            {"/v2/**", "/i/v2/**"}, {r["path"] for r in self.sent()[0]["access_rules"]}
        )

    def test_powerful_roles_only_where_there_is_no_other(self) -> None:
        for names, wanted in (
            (["admin", "member", "Service"], ["member"]),
            (["admin"], ["admin"]),
            (["uploader"], ["uploader"]),
        ):
            roles = [{"id": name, "name": name} for name in names]
            self.mock.get(TOKENS, json=token(roles=roles))
            self.make()
            self.assertEqual([{"id": name} for name in wanted], self.sent()[-1]["roles"])

    def test_keystone_without_access_rules(self) -> None:
        """Before Train, Keystone answers 400 for them."""
        self.created = self.mock.post(
            MINE,
            [
                {"status_code": 400, "json": {"error": {"message": "unexpected access_rules"}}},
                {"json": {"application_credential": {"id": "new", "secret": SECRET}}},
            ],
        )
        self.assertEqual("new", self.make()["application_credential_id"])
        self.assertEqual([True, False], ["access_rules" in wish for wish in self.sent()])

    def test_image_service_refuses_rules(self) -> None:
        self.mock.get("https://c.example.org/image/v2/images", status_code=401)
        self.make()
        self.assertEqual([True, False], ["access_rules" in wish for wish in self.sent()])
        self.assertEqual(1, self.deleted.call_count)

    def test_image_service_away_is_no_reason_to_drop_rules(self) -> None:
        self.mock.get("https://c.example.org/image/v2/images", status_code=503)
        self.make()
        self.assertEqual(1, len(self.sent()))
        self.assertEqual(0, self.deleted.call_count)

    def test_delegated_tokens(self) -> None:
        for kind, word in (
            ({"application_credential": {"id": "a", "restricted": True}}, "application credential"),
            ({"application_credential": {"id": "a"}}, "application credential"),
            ({"OS-TRUST:trust": {"id": "t"}}, "a trust"),
            ({"OS-OAUTH1": {}}, "OAuth"),
        ):
            self.mock.get(TOKENS, json=token(**kind))
            error = self.assertRaises(errors.HomeTokenUnsuitable, self.make)
            self.assertIn(word, str(error))
        self.assertEqual([], self.sent())

    def test_unrestricted_application_credential_may(self) -> None:
        self.mock.get(TOKENS, json=token(application_credential={"id": "a", "restricted": False}))
        self.assertEqual("new", self.make()["application_credential_id"])

    def test_token_without_project(self) -> None:
        body = token()
        del body["token"]["project"]
        self.mock.get(TOKENS, json=body)
        error = self.assertRaises(errors.HomeTokenUnsuitable, self.make)
        self.assertIn("not for project hep", str(error))

    def test_delete_what_is_gone(self) -> None:
        self.mock.delete(f"{MINE}/new", status_code=404)
        self.delete()

    def test_ids_are_quoted(self) -> None:
        self.mock.delete(f"{URL}/users/a%2F..%2Fb/application_credentials/c%3Fd", status_code=204)
        self.home.delete_application_credential(TOKEN, "a/../b", "c?d")


class TestFailures(HomeCase):
    CASES: tuple[tuple[dict[str, Any], type[exception.GlintError], str], ...] = (
        ({"status_code": 401}, errors.HomeTokenUnsuitable, "Log in again"),
        (
            {
                "status_code": 403,
                "json": {"error": {"message": "identity:x is disallowed."}},
                "headers": {"Content-Type": "application/json"},
            },
            errors.HomeTokenUnsuitable,
            "identity:x is disallowed",
        ),
        ({"status_code": 409}, errors.HomeRefused, "Conflict"),
        ({"status_code": 429}, exception.SiteBusy, "429"),
        ({"status_code": 500}, exception.SiteBusy, "500"),
        ({"status_code": 503, "text": "<html>"}, exception.SiteBusy, "503"),
        (
            {"status_code": 302, "headers": {"Location": "http://evil.example.org/"}},
            exception.SiteAddressWrong,
            "redirects",
        ),
        ({"status_code": 300, "json": {"versions": []}}, exception.SiteAddressWrong, "redirects"),
        (
            {"exc": requests.exceptions.SSLError("self-signed certificate")},
            exception.SiteTLSFailed,
            "self-signed",
        ),
        (
            {"exc": requests.exceptions.ConnectTimeout("took too long")},
            exception.SiteUnreachable,
            "keystone.example.org",
        ),
        (
            {"exc": requests.exceptions.ConnectionError("refused")},
            exception.SiteUnreachable,
            "refused",
        ),
    )

    def test_each_has_its_error(self) -> None:
        for method, url, call in (
            (requests_mock.GET, TOKENS, self.make),
            (requests_mock.POST, MINE, self.make),
            (requests_mock.DELETE, f"{MINE}/new", self.delete),
        ):
            for answer, kind, words in self.CASES:
                with requests_mock.Mocker() as mock:
                    mock.get(TOKENS, json=token())
                    mock.register_uri(method, url, **answer)
                    error = self.assertRaises(kind, call)
                self.assertIn(words, str(error))
                self.assertNotIn("..", str(error))
                self.assertNotIn("pl4nt3d", f"{error} {error.as_dict()}")

    def test_something_else_answers(self) -> None:
        answers: tuple[dict[str, Any], ...] = (
            {"text": "<html>Welcome</html>"},
            {"json": []},
            {"json": {"token": {}}},
        )
        for answer in answers:
            self.mock.get(TOKENS, **answer)
            error = self.assertRaises(exception.SiteAddressWrong, self.make)
            self.assertIn("not Keystone's", str(error))
        self.mock.get(TOKENS, status_code=404, text="<html>")
        self.assertRaises(exception.SiteAddressWrong, self.make)


class TestTime(testtools.TestCase):
    def test_a_silent_server_is_given_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            cloud = home.HomeCloud(f"http://127.0.0.1:{port}/v3", timeout=0.2)
            self.assertRaises(
                exception.SiteUnreachable,
                cloud.delete_application_credential, TOKEN, "ada", "new",
            )  # fmt: skip


class TestSilence(HomeCase):
    def test_debug_logs_hold_no_secret(self) -> None:
        written = io.StringIO()
        handler = logging.StreamHandler(written)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        self.addCleanup(root.setLevel, level)
        self.addCleanup(root.removeHandler, handler)
        made = self.make()
        self.delete()
        shown = f"{written.getvalue()} {made} {self.home!r} {vars(self.home)}"
        self.assertNotIn("pl4nt3d", shown)
        self.assertIn("auth/tokens", json.dumps([r.url for r in self.mock.request_history]))
