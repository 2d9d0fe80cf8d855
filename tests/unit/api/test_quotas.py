from __future__ import annotations

from typing import Any

from glint.quotas import LocalLimits
from tests.unit.api.base import AUTH, CONNECTION, ApiTestCase


class QuotasTest(ApiTestCase):
    def limit(self, **limits: int) -> None:
        self.app = self.make_app(limits=LocalLimits(limits))

    def shown(self, who: str = "alice") -> dict[str, Any]:
        return dict(self.call("GET", "/v1/quotas", who=who, expect=200).body["quotas"])

    def test_limits_and_usage(self) -> None:
        self.limit(images=5)
        site = self.make_site()
        self.make_image(self.make_credential(site["id"])["id"])
        shown = self.shown("rita")
        self.assertEqual({"limit": 5, "used": 1}, shown["images"])
        self.assertEqual({"limit": -1, "used": 1}, shown["sites"])
        self.assertEqual({"limit": -1, "used": 1}, shown["credentials"])
        for name in ("running_transfers", "bytes_in_flight"):
            self.assertEqual({"limit": -1, "used": 0}, shown[name])
        # Another project's is its own.
        self.assertEqual({0}, {one["used"] for one in self.shown("carol").values()})

    def test_sites(self) -> None:
        self.limit(sites=1)
        self.make_site()
        body = {"name": "MORE", "type": "openstack", "connection": CONNECTION}
        error = self.refused("quota.exceeded", 403, "POST", "/v1/sites", body).error
        self.assertIn("1 of 1 are used, and 1 more", error["detail"])
        self.assertEqual(1, self.shown()["sites"]["used"])
        # Not the project's, and not this project.
        self.make_site("SHARED", who="root", shared=True)
        self.make_site("OTHER", who="carol")

    def test_credentials(self) -> None:
        self.limit(credentials=0)
        site = self.make_site()
        body = {"site_id": site["id"], "auth": AUTH}
        self.refused("quota.exceeded", 403, "POST", "/v1/credentials", body)
        self.assertNotIn("verify_credential", [name for name, _ in self.conductor.asked])

    def test_images(self) -> None:
        self.limit(images=0)
        column = self.make_credential(self.make_site()["id"])
        body = {"credential_id": column["id"], "remote_id": "r1"}
        self.refused("quota.exceeded", 403, "POST", "/v1/images", body)
        self.assertNotIn("register_image", [name for name, _ in self.conductor.asked])
