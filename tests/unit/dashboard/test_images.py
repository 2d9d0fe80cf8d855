"""Images: made of files and URLs, taken from sites, changed."""

from __future__ import annotations

import io
from typing import Any

from glint.api.schemas import credentials, deployments, events, images, inventory, operations, parts
from tests.unit.dashboard import things
from tests.unit.dashboard.base import URL, DashboardTestCase

IMAGES = "/project/glint_images/"
SCRIPT = {"X-Requested-With": "XMLHttpRequest"}
FORM = {
    "source": "file", "name": "mine", "disk_format": "raw", "min_disk": "1", "min_ram": "0",
    "tags": "b\na\n", "properties": "os=debian", "checksum": "", "credential": "",
}  # fmt: skip
BYTES = "application/octet-stream"


class ImagesTestCase(DashboardTestCase):
    def setUp(self) -> None:
        super().setUp()
        columns = {"credentials": [things.credential("c1"), things.credential("c2")]}
        self.serve("credentials", parts.page("credentials", credentials.CREDENTIAL), columns)
        self.show(images=[things.image()])
        self.serve("events", parts.page("events", events.EVENT), {"events": [things.event()]})

    def show(self, **found: list[dict[str, Any]]) -> None:
        self.serve("images", parts.page("images", images.IMAGE), found)

    def made(self, **more: Any) -> None:
        self.serve("images", images.ONE, {"image": things.image("i1", **more)}, "POST")

    def receive(self) -> None:
        answer = {"image": things.image("i1"), "operation_id": None}
        self.serve("images/i1/file", images.UPLOADED, answer, "PUT")

    def sent(self) -> list[Any]:
        return [one for one in self.glint.request_history if one.method == "PUT"]

    def verbs(self) -> list[str]:
        return [one.method for one in self.glint.request_history if one.path.startswith("/v1/im")]


class CreateTest(ImagesTestCase):
    def test_a_script_makes_the_row_and_then_sends_the_file(self) -> None:
        self.made(state="empty", origin="file")
        form = FORM | {"announced": "5", "credential": "c2", "checksum": "AB" * 32}
        answer = self.client.post(f"{IMAGES}create/", form, headers=SCRIPT)
        upload = answer.json()["upload"]
        self.assertEqual(f"{IMAGES}i1/file/?new=1&first=c2", upload)
        body = {
            "name": "mine", "disk_format": "raw", "min_disk": 1, "min_ram": 0, "tags": ["a", "b"],
            "properties": {"os": "debian"}, "size": 5, "expected": {"sha256": "ab" * 32},
        }  # fmt: skip
        self.assertEqual([body], self.asked("POST", "images"))
        self.receive()
        told = self.client.put(upload, b"bytes", content_type=BYTES, headers=SCRIPT).json()
        self.assertEqual({"next": IMAGES}, told)
        self.assertIn("The file was uploaded.", self.client.get(IMAGES).content.decode())
        (sent,) = self.sent()
        self.assertEqual(["c2"], sent.qs["credential_id"])
        self.assertEqual("5", sent.headers["Content-Length"])

    def test_a_form_without_a_script_sends_both(self) -> None:
        self.made(state="empty", origin="file")
        self.receive()
        file = io.BytesIO(b"bytes")
        file.name = "x.raw"
        answer = self.client.post(f"{IMAGES}create/", FORM | {"file": file})
        self.assertEqual(302, answer.status_code)
        self.assertEqual(5, self.asked("POST", "images")[0]["size"])
        self.assertEqual(1, len(self.sent()))

    def test_a_refused_file_takes_its_row_along(self) -> None:
        self.refuse("images/i1/file", 422, "image.wrong_format", "It is no QCOW2.", "PUT")
        self.glint.delete(f"{URL}/v1/images/i1", status_code=204)
        path = f"{IMAGES}i1/file/"
        answer = self.client.put(f"{path}?new=1", b"bytes", content_type=BYTES, headers=SCRIPT)
        self.assertEqual((400, ["It is no QCOW2."]), (answer.status_code, answer.json()["errors"]))
        self.assertIn("DELETE", self.verbs())

    def test_a_row_stays_where_nobody_knows_or_it_was_there_before(self) -> None:
        self.refuse("images/i1/file", 500, "server.error", "Oh.", "PUT")
        path = f"{IMAGES}i1/file/"
        self.client.put(f"{path}?new=1", b"bytes", content_type=BYTES, headers=SCRIPT)
        self.refuse("images/i1/file", 422, "image.wrong_format", "It is no QCOW2.", "PUT")
        self.client.put(path, b"bytes", content_type=BYTES, headers=SCRIPT)
        self.assertNotIn("DELETE", self.verbs())

    def test_an_empty_file_is_not_sent(self) -> None:
        answer = self.client.put(f"{IMAGES}i1/file/", b"", content_type=BYTES, headers=SCRIPT)
        self.assertEqual(400, answer.status_code)
        self.assertEqual([], self.sent())

    def test_of_a_url(self) -> None:
        self.made(state="unread", origin="url", source_url="https://example.org/x")
        self.serve("operations", operations.CREATED, {"operation": things.operation()}, "POST")
        form = FORM | {"source": "url", "source_url": " https://example.org/x ", "credential": "c1"}
        self.assertEqual(302, self.client.post(f"{IMAGES}create/", form).status_code)
        self.assertEqual("https://example.org/x", self.asked("POST", "images")[0]["source_url"])
        change = {"image_id": "i1", "credential_id": "c1", "wanted": True}
        self.assertEqual([{"changes": [change]}], self.asked("POST", "operations"))

    def test_what_is_wrong_is_said(self) -> None:
        wrong = {
            "Choose a file": {},
            "Say where it can be read": {"source": "url"},
            "digest in hex": {"checksum": "abc", "announced": "5"},
            "Each line is name=value": {"properties": "x", "announced": "5"},
        }
        for word, more in wrong.items():
            answer = self.client.post(f"{IMAGES}create/", FORM | more)
            self.assertIn(word, answer.content.decode())
        self.refuse("images", 403, "quota.exceeded", "Too many images.", "POST")
        answer = self.client.post(f"{IMAGES}create/", FORM | {"announced": "5"}, headers=SCRIPT)
        self.assertEqual({"errors": ["Too many images."]}, answer.json())

    def test_the_file_of_an_image_that_waits(self) -> None:
        empty = things.image(state="empty", origin="file")
        self.serve("images/i1", images.ONE, {"image": empty})
        self.receive()
        text = self.client.get(f"{IMAGES}i1/upload/").content.decode()
        self.assertIn(f'data-upload="{IMAGES}i1/file/"', text)
        file = io.BytesIO(b"bytes")
        file.name = "x.raw"
        self.assertEqual(302, self.client.post(f"{IMAGES}i1/upload/", {"file": file}).status_code)
        self.assertEqual(1, len(self.sent()))
        self.show(images=[empty, things.image("i2")])
        text = self.client.get(IMAGES).content.decode()
        self.assertIn("images__row_i1__action_upload", text)
        self.assertNotIn("images__row_i2__action_upload", text)


