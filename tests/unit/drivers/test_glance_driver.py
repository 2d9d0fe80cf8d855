from __future__ import annotations

import threading
from typing import Any

import requests
import testtools

from glint import exception
from glint.drivers.glance import driver
from tests.unit.drivers import fakes
from tests.unit.drivers.base import IMAGES, RID, DriverTestCase

KEYSTONE_NO = {"error": {"code": 401, "message": "No.", "title": "Unauthorized"}}


class TestProbe(DriverTestCase):
    def probe(self, **answer: Any) -> Any:
        self.mock.get(fakes.AUTH_URL, **answer)
        return driver.GlanceDriver({"auth_url": fakes.AUTH_URL}, None).probe()

    def test_keystone(self) -> None:
        facts = self.probe(json={"version": {"id": "v3.14", "status": "stable"}})
        self.assertEqual({"identity_version": "v3.14"}, facts)
        self.assertEqual(1, len(self.mock.request_history))
        self.assertNotIn("X-Auth-Token", self.mock.request_history[0].headers)

    def test_something_else(self) -> None:
        answers: list[dict[str, Any]] = [
            {"text": "<h1>Welcome to nginx</h1>"},
            {"json": {"versions": []}},
            {"json": {"version": {"id": "v2.0"}}},
            {"json": {"version": {"id": 3}}},
            {"json": []},
            {"status_code": 404, "text": "<h1>Not Found</h1>"},
            {"status_code": 300, "json": {"versions": []}},
            {"status_code": 302, "headers": {"Location": "https://elsewhere.example.org/"}},
        ]
        for answer in answers:
            with testtools.ExpectedException(exception.SiteAddressWrong):
                self.probe(**answer)

    def test_a_cloud_in_trouble(self) -> None:
        caught = self.assertRaises(
            exception.SiteBusy, self.probe, status_code=503, headers={"Retry-After": "30"}
        )
        self.assertEqual(30, caught.retry_after)

    def test_address_with_or_without_version(self) -> None:
        self.mock.get(fakes.AUTH_URL, json={"version": {"id": "v3.14"}})
        base = fakes.AUTH_URL.removesuffix("/v3")
        for url in (base, f"{base}/", f"{base}/v3", f"{base}/v3/", f"{base}/v2.0"):
            driver.GlanceDriver({"auth_url": url}, None).probe()


