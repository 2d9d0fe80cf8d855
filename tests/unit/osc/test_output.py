"""Hostile text, formats and exit codes: the same for all commands."""

from __future__ import annotations

import subprocess

from glint.osc.event import ListEvent
from glint.osc.image import ListImage, ShowImage
from glint.osc.matrix import ShowMatrix
from glint.osc.site import DeleteSite, ListSite, ShowSite
from tests.unit.client.base import GLINT
from tests.unit.osc.base import ALTO, DAIR, HOSTILE, IMAGE, OscTestCase

EVIL = {**IMAGE, "name": HOSTILE, "properties": {HOSTILE: HOSTILE}, "tags": [HOSTILE]}


class TestHostileText(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("images", EVIL)
        self.serve("sites", {**DAIR, "name": HOSTILE, "health": HOSTILE})
        self.serve("events", {"id": 1, "message": HOSTILE, "action": HOSTILE})
        column = {"id": "c", "name": HOSTILE, "site_name": HOSTILE}
        cell = {"status": "failed", "error_code": "x.y", "error_detail": HOSTILE}
        self.http.get(
            f"{GLINT}/v1/matrix",
            json={"credentials": [column], "images": [{**EVIL, "cells": {"c": cell}}]},
        )

    def test_none_reaches_the_terminal_in_any_format(self) -> None:
        shows = ("table", "value", "csv", "json", "yaml")
        for kind, argv, formats in (
            (ListImage, ["--long"], shows),
            (ListSite, ["--long"], shows),
            (ListEvent, [], shows),
            (ShowMatrix, [], shows),
            (ShowImage, [str(IMAGE["id"])], ("table", "value", "json", "yaml", "shell")),
        ):
            for how in formats:
                with self.subTest(command=kind.__name__, format=how):
                    out = self.command(kind, *argv, "-f", how) + self.err.getvalue()
                    self.assertIn("gpj", out)
                    for char in "\x1b\x9b\u202e":
                        self.assertNotIn(char, out)
                    self.assertFalse([x for x in out.splitlines() if x.startswith("X forged")])

    def test_json_keeps_what_is_there(self) -> None:
        (image,) = self.json(ListImage, "--long")
        self.assertEqual(HOSTILE, image["Name"])
        self.assertEqual([HOSTILE], image["Tags"])

    def test_errors_of_the_service_are_clean(self) -> None:
        self.refuse("GET", "/sites", 400, "site.error", HOSTILE)
        said = self.fails(ListSite)
        self.assertIn("\\x1b[2J", said)
        self.assertEqual(1, len(said.splitlines()))

    def test_what_is_made_for_a_shell_runs_nothing(self) -> None:
        image = {**IMAGE, "name": '$(echo ran)`echo ran`"; echo ran; \\"'}
        self.serve("images", image)
        out = self.command(ShowImage, str(IMAGE["id"]), "-f", "shell", "-c", "name")
        script = f'{out}\nprintf %s "$name"'
        done = subprocess.run(
            ["/bin/sh", "-c", script], capture_output=True, text=True, timeout=20, check=True
        )
        self.assertEqual(image["name"], done.stdout)


class TestFormats(OscTestCase):
    def test_size_is_readable_in_tables_and_exact_elsewhere(self) -> None:
        self.serve("images", IMAGE)
        self.assertIn("5.0 MiB", self.command(ListImage))
        self.assertEqual("5242880\n", self.command(ListImage, "-f", "value", "-c", "Size"))
        self.assertEqual(5242880, self.json(ListImage)[0]["Size"])

    def test_site_columns(self) -> None:
        self.serve("sites", {**DAIR, "health": "ok", "enabled": True, "home": False})
        (site,) = self.json(ListSite)
        wished = ["ID", "Name", "Type", "Health", "Enabled", "Home", "Shared", "Private"]
        self.assertEqual(wished, list(site))
        self.assertEqual("DAIR", site["Name"])
        self.assertIs(True, site["Enabled"])

    def test_show_has_every_field(self) -> None:
        self.serve("sites", {**DAIR, "connection": {"auth_url": "u"}, "facts": {"a": [1]}})
        site = self.json(ShowSite, "DAIR")
        self.assertEqual({"auth_url": "u"}, site["connection"])
        self.assertIn("auth_url='u'", self.command(ShowSite, "DAIR"))

    def test_filters_are_sent(self) -> None:
        self.serve("sites", ALTO)
        self.serve("events")
        self.command(ListEvent, "--site", "ALTO", "--operation", "o", "--limit", "5")
        self.assertEqual(
            {"site_id": [ALTO["id"]], "operation_id": ["o"], "limit": ["5"]}, self.sent()[-1].qs
        )

    def test_limit_ends_the_paging(self) -> None:
        page = {"events": [{"message": str(n)} for n in range(5)]}
        link = [{"rel": "next", "href": f"{GLINT}/v1/events?marker=1"}]
        self.http.get(f"{GLINT}/v1/events", json={**page, "links": link})
        self.assertEqual(4, len(self.json(ListEvent, "--limit", "4")))
        self.assertEqual(1, len(self.sent()))


class TestPartialFailure(OscTestCase):
    def test_says_which_and_why_and_does_the_rest(self) -> None:
        self.serve("sites", ALTO, DAIR)
        self.refuse("DELETE", f"/sites/{ALTO['id']}", 409, "site.in_use", "Credentials exist.")
        self.http.delete(f"{GLINT}/v1/sites/{DAIR['id']}", status_code=204)

        said = self.fails(DeleteSite, "ALTO", "NOWHERE", "DAIR")

        self.assertEqual(2, len(said.splitlines()))
        self.assertIn("ALTO: Credentials exist. (409, site.in_use)", said)
        self.assertIn("NOWHERE: No site has the name", said)
        self.assertEqual(f"/v1/sites/{DAIR['id']}", self.sent()[-1].path)
        self.assertEqual("DELETE", self.sent()[-1].method)

    def test_all_well_is_silent(self) -> None:
        self.serve("sites", DAIR)
        self.http.delete(f"{GLINT}/v1/sites/{DAIR['id']}", status_code=204)
        self.assertEqual("", self.command(DeleteSite, "DAIR"))
        self.assertEqual("", self.err.getvalue())
