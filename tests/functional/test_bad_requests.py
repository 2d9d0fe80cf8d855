"""Bad requests for images and Saves, and those that no resource gets to see.

Each has its status, its stable code and a sentence, and leaves nothing behind.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import requests

from tests.functional.badinput import BadInputCase
from tests.functional.base import Glance, change


class ImageInputTest(BadInputCase):
    def refused(self, status: int, code: str, **body: Any) -> dict[str, Any]:
        whole = {"credential_id": self.home["id"], "remote_id": str(uuid.uuid4())} | body
        return self.assert_refused(self.http.post("/v1/images", whole), status, code)

    def test_not_at_the_site(self) -> None:
        remote_id = str(uuid.uuid4())
        error = self.refused(404, "site.image_not_found", remote_id=remote_id)
        self.assertIn(remote_id, error["detail"])

    def test_hostile_ids(self) -> None:
        for remote_id in ("../../v3/users", "a b", "%2e%2e", "x" * 1000, "", "\u0000", 17, None):
            answer = self.http.post(
                "/v1/images", {"credential_id": self.home["id"], "remote_id": remote_id}
            )
            self.assertIn(answer.status_code, (400, 404), f"{remote_id!r}: {answer.text}")

    def test_not_active(self) -> None:
        queued = self.glance.create("empty-handed")
        self.addCleanup(self.glance.delete, queued)
        error = self.refused(409, "image.not_active", remote_id=queued)
        self.assertIn("queued", error["detail"])

    def test_no_such_credential(self) -> None:
        self.refused(404, "credential.not_found", credential_id=str(uuid.uuid4()))

    def test_another_projects_image_at_the_site(self) -> None:
        glance = Glance(self.alto.session("bio-member"), self.alto.image_url)
        private = glance.add(b"of bio", "private", visibility="private")
        self.addCleanup(glance.delete, private)
        self.refused(404, "site.image_not_found", remote_id=private)

    def test_in_use(self) -> None:
        answer = self.http.delete(f"/v1/images/{self.image['id']}")
        self.assert_refused(answer, 409, "image.in_use")

    def test_another_generation(self) -> None:
        path = f"/v1/images/{self.image['id']}"
        other = self.image["generation"] + 7
        answer = self.http.patch(path, {"name": "new", "generation": other})
        error = self.assert_refused(answer, 409, "image.generation_conflict")
        self.assertEqual(self.image["generation"], error["fresh"]["generation"])

    def test_what_must_not_be_changed(self) -> None:
        path = f"/v1/images/{self.image['id']}"
        for body in (
            {"size": 1},
            {"os_hash_value": "0" * 128},
            {"project_id": "x"},
            {"min_disk": -1},
            {"tags": "a"},
            {"properties": {"x": 1}},
        ):
            answer = self.http.patch(path, body)
            self.assertEqual(400, answer.status_code, f"{body}: {answer.text}")

    def test_names_of_properties_that_are_not_the_users(self) -> None:
        """Those of Glance itself, and Glint's stamp."""
        path = f"/v1/images/{self.image['id']}"
        before = self.http.get(path).json()["image"]
        for name in ("os_hash_value", "status", "glint_image"):
            answer = self.http.patch(path, {"properties": {name: "x"}})
            if answer.status_code == 200:
                self.http.patch(path, {"properties": before["properties"]})
            self.assertEqual(400, answer.status_code, f"{name}: {answer.text}")


