"""Each method asks what the contract says, and hands back the thing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glint.client import Client
from tests.unit.client.base import GLINT, ClientTestCase

Call = Callable[[Client], Any]

#: call, method, path, body sent, key of the answer
CALLS: list[tuple[Call, str, str, dict[str, Any] | None, str]] = [
    (lambda c: c.site_types.get("openstack"), "GET", "/site-types/openstack", None, "site_type"),
    (
        lambda c: c.sites.create("DAIR", "openstack", {"auth_url": "u"}, max_transfers=2),
        "POST",
        "/sites",
        {
            "name": "DAIR",
            "type": "openstack",
            "connection": {"auth_url": "u"},
            "enabled": True,
            "shared": False,
            "probe": True,
            "max_transfers": 2,
        },
        "site",
    ),
    (lambda c: c.sites.update("x", enabled=False), "PATCH", "/sites/x", {"enabled": False}, "site"),
    (lambda c: c.sites.probe("x"), "POST", "/sites/x/probe", None, "site"),
    (
        lambda c: c.credentials.create("s", {"auth_type": "home"}, shared=True, verify=False),
        "POST",
        "/credentials",
        {"site_id": "s", "auth": {"auth_type": "home"}, "shared": True, "verify": False},
        "credential",
    ),
    (
        lambda c: c.credentials.update("x", shared=True, generation=2),
        "PATCH",
        "/credentials/x",
        {"shared": True, "generation": 2},
        "credential",
    ),
    (lambda c: c.credentials.verify("x"), "POST", "/credentials/x/verify", None, "credential"),
    (lambda c: c.credentials.scan("x"), "POST", "/credentials/x/scan", None, "credential"),
    (
        lambda c: c.images.create("c", "r"),
        "POST",
        "/images",
        {"credential_id": "c", "remote_id": "r"},
        "image",
    ),
    (lambda c: c.images.update("x", name="n"), "PATCH", "/images/x", {"name": "n"}, "image"),
    (
        lambda c: c.operations.create([{"image_id": "i", "credential_id": "c", "wanted": True}]),
        "POST",
        "/operations",
        {"changes": [{"image_id": "i", "credential_id": "c", "wanted": True}]},
        "operation",
    ),
    (lambda c: c.deployments.get("x"), "GET", "/deployments/x", None, "deployment"),
    (lambda c: c.transfers.get("x"), "GET", "/transfers/x", None, "transfer"),
]

#: call, path, query
LISTS: list[tuple[Call, str, dict[str, list[str]]]] = [
    (lambda c: c.site_types.list(), "/site-types", {}),
    (lambda c: c.sites.list(name="a"), "/sites", {"name": ["a"]}),
    (lambda c: c.credentials.list(site_id="s"), "/credentials", {"site_id": ["s"]}),
    (lambda c: c.images.list(name="i"), "/images", {"name": ["i"]}),
    (lambda c: c.operations.list(page_size=2), "/operations", {"limit": ["2"]}),
    (lambda c: c.deployments.list(image_id="i"), "/deployments", {"image_id": ["i"]}),
    (lambda c: c.transfers.list(operation_id="o"), "/transfers", {"operation_id": ["o"]}),
    (lambda c: c.events.list(site_id="s"), "/events", {"site_id": ["s"]}),
]


class TestResources(ClientTestCase):
    def test_calls(self) -> None:
        for call, method, path, body, key in CALLS:
            self.http.register_uri(method, f"{GLINT}/v1{path}", json={key: {"id": "fresh"}})
            with self.subTest(path=path, method=method):
                self.assertEqual({"id": "fresh"}, call(self.client))
                request = self.sent()[-1]
                self.assertEqual(body, request.json() if request.body else None)

    def test_deletions(self) -> None:
        for many in ("sites", "credentials", "images"):
            self.http.delete(f"{GLINT}/v1/{many}/x", status_code=204)
            getattr(self.client, many).delete("x")
            self.assertEqual({}, self.sent()[-1].qs)

    def test_lists(self) -> None:
        for call, path, query in LISTS:
            key = path[1:].replace("-", "_")
            self.http.get(f"{GLINT}/v1{path}", json={key: [{"id": "a"}]})
            with self.subTest(path=path):
                self.assertEqual([{"id": "a"}], list(call(self.client)))
                self.assertEqual(query, self.sent()[-1].qs)

    def test_matrix_pages_its_rows(self) -> None:
        following = [{"rel": "next", "href": f"{GLINT}/v1/matrix?marker=1"}]
        self.http.get(
            f"{GLINT}/v1/matrix",
            json={"credentials": [{"id": "c"}], "images": [{"id": "1"}], "links": following},
        )
        self.http.get(
            f"{GLINT}/v1/matrix?marker=1",
            json={"credentials": [{"id": "c"}], "images": [{"id": "2"}]},
        )

        matrix = self.client.matrix()

        self.assertEqual([{"id": "c"}], matrix.credentials)
        self.assertEqual(["1", "2"], [image["id"] for image in matrix.images])
