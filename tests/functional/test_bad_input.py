"""Bad input for sites and credentials: unknown, unreachable, untrusted, wrong.

Each has its status, its stable code and a sentence, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import fixtures

from tests.functional.badinput import BadInputCase
from tests.functional.base import application_credential_of, change, password_of
from tests.minicloud import tls, topology
from tests.minicloud.faultproxy import FaultProxy

CLOSED_PORT = 1
"""A port on which nothing listens."""


class _NotACloud(http.server.BaseHTTPRequestHandler):
    """A web server that is well, and no cloud."""

    def do_GET(self) -> None:
        page = b"<html><body>It works!</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def not_a_cloud() -> Iterator[str]:
    """The address of a web server that is no cloud."""
    with http.server.ThreadingHTTPServer((topology.LOOPBACK, 0), _NotACloud) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://{topology.LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


class SiteInputTest(BadInputCase):
    def site(self, name: str = "NEW", **changes: Any) -> dict[str, Any]:
        connection = {"auth_url": self.dair.auth_url} | changes.pop("connection", {})
        return {"name": name, "type": "openstack", "connection": connection} | changes

    def refused(self, status: int, code: str, **changes: Any) -> dict[str, Any]:
        answer = self.http.post("/v1/sites", self.site(**changes))
        return self.assert_refused(answer, status, code)

    def test_unknown_type(self) -> None:
        error = self.refused(400, "site.type_unknown", type="cumulus")
        self.assertIn("cumulus", error["detail"])
        self.assertIn("openstack", error["detail"])

    def test_nothing_listens_there(self) -> None:
        url = f"http://{topology.LOOPBACK}:{CLOSED_PORT}/v3"
        error = self.refused(400, "site.unreachable", connection={"auth_url": url})
        self.assertIn(url.removesuffix("/v3"), error["detail"])

    def test_not_a_cloud(self) -> None:
        with not_a_cloud() as url:
            for path in ("", "/v3", "/some/where"):
                where = {"auth_url": url + path}
                error = self.refused(400, "site.address_wrong", connection=where)
                self.assertIn(url, error["detail"])

    def test_a_glance_is_no_keystone(self) -> None:
        where = {"auth_url": self.dair.image_url}
        self.refused(400, "site.address_wrong", connection=where)

    def test_addresses_that_are_none(self) -> None:
        for url in (
            "",
            "dair",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "http://",
            "http://user:secret@127.0.0.1:5000/v3",
            "http://127.0.0.1:5000/v3?x=y",
            "http://127.0.0.1:5000/v3#x",
            "http://127.0.0.1:99999/v3",
            "http://127.0.0.1:5000/v3\n",
            None,
            17,
        ):
            answer = self.http.post("/v1/sites", self.site(connection={"auth_url": url}))
            self.assertEqual(400, answer.status_code, f"{url!r}: {answer.text}")
            (error,) = answer.json()["errors"]
            self.assertIn(error["code"], ("request.invalid", "site.address_wrong"), str(url))
            self.assertNotIn("secret@", answer.text)

    def test_no_address(self) -> None:
        body = {"name": "NEW", "type": "openstack", "connection": {}}
        error = self.assert_refused(self.http.post("/v1/sites", body), 400, "request.invalid")
        self.assertIn("auth_url", error["detail"])

    def test_fields_that_do_not_exist(self) -> None:
        error = self.refused(400, "request.invalid", connection={"region_name": "x"})
        self.assertIn("region_name", error["detail"])
        self.refused(400, "request.invalid", colour="red")

    def test_fields_of_the_wrong_kind(self) -> None:
        for changes in (
            {"name": ""},
            {"name": 5},
            {"name": "x" * 300},
            {"name": None},
            {"max_transfers": 0},
            {"max_transfers": "4"},
            {"enabled": "yes"},
            {"connection": {"insecure": "no"}},
            {"connection": {"ca_cert": "not a certificate"}},
            {"connection": {"interface": "back door"}},
        ):
            self.refused(400, "request.invalid", **changes)

    def test_insecure_is_for_administrators(self) -> None:
        self.refused(403, "request.forbidden", connection={"insecure": True})
        self.refused(403, "request.forbidden", connection={"insecure": True}, probe=False)
        answer = self.http.patch(
            f"/v1/sites/{self.column['site_id']}",
            {"connection": {"auth_url": self.dair.auth_url, "insecure": True}},
        )
        self.assert_refused(answer, 403, "request.forbidden")

    def test_a_name_that_is_taken(self) -> None:
        error = self.refused(409, "site.name_in_use", name="DAIR")
        self.assertIn("DAIR", error["detail"])
        answer = self.http.patch(f"/v1/sites/{self.column['site_id']}", {"name": "ALTO"})
        self.assert_refused(answer, 409, "site.name_in_use")

    def test_a_change_to_a_place_where_nothing_is(self) -> None:
        url = f"http://{topology.LOOPBACK}:{CLOSED_PORT}/v3"
        where = {"connection": {"auth_url": url}}
        answer = self.http.patch(f"/v1/sites/{self.column['site_id']}", where)
        self.assert_refused(answer, 400, "site.unreachable")

    def test_in_use(self) -> None:
        answer = self.http.delete(f"/v1/sites/{self.column['site_id']}")
        self.assert_refused(answer, 409, "site.in_use")

    def test_disabled(self) -> None:
        path = f"/v1/sites/{self.column['site_id']}"
        generation = self.http.get(path).json()["site"]["generation"]
        self.assertEqual(200, self.http.patch(path, {"enabled": False}).status_code)
        body = {"changes": [change(self.image, self.column)]}
        answer = self.http.post("/v1/operations", body)
        self.assertEqual(200, self.http.patch(path, {"enabled": True}).status_code)
        self.assert_refused(answer, 409, "site.disabled")
        stale = self.http.patch(path, {"name": "OTHER", "generation": generation})
        self.assertEqual(409, stale.status_code, stale.text)
        self.assertRegex(stale.json()["errors"][0]["code"], r"generation_conflict$")

    def _assert_unchanged(self, before: dict[str, Any]) -> None:
        after = self._state()
        for state in (before, after):
            for site in state["sites"].values():
                del site["generation"]  # of a site that was disabled and enabled again
        self.assertEqual(before, after)


class CredentialInputTest(BadInputCase):
    def refused(self, status: int, code: str, auth: Any, **changes: Any) -> dict[str, Any]:
        body = {"site_id": self.column["site_id"], "auth": auth} | changes
        return self.assert_refused(self.http.post("/v1/credentials", body), status, code)

    def auth(self, **changes: Any) -> dict[str, Any]:
        return password_of(self.dair, "bio-member") | changes

    def test_wrong_password(self) -> None:
        error = self.refused(400, "site.credentials_rejected", self.auth(password="guess-4711"))
        self.assertNotIn("guess-4711", str(error))

    def test_unknown_user_or_project(self) -> None:
        self.refused(400, "site.credentials_rejected", self.auth(username="nobody"))
        self.refused(400, "site.credentials_rejected", self.auth(project_name="nowhere"))
        self.refused(400, "site.credentials_rejected", self.auth(project_name="hep"))

    def test_wrong_application_credential(self) -> None:
        good = application_credential_of(self.dair, "bio-member", self.id())
        for field in ("application_credential_id", "application_credential_secret"):
            self.refused(400, "site.credentials_rejected", good | {field: "f" * 32})

    def test_what_the_schema_says(self) -> None:
        password = self.auth()
        bad: list[Any] = [
            {},
            None,
            [],
            "password",
            {"auth_type": "token", "token": "x"},
            {"auth_type": "v3applicationcredential", "application_credential_id": "x"},
            {key: value for key, value in password.items() if key != "password"},
            {key: value for key, value in password.items() if key != "project_name"},
            password | {"user_id": "x"},
            password | {"auth_url": "http://127.0.0.1:1"},
            password | {"password": ["x"]},
        ]
        for auth in bad:
            self.refused(400, "request.invalid", auth)

    def test_no_such_site(self) -> None:
        self.refused(404, "site.not_found", self.auth(), site_id=str(uuid.uuid4()))

    def test_home_is_for_the_home_cloud(self) -> None:
        body = {"site_id": self.column["site_id"], "auth": {"auth_type": "home"}}
        answer = self.http.post("/v1/credentials", body)
        self.assertEqual(400, answer.status_code, answer.text)
        self.assertTrue(answer.json()["errors"][0]["code"])

    def test_a_worse_secret_does_not_replace_a_good_one(self) -> None:
        auth = password_of(self.dair, "hep-member") | {"password": "wrong"}
        answer = self.http.patch(f"/v1/credentials/{self.column['id']}", {"auth": auth})
        self.assert_refused(answer, 400, "site.credentials_rejected")
        answer = self.http.post(
            "/v1/credentials", {"site_id": self.column["site_id"], "auth": auth}
        )
        self.assert_refused(answer, 400, "site.credentials_rejected")
        verified = self.http.post(f"/v1/credentials/{self.column['id']}/verify")
        self.assertEqual(200, verified.status_code, verified.text)

    def test_in_use(self) -> None:
        """A scan has found an image, which is a wish: the column does not go unasked."""
        self.assertTrue(self.user.cell(self.image, self.home)["wanted"])
        answer = self.http.delete(f"/v1/credentials/{self.home['id']}")
        self.assert_refused(answer, 409, "credential.in_use")

    def test_a_region_that_is_not_there(self) -> None:
        body = {
            "name": "NOWHERE",
            "type": "openstack",
            "connection": {"auth_url": self.dair.auth_url, "region": "nowhere"},
        }
        answer = self.http.post("/v1/sites", body)
        if answer.status_code == 201:  # the address is good; the catalogue shows itself to users
            path = f"/v1/sites/{answer.json()['site']['id']}"
            self.addCleanup(self.http.delete, path)
            site_id = answer.json()["site"]["id"]
            error = self.refused(400, "site.no_image_service", self.auth(), site_id=site_id)
            self.assertIn("nowhere", error["detail"])
        else:
            self.assert_refused(answer, 400, "site.no_image_service")


class TrustTest(BadInputCase):
    """A Keystone behind TLS, whose certificate is from an authority of its own."""

    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.authority = tls.Authority(folder / "good")
        self.other = tls.Authority(folder / "other", name="another CA")

    def keystone(self, certificate: tls.Certificate | None = None) -> str:
        """DAIR's Keystone with TLS; its address."""
        context = (certificate or self.authority.issue()).server_context()
        proxy = FaultProxy(self.dair.auth_url.removesuffix("/v3"), tls=context).start()
        self.addCleanup(proxy.stop)
        return f"{proxy.url}/v3"

    def ask(self, url: str, authority: tls.Authority | None = None, **more: Any) -> Any:
        connection = {"auth_url": url} | more
        if authority is not None:
            connection["ca_cert"] = authority.certificate.read_text()
        body = {"name": "SAFE", "type": "openstack", "connection": connection}
        return self.http.post("/v1/sites", body)

    def test_trusted(self) -> None:
        answer = self.ask(self.keystone(), self.authority)
        self.assertEqual(201, answer.status_code, answer.text)
        path = f"/v1/sites/{answer.json()['site']['id']}"
        self.addCleanup(self.http.delete, path)
        self.assertEqual("ok", answer.json()["site"]["health"])
        auth = password_of(self.dair, "bio-member")
        body = {"site_id": answer.json()["site"]["id"], "auth": auth}
        made = self.http.post("/v1/credentials", body)
        self.assertEqual(201, made.status_code, made.text)
        self.addCleanup(self.http.delete, f"/v1/credentials/{made.json()['credential']['id']}")

    def test_without_its_ca(self) -> None:
        error = self.assert_refused(self.ask(self.keystone()), 400, "site.tls_failed")
        self.assertIn("ca_cert", error["detail"])

    def test_with_another_ca(self) -> None:
        answer = self.ask(self.keystone(), self.other)
        self.assert_refused(answer, 400, "site.tls_failed")

    def test_with_certificates_that_are_not_good(self) -> None:
        for certificate in (
            self.authority.issue("keystone.example.org"),
            self.authority.issue(valid_days=-1),
        ):
            answer = self.ask(self.keystone(certificate), self.authority)
            self.assert_refused(answer, 400, "site.tls_failed")

    def test_where_there_is_no_tls(self) -> None:
        url = self.dair.auth_url.replace("http:", "https:")
        answer = self.ask(url)
        self.assertEqual(400, answer.status_code, answer.text)
        self.assertIn(answer.json()["errors"][0]["code"], ("site.tls_failed", "site.address_wrong"))

    def test_a_ca_that_is_none(self) -> None:
        broken = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
        answer = self.ask(self.keystone(), ca_cert=broken)
        self.assertEqual(400, answer.status_code, answer.text)
        self.assertIn(answer.json()["errors"][0]["code"], ("request.invalid", "site.tls_failed"))
