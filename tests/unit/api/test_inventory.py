"""What a credential saw at its site, page by page, and by whom that can be read."""

from __future__ import annotations

from typing import Any

from glint.db import inventory
from tests.unit.api import fakes
from tests.unit.api.base import ApiTestCase


class InventoryTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.credential = self.make_credential(self.make_site()["id"])
        self.path = f"/v1/credentials/{self.credential['id']}/inventory"

    def see(self, *remotes: Any) -> None:
        with self.db.writer() as session:
            session.add_all(inventory._row(self.credential["id"], one) for one in remotes)

    def test_what_was_seen(self) -> None:
        image = self.make_image(self.credential["id"], "r1")
        self.see(
            fakes.remote_image("r1"),
            fakes.remote_image("r2", name="loose", status="queued", size=None),
        )
        held, loose = self.call("GET", self.path, expect=200).body["inventory"]
        self.assertEqual(("r1", image["id"]), (held["remote_id"], held["image_id"]))
        self.assertIsNotNone(held["deployment_id"])
        self.assertEqual((1000, "sha512", "ab" * 64), (held["size"], held["os_hash_algo"],
                         held["os_hash_value"]))  # fmt: skip
        self.assertEqual((None, None, None), tuple(
            loose[key] for key in ("image_id", "deployment_id", "size")))  # fmt: skip
        self.assertFalse(loose["stamped"])

    def test_pages_and_filters(self) -> None:
        self.see(*(fakes.remote_image(f"ami-{i:03}", name=f"n{i % 2}") for i in range(7)))
        found = self.pages(self.path, "inventory", limit=3)
        self.assertEqual([f"ami-{i:03}" for i in range(7)], [one["remote_id"] for one in found])
        found = self.pages(f"{self.path}?limit=2&name=n1", "inventory")
        self.assertEqual(["n1"] * 3, [one["name"] for one in found])
        self.assertEqual([], self.pages(self.path, "inventory", status="queued"))

    def test_a_marker_that_is_gone_is_no_error(self) -> None:
        """A scan may remove the row between two pages."""
        self.see(fakes.remote_image("b"))
        body = self.call("GET", f"{self.path}?marker=a", expect=200).body
        self.assertEqual(["b"], [one["remote_id"] for one in body["inventory"]])

    def test_walls(self) -> None:
        self.see(fakes.remote_image("r1"))
        for who in ("bob", "carol", "rita", "root"):
            self.refused("credential.not_found", 404, "GET", self.path, who=who)
        shared = self.make_credential(self.make_site("B")["id"], shared=True)
        self.call("GET", f"/v1/credentials/{shared['id']}/inventory", who="rita", expect=200)

    def test_operators_order_and_fields(self) -> None:
        image = self.make_image(self.credential["id"], "a1")
        self.see(
            fakes.remote_image("a1"),
            fakes.remote_image("a2", name="Loose", status="queued", size=None),
            fakes.remote_image("a3", name="lost", size=5000, visibility="public"),
        )
        for query, wished in (
            ("in_catalogue=true", ["a1"]),
            ("in_catalogue=neq:true", ["a2", "a3"]),
            ("stamped=true", []),
            ("stamped=false&name=prefix:lo", ["a2", "a3"]),
            ("size=gt:1000&size=lte:5000", ["a3"]),
            ("size=neq:5000", ["a1", "a2"]),
            ("status=in:queued,saving", ["a2"]),
            ("visibility=neq:private", ["a3"]),
            ("seen_at=lt:2020-01-01", []),
            ("sort=remote_id:desc", ["a3", "a2", "a1"]),
            ("sort=remote_id:desc&marker=a3", ["a2", "a1"]),
            ("fields=name", ["a1", "a2", "a3"]),
        ):
            found = self.pages(f"{self.path}?limit=1&{query}", "inventory")
            self.assertEqual(wished, [one["remote_id"] for one in found], query)
        (one,) = self.pages(f"{self.path}?fields=image_id&remote_id=a1", "inventory")
        self.assertEqual({"remote_id": "a1", "image_id": image["id"]}, one)
        for query in ("sort=name", "fields=stamp", "size=big", "stamped=maybe", "in_catalogue=no"):
            answer = self.call("GET", f"{self.path}?{query}")
            self.assertEqual(400, answer.status, query)
