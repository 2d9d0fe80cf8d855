from __future__ import annotations

from glint.osc.inventory import ListSiteImage
from tests.unit.client.base import GLINT
from tests.unit.osc.base import AT_DAIR, DAIR, HOSTILE, IMAGE, OscTestCase


class TestInventory(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("sites", DAIR)
        self.serve("credentials", AT_DAIR)
        held = {"remote_id": "r1", "name": "rescue", "size": 5242880, "image_id": IMAGE["id"]}
        loose = {"remote_id": "r2", "name": HOSTILE, "size": None, "image_id": None}
        self.http.get(
            f"{GLINT}/v1/credentials/{AT_DAIR['id']}/inventory", json={"inventory": [held, loose]}
        )

    def test_columns_and_filters(self) -> None:
        rows = self.json(ListSiteImage, "DAIR", "--status", "active", "--name", "n")
        self.assertEqual(["r1", "r2"], [row["ID"] for row in rows])
        self.assertEqual(IMAGE["id"], rows[0]["Catalogue"])
        asked = {"status": ["eq:active"], "name": ["eq:n"], "limit": ["1000"]}
        self.assertEqual(asked, self.sent()[-1].qs)
        self.assertIn("Seen At", self.json(ListSiteImage, "DAIR", "--long")[0])

    def test_what_no_row_holds(self) -> None:
        self.json(ListSiteImage, "DAIR (hep)", "--not-in-catalogue", "--filter", "size=gt:7")
        asked = {"in_catalogue": ["false"], "size": ["gt:7"], "limit": ["1000"]}
        self.assertEqual(asked, self.sent()[-1].qs)

    def test_hostile_names_are_cleaned(self) -> None:
        shown = self.command(ListSiteImage, "DAIR")
        self.assertIn("5.0 MiB", shown)
        self.assertNotIn("\x1b", shown)
