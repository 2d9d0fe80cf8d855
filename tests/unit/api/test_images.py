"""The catalogue."""

from __future__ import annotations

from typing import Any

from glint import exception
from glint.db import models
from tests.unit.api.base import ApiTestCase
from tests.unit.api.fakes import remote_image


class ImagesTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site()
        self.credential = self.make_credential(self.site["id"])
        self.body = {"credential_id": self.credential["id"], "remote_id": "r1"}
        self.conductor.remote_images["r1"] = remote_image("r1")

    def test_register(self) -> None:
        answer = self.call("POST", "/v1/images", self.body, expect=201)
        image = answer.body["image"]
        self.assertTrue(answer.headers["Location"].endswith(f"/v1/images/{image['id']}"))
        self.assertEqual(
            ("fedora", 1000, "sha512"), (image["name"], image["size"], image["os_hash_algo"])
        )
        self.assertEqual({"os_distro": "fedora"}, image["properties"])
        self.assertEqual({"sha512": "ab" * 64}, image["digests"])
        again = self.call("POST", "/v1/images", self.body, expect=200).body["image"]
        self.assertEqual(image["id"], again["id"])
        self.assertEqual(
            [image["id"]], [i["id"] for i in self.call("GET", "/v1/images").body["images"]]
        )
        found = self.call("GET", "/v1/images?name=other", expect=200).body["images"]
        self.assertEqual([], found)

    def test_refused(self) -> None:
        url = "/v1/images"
        unknown = {**self.body, "remote_id": "nothing"}
        self.refused("site.image_not_found", 404, "POST", url, unknown)
        self.conductor.remote_images["r2"] = remote_image("r2", status="queued")
        self.refused("image.not_active", 409, "POST", url, {**self.body, "remote_id": "r2"})
        self.refused("credential.not_found", 404, "POST", url, {**self.body, "credential_id": "x"})
        self.refused("credential.not_found", 404, "POST", url, self.body, who="carol")
        self.refused("request.invalid", 400, "POST", url, {**self.body, "remote_id": "a\nb"})
        self.conductor.errors["register_image"] = [exception.ConductorUnavailable(timeout=1)]
        self.refused("conductor.unavailable", 503, "POST", url, self.body)
        self.assertEqual(0, self.rows(models.Image))

    def test_change(self) -> None:
        image = self.make_image(self.credential["id"])
        url = f"/v1/images/{image['id']}"
        body = {
            "name": "fedora 50",
            "properties": {"os_distro": "fedora", "os_version": "50"},
            "tags": ["gold", "new"],
            "min_disk": 2,
            "min_ram": 128,
            "generation": image["generation"],
        }
        changed = self.call("PATCH", url, body, expect=200).body["image"]
        for name in ("name", "properties", "tags", "min_disk", "min_ram"):
            self.assertEqual(body[name], changed[name])
        answer = self.refused("image.generation_conflict", 409, "PATCH", url, body)
        self.assertEqual(changed, answer.error["fresh"])

    def test_bad_changes(self) -> None:
        url = f"/v1/images/{self.make_image(self.credential['id'])['id']}"
        bodies: list[Any] = [
            {},
            {"generation": 1},
            {"name": ""},
            {"name": "a\u0007b"},
            {"size": 5},
            {"os_hash_value": "00"},
            {"protected": True},
            {"properties": {"glint_deployment": "forged"}},
            {"properties": {"a\nb": "c"}},
            {"properties": {"": "c"}},
            {"properties": {"a": 1}},
            {"properties": {"a": "x" * 70000}},
            {"properties": {str(i): "" for i in range(257)}},
            {"properties": []},
            {"tags": ["a", "a"]},
            {"tags": ["x" * 256]},
            {"tags": "a"},
            {"min_disk": -1},
            {"min_ram": 2**31},
            {"min_ram": 1.5},
        ]
        for body in bodies:
            self.refused("request.invalid", 400, "PATCH", url, body)

    def test_same_content_under_another_name(self) -> None:
        first = self.make_image(self.credential["id"])
        self.conductor.remote_images["r2"] = remote_image("r2", name="other")
        again = self.call("POST", "/v1/images", {**self.body, "remote_id": "r2"}, expect=200)
        self.assertEqual(first["id"], again.body["image"]["id"])

    def test_delete(self) -> None:
        image = self.make_image(self.credential["id"])
        url = f"/v1/images/{image['id']}"
        self.conductor.remote_project = ("remote-2", "chemistry")
        other = self.make_credential(self.site["id"])
        wish = {"image_id": image["id"], "credential_id": other["id"], "wanted": True}
        self.call("POST", "/v1/operations", {"changes": [wish]}, expect=202)
        self.refused("image.in_use", 409, "DELETE", url)
        lonely = self.make_image(self.credential["id"], "r9", os_hash_value="cd" * 64)
        with self.db.writer() as session:
            session.query(models.Deployment).filter_by(image_id=lonely["id"]).update(
                {"wanted": False}
            )
        self.call("DELETE", f"/v1/images/{lonely['id']}", expect=204)
        self.refused("image.not_found", 404, "GET", f"/v1/images/{lonely['id']}")

    def test_walls(self) -> None:
        url = f"/v1/images/{self.make_image(self.credential['id'])['id']}"
        for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
            self.refused("image.not_found", 404, method, url, body, who="carol")
        self.assertEqual([], self.call("GET", "/v1/images", who="carol").body["images"])