class TestVerify(DriverTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mock.get(IMAGES, json={"images": [fakes.record()]})
        self.mock.get(
            f"{fakes.IMAGE_URL}/v2/info/import",
            json={"import-methods": {"value": ["glance-direct", "web-download", 7]}},
        )

    def test_identity_and_facts(self) -> None:
        found = self.driver().verify()
        self.assertEqual(fakes.PROJECT, found.project_id)
        self.assertEqual(("hep", "kim"), (found.project_name, found.user_name))
        self.assertEqual(
            {
                "regions": ["alto"],
                "hash_algo": "sha512",
                "import_methods": ["glance-direct", "web-download"],
            },
            found.facts,
        )

    def test_an_old_site_tells_less(self) -> None:
        self.mock.get(IMAGES, json={"images": []})
        self.mock.get(f"{fakes.IMAGE_URL}/v2/info/import", status_code=404)
        self.assertEqual({"regions": ["alto"]}, self.driver().verify().facts)

    def test_wrong_password(self) -> None:
        self.login({"status_code": 401, "json": KEYSTONE_NO})
        with testtools.ExpectedException(exception.SiteCredentialsRejected):
            self.driver().verify()

    def test_wrong_region_names_the_right_ones(self) -> None:
        with testtools.ExpectedException(exception.SiteNoImageService, ".*'west'.*It has: alto.*"):
            self.driver(region="west").verify()

    def test_wrong_interface(self) -> None:
        with testtools.ExpectedException(exception.SiteNoImageService, ".*'internal'.*"):
            self.driver(interface="internal").verify()

    def test_region_and_interface_are_chosen(self) -> None:
        body = fakes.token_body(
            fakes.endpoint("http://wrong.example.org", "west"),
            fakes.endpoint("http://wrong.example.org", "alto", "internal"),
            fakes.endpoint(f"{fakes.IMAGE_URL}/v2/"),
        )
        self.login({"json": body, "headers": {"X-Subject-Token": "t"}})
        self.driver(region="alto").verify()

    def test_an_endpoint_that_is_no_http(self) -> None:
        self.login(self.token(1, url="file:///etc/passwd"))
        with testtools.ExpectedException(exception.SiteAddressWrong):
            self.driver().verify()

    def test_odd_logins(self) -> None:
        for answer in (
            {"text": "hello", "headers": {"X-Subject-Token": "t"}},
            {"json": {"token": []}, "headers": {"X-Subject-Token": "t"}},
            {"json": {"token": {"catalog": 5}}, "headers": {"X-Subject-Token": "t"}},
            {"json": fakes.token_body()},
            {"json": [1], "headers": {"X-Subject-Token": "t"}},
            {"exc": requests.exceptions.InvalidHeader("token")},
        ):
            self.login(answer)
            self.assertRaises(exception.SiteError, self.driver().verify)

    def test_odd_answers(self) -> None:
        for answer in (
            {"text": "{", "headers": {"Content-Type": "application/json"}},
            {"json": [1]},
            {"json": {"images": None}},
            {"content": b"\xff\xfe"},
        ):
            self.mock.get(IMAGES, **answer)
            self.assertRaises(exception.SiteError, self.driver().verify)


class TestTokens(DriverTestCase):
    def test_one_login_serves_many_calls(self) -> None:
        login = self.login()
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record())
        used = self.driver()
        for _ in range(3):
            used.get_image(RID)
        self.assertEqual(1, login.call_count)

    def test_a_token_that_died_is_renewed_once(self) -> None:
        login = self.login()
        self.mock.get(f"{IMAGES}/{RID}", [{"status_code": 401}, {"json": fakes.record()}])
        self.assertEqual(RID, self.driver().get_image(RID).id)
        self.assertEqual(2, login.call_count)
        self.assertEqual("token-2", self.sent("GET")[-1].headers["X-Auth-Token"])

    def test_a_second_401_is_final(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", status_code=401)
        with testtools.ExpectedException(exception.SiteCredentialsRejected):
            self.driver().get_image(RID)
        self.assertEqual(2, len(self.sent("GET")))

    def test_renew_logs_in_anew(self) -> None:
        login = self.login()
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record())
        used = self.driver()
        used.get_image(RID)
        used.renew()
        used.get_image(RID)
        self.assertEqual(2, login.call_count)

    def test_a_token_about_to_end_is_renewed_before_a_long_call(self) -> None:
        login = self.login(self.token(1, lifetime=200), self.token(2))
        self.mock.get(f"{IMAGES}/{RID}/file", content=b"abc", headers={"Content-Length": "3"})
        self.driver().open(RID).close()
        self.assertEqual(2, login.call_count)
        self.assertEqual("token-2", self.sent("GET")[-1].headers["X-Auth-Token"])

    def test_a_site_of_short_tokens_is_no_endless_loop(self) -> None:
        login = self.login(self.token(1, lifetime=200), self.token(2, lifetime=200))
        self.mock.get(f"{IMAGES}/{RID}/file", content=b"abc", headers={"Content-Length": "3"})
        self.driver().open(RID).close()
        self.assertEqual(2, login.call_count)

    def test_threads_share_a_login(self) -> None:
        self.login(self.token(1))
        used = self.driver()
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(100):
                    used._site.login()
                    used.renew()
            except BaseException as exc:  # noqa: BLE001 - handed to the test
                failures.append(exc)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)

    def test_without_a_credential(self) -> None:
        with testtools.ExpectedException(exception.SiteCredentialsRejected):
            driver.GlanceDriver({"auth_url": fakes.AUTH_URL}, None).verify()

    def test_application_credential(self) -> None:
        auth = {
            "auth_type": "v3applicationcredential",
            "application_credential_id": "app",
            "application_credential_secret": fakes.SECRET,
        }
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record())
        driver.GlanceDriver({"auth_url": fakes.AUTH_URL}, auth).get_image(RID)
        identity = self.sent("POST")[0].json()["auth"]["identity"]
        self.assertEqual(["application_credential"], identity["methods"])
        self.assertNotIn("scope", self.sent("POST")[0].json()["auth"])

    def test_domains(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record())
        auth = fakes.auth(project_domain_id="pd")
        driver.GlanceDriver({"auth_url": fakes.AUTH_URL}, auth).get_image(RID)
        sent = self.sent("POST")[0].json()["auth"]
        self.assertEqual({"name": "Default"}, sent["identity"]["password"]["user"]["domain"])
        self.assertEqual({"id": "pd"}, sent["scope"]["project"]["domain"])


