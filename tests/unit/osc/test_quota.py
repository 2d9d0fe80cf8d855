from __future__ import annotations

from glint.osc.quota import ShowQuota
from tests.unit.client.base import GLINT
from tests.unit.osc.base import OscTestCase


class TestQuota(OscTestCase):
    def test_limits_and_use(self) -> None:
        quotas = {"images": {"limit": -1, "used": 3}, "sites": {"limit": 5, "used": 2}}
        self.http.get(f"{GLINT}/v1/quotas", json={"quotas": quotas})
        rows = [tuple(row.values()) for row in self.json(ShowQuota)]
        self.assertEqual([("images", -1, 3), ("sites", 5, 2)], rows)

    def test_what_is_not_glint(self) -> None:
        self.http.get(f"{GLINT}/v1/quotas", json={})
        self.assertIn("client.unexpected_answer", self.fails(ShowQuota))