class SaveInputTest(BadInputCase):
    def refused(self, status: int, code: str, *changes: Any) -> dict[str, Any]:
        answer = self.http.post("/v1/operations", {"changes": list(changes)})
        return self.assert_refused(answer, status, code)

    def test_unknown_things(self) -> None:
        nothing = {"id": str(uuid.uuid4())}
        good = change(self.image, self.column)
        error = self.refused(404, "image.not_found", good, change(nothing, self.column))
        self.assertIn(nothing["id"], error["detail"])
        self.refused(404, "credential.not_found", good, change(self.image, nothing))

    def test_another_projects_image(self) -> None:
        mine = change(self.image, self.column)
        answer = self.stranger.http.post("/v1/operations", {"changes": [mine]})
        self.assertEqual(404, answer.status_code, answer.text)
        self.assertRegex(answer.json()["errors"][0]["code"], "^(image|credential).not_found$")

    def test_one_cell_twice(self) -> None:
        one = change(self.image, self.column)
        self.refused(400, "request.invalid", one, one)
        self.refused(400, "request.invalid", one, one | {"wanted": False})

    def test_another_generation(self) -> None:
        other = self.image["generation"] + 7
        one = change(self.image, self.column, generation=other)
        error = self.refused(409, "image.generation_conflict", one)
        self.assertEqual(self.image["id"], error["fresh"]["id"])
        self.assertEqual(self.image["generation"], error["fresh"]["generation"])

    def test_nothing_to_change(self) -> None:
        self.refused(409, "operation.no_change", change(self.image, self.column, False))
        self.refused(409, "operation.no_change", change(self.image, self.home))

    def test_the_last_copy(self) -> None:
        one = change(self.image, self.home, False, allow_foreign=True)
        self.refused(409, "deployment.last_copy", one)

    def test_bodies_that_are_none(self) -> None:
        one = change(self.image, self.column)
        bad: list[Any] = [[], None, {}, "x", [None], [[]], [{}], [one | {"wanted": "true"}]]
        for changes in bad:
            answer = self.http.post("/v1/operations", {"changes": changes})
            self.assert_refused(answer, 400, "request.invalid")
        self.refused(400, "request.invalid", one | {"force": True})
        self.refused(404, "image.not_found", one | {"image_id": "not-a-uuid"})
        many = [change({"id": str(uuid.uuid4())}, self.column) for _ in range(1001)]
        self.refused(400, "request.invalid", *many)


