"""The options that all lists have."""

from __future__ import annotations

from typing import Any

from glint.osc.credential import ListCredential
from glint.osc.event import ListEvent
from glint.osc.history import ListDeployment, ListTransfer
from glint.osc.image import ListImage
from glint.osc.operation import ListOperation
from glint.osc.site import ListSite
from tests.unit.osc.base import OscTestCase

LISTS: dict[str, type[Any]] = {
    "sites": ListSite,
    "credentials": ListCredential,
    "images": ListImage,
    "operations": ListOperation,
    "deployments": ListDeployment,
    "transfers": ListTransfer,
    "events": ListEvent,
}


class TestLists(OscTestCase):
    def asked(self, name: str, *argv: str) -> dict[str, list[str]]:
        self.serve(name)
        self.json(LISTS[name], *argv)
        asked: dict[str, list[str]] = next(
            r for r in reversed(self.sent()) if r.path == f"/v1/{name}"
        ).qs
        return asked

    def test_every_list_sorts_filters_and_ends(self) -> None:
        for name in LISTS:
            asked = self.asked(
                name,
                *("--sort", "id:desc", "--limit", "7", "--marker", "m"),
                *("--filter", "created_at=gt:2026-11-01", "--filter", "created_at=lt:2026-12-01"),
            )
            wished = {"sort": ["id:desc"], "limit": ["7"], "marker": ["m"]}
            wished["created_at"] = ["gt:2026-11-01", "lt:2026-12-01"]
            self.assertEqual(wished, asked, name)

    def test_a_name_is_meant_as_it_is(self) -> None:
        self.assertEqual(["eq:in:a,b"], self.asked("images", "--name", "in:a,b")["name"])
        self.assertEqual(["eq:in:a,b"], self.asked("sites", "--name", "in:a,b")["name"])

    def test_all_projects(self) -> None:
        for name in LISTS:
            self.assertEqual(["true"], self.asked(name, "--all-projects")["all_projects"], name)

    def test_a_filter_beside_an_option(self) -> None:
        said = self.fails(ListImage, "--name", "a", "--filter", "name=prefix:b")
        self.assertIn("an option asks for that already", said)
        self.assertEqual(["prefix:b"], self.asked("images", "--filter", "name=prefix:b")["name"])
        for name in ("limit", "sleep", "all_projects"):
            self.assertIn("no filter", self.fails(ListImage, "--filter", f"{name}=1"))

    def test_wrong_arguments(self) -> None:
        self.assertIn("KEY=VALUE", self.fails(ListImage, "--filter", "size"))
        self.assertIn("above 0", self.refused(ListImage, "--limit", "0"))
