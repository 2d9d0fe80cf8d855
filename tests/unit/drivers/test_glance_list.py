from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import testtools

from glint import exception
from tests.unit.drivers import fakes
from tests.unit.drivers.base import IMAGES, DriverTestCase


class TestList(DriverTestCase):
    def pages(self, *pages: dict[str, Any]) -> list[str]:
        """Serve pages of visible images, then none hidden; return what the driver made of them."""
        found = [{"json": page} for page in (*pages, {"images": []})]
        self.mock.get(IMAGES, found)
        return [image.id for image in self.driver().list_images()]

    def test_follows_every_page_and_asks_for_hidden_images(self) -> None:
        found = self.pages(
            {"images": [fakes.record("a"), fakes.record("b")], "next": "/v2/images?marker=b&x=1"},
            {"images": [fakes.record("c")], "next": "/v2/images?marker=c"},
            {"images": [fakes.record("d", status="queued", size=None)]},
        )
        self.assertEqual(["a", "b", "c", "d"], found)
        queries = [parse_qs(one.query) for one in self.sent("GET")]
        self.assertEqual(
            [(None, "false"), (["b"], "false"), (["c"], "false"), (None, "true")],
            [(one.get("marker"), one["os_hidden"][0]) for one in queries],
        )
        self.assertEqual({fakes.PROJECT}, {one["owner"][0] for one in queries})

    def test_next_leads_nowhere_else(self) -> None:
        self.pages(
            {"images": [fakes.record("a")], "next": "http://metadata.example.org/x?marker=a"},
            {"images": []},
        )
        self.assertEqual(
            {"keystone.example.org:5000", "glance.example.org:9292"},
            {one.netloc for one in self.mock.request_history},
        )

    def test_foreign_images_are_not_own(self) -> None:
        found = self.pages(
            {"images": [fakes.record("a"), fakes.record("b", owner="other"), fakes.record("a")]}
        )
        self.assertEqual(["a"], found)

    def test_images_of_others_where_they_are_asked_for(self) -> None:
        lists = {
            "public": [
                fakes.record("p", owner="other", visibility="public", glint_deployment="forged"),
                fakes.record("own", visibility="public"),
                fakes.record("private", owner="other", visibility="private"),
            ],
            "shared": [
                fakes.record("s", owner="other", visibility="shared"),
                fakes.record("own", visibility="shared"),
            ],
            None: [fakes.record("own", visibility="public")],
        }

        def answer(request: Any, context: Any) -> dict[str, Any]:
            asked = parse_qs(request.query)
            if asked.get("os_hidden") == ["true"]:
                return {"images": []}
            return {"images": lists[asked.get("visibility", [None])[0]]}

        self.mock.get(IMAGES, json=answer)
        found = {image.id: image for image in self.driver().list_images(("shared", "public"))}
        self.assertEqual({"own": True, "p": False, "s": False},
                         {ident: image.own for ident, image in found.items()})  # fmt: skip
        self.assertIsNone(found["p"].stamp)
        queries = [parse_qs(one.query) for one in self.sent("GET")]
        (shared,) = (one for one in queries if one.get("visibility") == ["shared"])
        self.assertEqual(["accepted"], shared["member_status"])
        self.assertEqual(["own"], [image.id for image in self.driver().list_images()])

    def test_odd_records_are_left_out_with_a_warning(self) -> None:
        odd: list[Any] = [
            7,
            None,
            [],
            {},
            fakes.record("../../etc"),
            fakes.record("x" * 65),
            fakes.record("nostatus", status=None),
        ]
        found = self.pages({"images": [*odd, fakes.record("a")]})
        self.assertEqual(["a"], found)
        self.assertEqual(6, self.log.output.count("is left out"))  # {} has no owner

    def test_odd_values_are_unknown(self) -> None:
        odd: dict[str, Any] = {
            "name": None,
            "size": -1,
            "os_hash_algo": "sha512; drop",
            "disk_format": 7,
            "min_disk": "8",
            "min_ram": 2**70,
            "protected": "yes",
            "tags": ["t", 5, None],
            "a": {"nested": 1},
            "b": None,
            "c": 5,
            "d": "v\0\ud800",
            "os_glance_failed_import": "x",
            "direct_url": "rbd://secret",
            "": "nameless",
        }
        self.mock.get(
            IMAGES, [{"json": {"images": [fakes.record(**odd)]}}, {"json": {"images": []}}]
        )
        (image,) = self.driver().list_images()
        self.assertEqual(
            ("", None, None, None),
            (image.name, image.size, image.os_hash_algo, image.os_hash_value),
        )
        self.assertEqual(("", 0, 0), (image.disk_format, image.min_disk, image.min_ram))
        self.assertEqual((False, ("t",)), (image.protected, image.tags))
        self.assertEqual({"c": "5", "d": "v\ufffd?"}, image.properties)

    def test_a_list_without_end(self) -> None:
        self.mock.get(IMAGES, json={"images": [fakes.record("a")], "next": "?marker=a"})
        with testtools.ExpectedException(exception.SiteError, ".*never ends.*"):
            list(self.driver().list_images())

    def test_a_marker_that_is_gone(self) -> None:
        self.mock.get(
            IMAGES,
            [
                {"json": {"images": [fakes.record("a")], "next": "?marker=a"}},
                {"status_code": 400, "text": "marker a not found"},
            ],
        )
        with testtools.ExpectedException(exception.SiteConflict):
            list(self.driver().list_images())

    def test_stamped(self) -> None:
        ours = fakes.record("a", **fakes.STAMP.properties())
        self.mock.get(
            IMAGES,
            [{"json": {"images": [ours, fakes.record("b")]}}, {"json": {"images": []}}],
        )
        self.assertEqual(["a"], [one.id for one in self.driver().stamped("dep-1")])
        for one in self.sent("GET"):
            self.assertEqual(["dep-1"], parse_qs(one.query)["glint_deployment"])

    def test_stamped_is_complete_or_an_error(self) -> None:
        self.mock.get(IMAGES, json={"images": [fakes.record("a", status=None)]})
        with testtools.ExpectedException(exception.SiteError):
            self.driver().stamped("dep-1")
