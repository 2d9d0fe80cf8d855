"""How lists can be asked."""

from __future__ import annotations

import urllib.parse
from typing import Any

from glint.api.schemas import (
    credentials,
    deployments,
    events,
    images,
    operations,
    site_types,
    sites,
    transfers,
)
from glint.db import models
from tests.unit.api.base import ApiTestCase

LISTINGS = {
    "sites": sites.LISTING,
    "credentials": credentials.LISTING,
    "images": images.LISTING,
    "operations": operations.LISTING,
    "deployments": deployments.LISTING,
    "transfers": transfers.LISTING,
    "events": events.LISTING,
    "site-types": site_types.LISTING,
}
SAMPLES = {
    "text": "x",
    "search": "x",
    "bool": "true",
    "number": "5",
    "time": "2026-11-21T00:00:00Z",
}


class ListsTest(ApiTestCase):
    def ask(self, path: str, *pairs: tuple[str, str]) -> Any:
        return self.call("GET", f"/v1/{path}?{urllib.parse.urlencode(pairs)}", expect=200).body

    def names(self, *pairs: tuple[str, str]) -> list[str]:
        return [row["name"] for row in self.ask("images", *pairs)["images"]]

    def fill(self) -> None:
        with self.db.writer() as session:
            for number, name in enumerate(("c", "a", "b", "a,b", "in:x")):
                image = models.Image(
                    id=f"i{number}", project_id="red", name=name, size=number * 10,
                    disk_format="raw" if number % 2 else "qcow2", container_format="bare",
                    properties={"os": "linux"} if number < 2 else {},
                )  # fmt: skip
                session.add(image)

    def test_everything_that_is_offered(self) -> None:
        """Every filter with every operator, every order and field of every list."""
        for path, listing in LISTINGS.items():
            for name, asked in listing.filters.items():
                sample = SAMPLES.get(asked.kind) or asked.values[0]
                for operator in asked.allowed:
                    self.ask(path, (name, f"{operator}:{sample}"))
                self.ask(path, (name, sample))
            for name in listing.sort:
                self.ask(path, ("sort", f"{name}:desc"))
            self.ask(path, ("sort", ",".join(listing.sort[:3])))
            self.ask(path, ("fields", ",".join(listing.fields)))

    def test_a_list_of_nothing_is_one_empty_value(self) -> None:
        self.fill()
        self.assertEqual([], self.names(("name", "in:")))
        self.assertEqual([], self.ask("site-types", ("name", "in:"))["site_types"])

    def test_unknown_names(self) -> None:
        for path, listing in LISTINGS.items():
            for query, code, known in (
                ("colour=red", "request.unknown_parameter", [*listing.filters]),
                ("sort=colour", "request.unknown_sort_key", listing.sort),
                ("sort=secret:desc", "request.unknown_sort_key", listing.sort),
                ("fields=colour", "request.unknown_field", listing.fields),
            ):
                answer = self.refused(code, 400, "GET", f"/v1/{path}?{query}")
                for name in known:
                    self.assertIn(name, answer.error["detail"])

    def test_bad_values(self) -> None:
        for query in (
            "sort=name:up",
            "sort=name,name",
            "sort=name,size,id,created_at,updated_at",
            "size=gt:",
            "size=big",
            "size=prefix:1",
            "size=9999999999999999999",
            "created_at=yesterday",
            "created_at=2026-13-01",
            "created_at=0001-01-01T00:00:00%2B23:00",
            "protected=maybe",
            "protected=in:true",
            'name=in:"a',
            "name=neq:a%00",
            "&".join(["size=gt:1"] * 9),
        ):
            self.refused("request.invalid", 400, "GET", f"/v1/images?{query}")
        answer = self.refused("request.invalid", 400, "GET", "/v1/images?size=big")
        self.assertIn("gte:", answer.error["detail"])
        answer = self.refused("request.invalid", 400, "GET", "/v1/transfers?state=happy")
        self.assertIn("cancelled", answer.error["detail"])

    def test_filters(self) -> None:
        self.fill()
        for query, expected in (
            ([("name", "a")], ["a"]),
            ([("name", "neq:a")], ["a,b", "b", "c", "in:x"]),
            ([("name", 'in:"a,b",c')], ["a,b", "c"]),
            ([("name", "eq:in:x")], ["in:x"]),
            ([("name", "prefix:A")], ["a", "a,b"]),
            ([("size", "gte:10"), ("size", "lt:30")], ["a", "b"]),
            ([("property", "os=linux")], ["a", "c"]),
            ([("property", "neq:os")], ["a,b", "b", "in:x"]),
            ([("disk_format", "raw"), ("size", "gt:10")], ["a,b"]),
            ([("created_at", "gt:2000-01-01")], ["a", "a,b", "b", "c", "in:x"]),
            ([("created_at", "lt:2000-01-01T00:00:00+01:00")], []),
        ):
            self.assertEqual(expected, self.names(*query), str(query))

    def test_pages_keep_what_was_asked(self) -> None:
        self.fill()
        query = {"sort": "disk_format:desc,size:desc", "size": "gt:0", "limit": "1"}
        rows = self.pages("/v1/images", "images", **query)
        self.assertEqual(["a,b", "a", "in:x", "b"], [row["name"] for row in rows])
        ranges = [("size", "gte:10"), ("size", "lte:30"), ("limit", "2"), ("fields", "name")]
        first = self.ask("images", *ranges)
        self.assertEqual([{"id", "name"}] * 2, [set(row) for row in first["images"]])
        (link,) = first["links"]
        rest = self.call("GET", link["href"].partition("localhost")[2], expect=200).body
        self.assertEqual(["b"], [row["name"] for row in rest["images"]])

    def test_a_marker_of_others_is_none(self) -> None:
        self.fill()
        self.refused("request.invalid", 400, "GET", "/v1/images?marker=i0", who="carol")

    def test_site_types(self) -> None:
        answer = self.ask("site-types", ("name", "prefix:open"), ("fields", "name"))
        self.assertEqual([{"name": "openstack"}], answer["site_types"])
        self.assertEqual([], self.ask("site-types", ("name", "neq:openstack"))["site_types"])
        self.assertEqual([], self.ask("site-types", ("marker", "openstack"))["site_types"])
        self.refused("request.invalid", 400, "GET", "/v1/site-types?marker=nothing")

    def test_shared_and_joined(self) -> None:
        site = self.make_site()
        mine = self.make_credential(site["id"])
        found = self.ask("credentials", ("shared", "false"), ("site_name", "contains:dai"))
        self.assertEqual([mine["id"]], [row["id"] for row in found["credentials"]])
        self.assertEqual([], self.ask("credentials", ("shared", "true"))["credentials"])
        self.assertEqual([], self.ask("sites", ("shared", "neq:false"))["sites"])
        image = self.make_image(mine["id"])
        for value, count in ((site["id"], 1), (f"neq:{site['id']}", 0)):
            found = self.ask("deployments", ("site_id", value), ("image_id", image["id"]))
            self.assertEqual(count, len(found["deployments"]))