class TestRecord(DriverTestCase):
    def test_create(self) -> None:
        self.mock.post(IMAGES, status_code=201, json=fakes.record(status="queued"))
        wish = fakes.image(min_disk=3, min_ram=64, protected=True, properties={"os_distro": "x"})
        self.assertEqual(RID, self.driver().create(wish, fakes.STAMP))
        self.assertEqual(
            {
                "name": "glint-incoming-tra-1",
                "visibility": "private",
                "disk_format": "raw",
                "container_format": "bare",
                "min_disk": 3,
                "min_ram": 64,
                **fakes.STAMP.properties(),
            },
            self.sent("POST")[-1].json(),
        )

    def test_create_is_refused(self) -> None:
        for status, text, kind in (
            (413, "too many images", exception.SiteQuotaExceeded),
            (403, "no", exception.SiteForbidden),
            (400, "Invalid disk_format", exception.SiteFormatRefused),
            (404, "", exception.SiteAddressWrong),
            (500, "", exception.SiteBusy),
        ):
            self.mock.post(IMAGES, status_code=status, text=text)
            with testtools.ExpectedException(kind):
                self.driver().create(fakes.image(), fakes.STAMP)

    def test_create_gives_no_id(self) -> None:
        bodies: list[Any] = [{}, [], {"id": "../x"}, {"id": None}]
        for body in bodies:
            self.mock.post(IMAGES, status_code=201, json=body)
            with testtools.ExpectedException(exception.SiteError):
                self.driver().create(fakes.image(), fakes.STAMP)

    def test_get(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record(**fakes.STAMP.properties(), x="y"))
        found = self.driver().get_image(RID)
        self.assertEqual(fakes.STAMP, found.stamp)
        self.assertEqual({**fakes.STAMP.properties(), "x": "y"}, found.properties)

    def test_get_what_is_not_there(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", status_code=404)
        with testtools.ExpectedException(exception.SiteImageNotFound):
            self.driver().get_image(RID)

    def test_ids_do_not_become_paths(self) -> None:
        used = self.driver()
        for ident in ("../x", "", "a/b", "a?b", "x" * 65, "a\n"):
            for call in (used.get_image, used.open, lambda i: used.upload(i, b"")):  # type: ignore[arg-type]
                with testtools.ExpectedException(exception.SiteImageNotFound):
                    call(ident)
        self.assertEqual([], self.mock.request_history)

    def test_get_of_another_image(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record("other"))
        with testtools.ExpectedException(exception.SiteError):
            self.driver().get_image(RID)


class TestDelete(DriverTestCase):
    def test_gone_is_deleted(self) -> None:
        for status in (204, 404, 410):
            self.mock.delete(f"{IMAGES}/{RID}", status_code=status)
            self.driver().delete(RID)

    def test_in_use(self) -> None:
        self.mock.delete(f"{IMAGES}/{RID}", status_code=409, text="in use")
        with testtools.ExpectedException(exception.SiteConflict):
            self.driver().delete(RID)

    def protected(self, **more: Any) -> None:
        self.mock.delete(f"{IMAGES}/{RID}", [{"status_code": 403}, {"status_code": 204}])
        self.mock.get(f"{IMAGES}/{RID}", json=fakes.record(protected=True, **more))
        self.mock.patch(f"{IMAGES}/{RID}", json={})

    def test_protection_of_our_own_is_lifted(self) -> None:
        self.protected(**fakes.STAMP.properties())
        self.driver().delete(RID)
        self.assertEqual(
            [[{"op": "replace", "path": "/protected", "value": False}]],
            [one.json() for one in self.sent("PATCH")],
        )

    def test_protection_of_others_stays(self) -> None:
        self.protected()
        with testtools.ExpectedException(exception.SiteForbidden):
            self.driver().delete(RID)
        self.assertEqual([], self.sent("PATCH"))

    def test_what_cannot_be_deleted_is_protected_again(self) -> None:
        self.protected(**fakes.STAMP.properties())
        self.mock.delete(f"{IMAGES}/{RID}", [{"status_code": 403}, {"status_code": 409}])
        with testtools.ExpectedException(exception.SiteConflict):
            self.driver().delete(RID)
        self.assertEqual([False, True], [one.json()[0]["value"] for one in self.sent("PATCH")])


class TestSecrets(DriverTestCase):
    def test_nowhere(self) -> None:
        used = self.driver()
        echo = f"you are kim with {fakes.SECRET} and token-1"
        said = [repr(used), str(used), repr(used._site)]
        self.mock.get(f"{IMAGES}/{RID}", status_code=400, text=echo)
        self.mock.delete(f"{IMAGES}/{RID}", status_code=409, text=echo)
        self.mock.get(f"{IMAGES}/{RID}/file", status_code=403, text=echo)
        for call in (used.get_image, used.delete, used.open):
            try:
                call(RID)
            except exception.SiteError as exc:
                said += [str(exc), repr(exc), repr(exc.facts)]
        self.login({"status_code": 401, "json": {"error": {"message": echo}}})
        used.renew()
        try:
            used.verify()
        except exception.SiteError as exc:
            said += [str(exc), repr(exc)]
        self.assertEqual(14, len(said))
        everything = "\n".join([*said, self.log.output])
        self.assertNotIn(fakes.SECRET, everything)
        self.assertNotIn("token-1", everything)
        self.assertIn("you are kim with ***", everything)