class RequestTest(BadInputCase):
    """What no resource gets to see."""

    def body(self) -> dict[str, Any]:
        return {
            "name": "NEW",
            "type": "openstack",
            "connection": {"auth_url": self.dair.auth_url},
            "probe": False,
        }

    def send(self, data: Any, content_type: str | None = "application/json") -> requests.Response:
        headers = {"Content-Type": content_type} if content_type else {}
        return self.http("POST", "/v1/sites", data=data, headers=headers)

    def test_malformed_json(self) -> None:
        for data in (b"{", b"{'name': 'x'}", b'{"name": "x",}', b"\xff\xfe", b"", b'{"a": NaN}'):
            answer = self.send(data)
            self.assert_refused(answer, 400, "request.malformed_json")
        for data in (b"[]", b"17", b'"x"', b"null"):
            answer = self.send(data)
            self.assertEqual(400, answer.status_code, answer.text)
            code = answer.json()["errors"][0]["code"]
            self.assertIn(code, ("request.malformed_json", "request.invalid"))

    def test_deeply_nested_json(self) -> None:
        answer = self.send(b"[" * 100_000)
        self.assert_refused(answer, 400, "request.malformed_json")

    def test_a_key_twice(self) -> None:
        """Which of the two is meant is nobody's to guess."""
        data = json.dumps(self.body())[:-1] + ', "name": "OTHER"}'
        answer = self.send(data.encode())
        self.assertEqual(400, answer.status_code, answer.text)

    def test_body_too_large(self) -> None:
        big = json.dumps(self.body() | {"name": "x" * 2_000_000}).encode()
        self.assert_refused(self.send(big), 413, "request.body_too_large")
        chunks = (big[at : at + 65536] for at in range(0, len(big), 65536))
        self.assert_refused(self.send(chunks), 413, "request.body_too_large")

    def test_wrong_content_type(self) -> None:
        data = json.dumps(self.body()).encode()
        for content_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
            error = self.assert_refused(self.send(data, content_type), 415, "request.content_type")
            self.assertIn(content_type, error["detail"])
        self.assert_refused(self.send(data, None), 415, "request.content_type")

    def test_unknown_query_parameters(self) -> None:
        for name in ("sites", "credentials", "images", "operations", "deployments", "transfers"):
            error = self.assert_refused(
                self.http.get(f"/v1/{name}?colour=red"), 400, "request.unknown_parameter"
            )
            self.assertIn("colour", error["detail"])
        for path in ("/v1/matrix?x=1", "/v1/events?x=1", f"/v1/images/{self.image['id']}?x=1"):
            self.assert_refused(self.http.get(path), 400, "request.unknown_parameter")
        answer = self.http.post("/v1/sites?x=1", self.body())
        self.assert_refused(answer, 400, "request.unknown_parameter")

    def test_bad_query_values(self) -> None:
        for query in (
            "limit=0",
            "limit=-1",
            "limit=many",
            "limit=1001",
            "limit=99999999999999999999",
            "limit=",
            "marker=not-a-uuid",
            "name=a&name=b",
        ):
            answer = self.http.get(f"/v1/images?{query}")
            self.assert_refused(answer, 400, "request.invalid")
        answer = self.http.get(f"/v1/images?marker={uuid.uuid4()}")
        self.assertIn(answer.status_code, (400, 404), answer.text)
        answer = self.http.get("/v1/deployments?wanted=perhaps")
        self.assert_refused(answer, 400, "request.invalid")
        for query in ("status=happy", "image_id=17"):  # nothing has it, or nothing can have it
            answer = self.http.get(f"/v1/deployments?{query}")
            self.assertIn(answer.status_code, (200, 400), answer.text)
            self.assertEqual([], answer.json().get("deployments", []))

    def test_microversions(self) -> None:
        def ask(version: str) -> requests.Response:
            return self.http.get("/v1/sites", headers={"OpenStack-API-Version": version})

        for version in ("1.0", "latest"):
            answer = ask(f"image-distribution {version}")
            self.assertEqual(200, answer.status_code, answer.text)
            self.assertEqual("image-distribution 1.0", answer.headers["OpenStack-API-Version"])
            self.assertIn("OpenStack-API-Version", answer.headers["Vary"])
        for version in ("1.99", "2.0", "0.9", "one", "1", "1.0.0", "-1.0", "1.x"):
            answer = ask(f"image-distribution {version}")
            self.assertEqual(406, answer.status_code, version)
            self.assert_refused(answer, 406, "request.microversion")
        self.assertEqual(200, ask("compute 2.90").status_code)
        self.assert_refused(
            ask("compute 2.90, image-distribution 1.7"), 406, "request.microversion"
        )

    def test_routes_that_do_not_exist(self) -> None:
        for path in ("/v1/clouds", "/v2/sites", "/v1/sites/x/y/z", "/v1/../v1/nothing", "/x"):
            self.assert_refused(self.http.get(path), 404, "request.not_found")

    def test_methods_that_do_not_exist(self) -> None:
        for method, path in (
            ("PUT", "/v1/sites"),
            ("DELETE", "/v1/operations"),
            ("POST", "/v1/events"),
            ("PATCH", f"/v1/operations/{uuid.uuid4()}"),
            ("POST", "/v1/matrix"),
            ("GET", f"/v1/sites/{self.column['site_id']}/probe"),
        ):
            answer = self.http(method, path)
            self.assert_refused(answer, 405, "request.method")
            self.assertTrue(answer.headers["Allow"])

    def test_ids_that_are_none(self) -> None:
        for name in ("sites", "credentials", "images", "operations", "deployments", "transfers"):
            for ident in ("1", "..%2f..", "%00", "'", "x" * 2000):
                answer = self.http.get(f"/v1/{name}/{ident}")
                self.assertIn(answer.status_code, (400, 404), f"{name}/{ident}: {answer.text}")
                self.assertTrue(answer.json()["errors"][0]["code"])

    def test_a_body_where_none_belongs(self) -> None:
        answer = self.http.post(f"/v1/sites/{self.column['site_id']}/probe", {"x": 1})
        self.assertIn(answer.status_code, (200, 400), answer.text)
        answer = self.http("GET", "/v1/sites", data=b"{", headers={"Content-Type": "text/plain"})
        self.assertIn(answer.status_code, (200, 400, 415), answer.text)