class FoundTest(ImagesTestCase):
    def setUp(self) -> None:
        super().setUp()
        seen = [things.seen("r1"), things.seen("r2", image_id="i1"), things.seen("r/3")]
        answer = {"inventory": seen, "links": [{"rel": "next", "href": f"{URL}/v1/x"}]}
        self.serve("credentials/c2/inventory", inventory.LISTING.response(), answer)
        self.serve("credentials/c1/inventory", inventory.LISTING.response(), {"inventory": []})

    def test_what_a_site_has(self) -> None:
        text = self.client.get(f"{IMAGES}found/").content.decode()
        self.assertIn("No items to display.", text)
        text = self.client.get(f"{IMAGES}found/?credential=c2").content.decode()
        self.assertIn("remote r1", text)
        self.assertIn("found__row_r1__action_take", text)
        self.assertNotIn("found__row_r2__action_take", text)
        self.assertIn("credential=c2", text)

    def test_several_are_taken_into_the_catalogue(self) -> None:
        self.made()
        answer = self.client.post(
            f"{IMAGES}found/?credential=c2",
            {"action": "found__take", "object_ids": ["r1", "r/3"]},
        )
        self.assertEqual(302, answer.status_code)
        wish = [{"credential_id": "c2", "remote_id": ident} for ident in ("r1", "r/3")]
        self.assertEqual(wish, self.asked("POST", "images"))

    def test_a_look(self) -> None:
        one = {"credential": things.credential("c2")}
        self.serve("credentials/c2/scan", credentials.ONE, one, "POST")
        self.client.post(f"{IMAGES}found/?credential=c2", {"action": "found__look"})
        self.assertEqual([None], self.asked("POST", "credentials/c2/scan"))

    def test_by_its_id(self) -> None:
        self.made()
        self.client.post(f"{IMAGES}register/", {"credential": "c1", "remote_id": " r9 "})
        wish = {"credential_id": "c1", "remote_id": "r9"}
        self.assertEqual([wish], self.asked("POST", "images"))


class OneTest(ImagesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("images/i1", images.ONE, {"image": things.image(expected={"md5": "0f"})})

    def test_only_what_changed_is_sent(self) -> None:
        self.serve("images/i1", images.ONE, {"image": things.image()}, "PATCH")
        form = {
            "name": "new", "min_disk": "0", "min_ram": "0", "tags": "a\nb",
            "properties": "os=debian", "repair": "on",
        }  # fmt: skip
        self.client.post(f"{IMAGES}i1/edit/", form)
        wish = {"name": "new", "repair": True, "generation": 3}
        self.assertEqual([wish], self.asked("PATCH", "images/i1"))

    def test_its_page(self) -> None:
        self.serve(
            "deployments", parts.page("deployments", deployments.DEPLOYMENT), {"deployments": []}
        )
        text = self.client.get(f"{IMAGES}i1/").content.decode()
        for word in ("image i1", "expected md5", "Something happened.", "Nowhere that Glint knows"):
            self.assertIn(word, text)

    def test_an_image_that_is_gone(self) -> None:
        self.refuse("images/i1", 404, "image.not_found", "There is no such image.")
        text = self.client.get(f"{IMAGES}i1/").content.decode()
        self.assertIn("There is no such image.", text)
        self.assertIn("The image cannot be shown.", text)
