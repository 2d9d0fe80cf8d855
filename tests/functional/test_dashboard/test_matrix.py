"""Glint's matrix in a real Horizon, through a real browser, between two real clouds."""

from __future__ import annotations

from typing import ClassVar

from glint.client import Resource
from tests.functional.base import MIB, Glance, User, change
from tests.functional.browser import WAIT, Browser, Form
from tests.functional.dashboardcase import MATRIX, DashboardTestCase
from tests.functional.processes import eventually

HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=window.pwned=2>"
    "\" onmouseover=window.pwned=3 ' {$ window.pwned=4 $} {{ 7*7 }}"
)


class MatrixTestCase(DashboardTestCase):
    """Two columns that the whole project sees: ALTO, where Glint lives, and DAIR."""

    home: ClassVar[Resource]
    dair_column: ClassVar[Resource]

    @classmethod
    def prepare(cls) -> None:
        user = User(cls.glint, "hep-member")
        cls.home = user.home(cls.alto, shared=True)
        cls.dair_column = user.column("DAIR", cls.dair, shared=True)

    def setUp(self) -> None:
        super().setUp()
        self.alto_images = Glance(self.alto.session("hep-member"), self.alto.image_url)
        self.dair_images = Glance(self.dair.session("hep-member"), self.dair.image_url)

    def image(self, name: str, size: int = MIB) -> Resource:
        """An image at ALTO, in Glint's catalogue; its content is its name."""
        data = (name.encode() * (size // len(name.encode()) + 1))[:size]
        return self.user.register(self.home, self.alto_images.add(data, name))

    def at_dair(self, image: Resource) -> str:
        """CSS selector of an image's cell at DAIR."""
        return f"tr[data-image='{image['id']}'] td[data-credential='{self.dair_column['id']}']"

    def matrix(self, persona: str = "hep-member") -> Browser:
        """A browser that shows the matrix, its script at work."""
        browser = self.browser(persona)
        browser.one("#glint[data-ready]")
        return browser

    def tick(self, browser: Browser, *images: Resource) -> None:
        for image in images:
            browser.click(f"{self.at_dair(image)} .glint-box")

    def wait_for_cell(self, browser: Browser, image: Resource, kind: str) -> None:
        browser.one(f"{self.at_dair(image)}.is-{kind}")


class SaveTest(MatrixTestCase):
    """From the tick to the copy in the other cloud."""

    def test_a_tick_becomes_a_copy_and_the_page_shows_how(self) -> None:
        image = self.image("shown while it is copied", 8 * MIB)
        site = self.dair_column["site_id"]
        self.user.client.sites.update(site, bandwidth=MIB)
        self.addCleanup(self.user.client.sites.update, site, bandwidth=None)
        browser = self.matrix()
        panels = [str(one.get_attribute("href")) for one in browser.all("a.openstack-panel")]
        self.assertIn(self.horizon.url + MATRIX, panels)
        cell = self.at_dair(image)
        self.assertEqual("absent", browser.text(f"{cell} .glint-word"))
        browser.script(
            "const cell = document.querySelector(arguments[0]); window.seen = [];"
            "new MutationObserver(() => window.seen.push(cell.className + ' '"
            " + cell.querySelector('progress').value)).observe(cell, {attributes: true});",
            cell,
        )

        self.tick(browser, image)
        browser.one(f"{cell}.is-pending")
        self.assertEqual("1 change pending", browser.text("#glint-pending"))
        browser.click("#glint-save")
        self.wait_for_cell(browser, image, "present")

        seen = browser.script("return window.seen")
        percents = [float(one.rsplit(" ", 1)[1]) for one in seen if "is-copying" in one]
        self.assertTrue([one for one in percents if 0 < one < 100], seen)
        self.assertEqual([], browser.all(".is-pending"))
        record = self.dair_images.one("shown while it is copied")
        self.assertEqual(("active", 8 * MIB), (record["status"], record["size"]))
        browser.until(
            lambda: "copied 8388608 bytes and verified" in browser.text("#glint-events"),
            "the event of the copy",
        )
        # Nothing moves any more, so the page stops asking.
        polls = browser.script("return document.getElementById('glint').dataset.moving")
        self.assertEqual("0", polls)
        self.assertEqual([], browser.complaints())

    def test_a_removal_is_confirmed_first(self) -> None:
        image = self.image("to be removed")
        self.assert_done(self.user.save(change(image, self.dair_column)))
        browser = self.matrix()
        self.tick(browser, image)
        browser.click("#glint-save")
        told = browser.text("#glint-dialog .glint-plan")
        self.assertIn("1 copy is removed.", told)
        self.assertIn("to be removed at DAIR (hep)", told)
        self.assertEqual("active", self.user.cell(image, self.dair_column)["status"])
        browser.click("#glint-dialog button[type=submit]")
        self.wait_for_cell(browser, image, "absent")
        self.assertEqual("absent", self.user.cell(image, self.dair_column)["status"])

    def test_a_last_copy_needs_a_second_switch(self) -> None:
        image = self.image("the last one")
        home = f"tr[data-image='{image['id']}'] td[data-credential='{self.home['id']}']"
        browser = self.matrix()
        browser.click(f"{home} .glint-box")
        browser.click("#glint-save")
        self.assertIn("1 change is refused", browser.text("#glint-dialog .glint-plan"))
        self.assertTrue(browser.all("#glint-dialog .glint-switch input"))
        browser.click("#glint-dialog [data-glint=close]")
        self.assertEqual(1, len(browser.all(".is-pending")))
        browser.click("#glint-undo")
        self.assertEqual([], browser.all(".is-pending"))
        self.assertEqual("active", self.user.cell(image, self.home)["status"])


class TroubleTest(MatrixTestCase):
    """What goes wrong, and what other people do."""

    def test_a_failed_cell_is_tried_again(self) -> None:
        image = self.image("fails at first")
        self.minicloud.kill("dair-glance")
        browser = self.matrix()
        self.tick(browser, image)
        browser.click("#glint-save")
        self.wait_for_cell(browser, image, "failed")
        self.minicloud.revive("dair-glance")
        browser.click(f"{self.at_dair(image)} .glint-state")
        self.assertIn("Last error", browser.text("#glint-dialog .glint-details"))
        browser.click("#glint-dialog .btn-primary")
        self.wait_for_cell(browser, image, "present")
        self.assertEqual("active", self.dair_images.one("fails at first")["status"])

    def test_two_users_change_one_row(self) -> None:
        contested, other = self.image("contested"), self.image("not contested")
        browser = self.matrix()
        colleague = User(self.glint, "hep-admin")
        self.assert_done(colleague.save(change(contested, self.dair_column)))

        home = f"tr[data-image='{contested['id']}'] td[data-credential='{self.home['id']}']"
        browser.click(f"{home} .glint-box")
        self.tick(browser, other)
        browser.click("#glint-save")
        # The removal of the first copy is confirmed, and then found to rest on an old row.
        browser.until(
            lambda: "is wanted now" in browser.text("#glint-notice") or self._confirm(browser),
            "what the colleague changed",
        )
        self.assertIn("contested at DAIR (hep)", browser.text("#glint-notice"))
        browser.one(f"{self.at_dair(contested)}.is-present")
        # The ticks of the user are all still there.
        browser.one(f"{home}.is-pending")
        browser.one(f"{self.at_dair(other)}.is-pending")
        browser.click(f"{home} .glint-box")
        browser.click("#glint-save")
        self.wait_for_cell(browser, other, "present")

    def _confirm(self, browser: Browser) -> bool:
        for button in browser.all("#glint-dialog[open] button[type=submit]"):
            button.click()
        return False

    def test_hostile_names_stay_names(self) -> None:
        image = self.image(HOSTILE)
        browser = self.matrix()
        row = f"tr[data-image='{image['id']}']"
        # Horizon's own guard against AngularJS shows the dollar as a percent sign.
        shown = HOSTILE.replace("{$", "{%").replace("$}", "%}")
        self.assertEqual(shown, browser.text(f"{row} .glint-image"))
        label = browser.one(f"{self.at_dair(image)} .glint-box").get_attribute("aria-label")
        self.assertEqual(f"{shown} at DAIR (hep)", label)
        self.tick(browser, image)
        browser.click("#glint-save")
        self.wait_for_cell(browser, image, "present")
        browser.click(f"{self.at_dair(image)} .glint-state")
        self.assertIn(shown, browser.text("#glint-dialog h2"))
        browser.click("#glint-dialog [data-glint=close]")
        self.tick(browser, image)
        browser.click("#glint-save")
        self.assertIn(shown, browser.text("#glint-dialog .glint-list"))
        self.assertIsNone(browser.script("return window.pwned ?? null"))
        self.assertEqual([], browser.all("#glint script, #glint img"))

    def test_without_javascript_it_is_a_form(self) -> None:
        image, gone = self.image("by a plain form"), self.image("removed by a plain form")
        self.assert_done(self.user.save(change(gone, self.dair_column)))
        plain = self.browser().plain()
        form = Form(plain.get(self.horizon.url + MATRIX, timeout=WAIT).text, "glint-form")
        boxes = {one["id"]: f"{one['id']}:{self.dair_column['id']}" for one in (image, gone)}
        self.assertIn(("want", boxes[gone["id"]]), form.fields)
        self.assertNotIn(("want", boxes[image["id"]]), form.fields)
        form.fields.remove(("want", boxes[gone["id"]]))
        form.fields.append(("want", boxes[image["id"]]))
        page = plain.post(self.horizon.url + form.action, data=form.fields, timeout=WAIT).text
        self.assertIn("1 copy is removed.", page)
        form = Form(page, "glint-plan")
        page = plain.post(self.horizon.url + form.action, data=form.fields, timeout=WAIT).text
        self.assertIn("Saved 2 changes.", page)
        for one, status in ((image, "active"), (gone, "absent")):
            eventually(
                lambda one=one, status=status: (  # type: ignore[misc]
                    self.user.cell(one, self.dair_column)["status"] == status
                ),
                f"{one['name']} is {status}",
                60,
            )

    def test_a_plain_form_that_comes_too_late_keeps_its_ticks(self) -> None:
        contested, other = self.image("changed meanwhile"), self.image("nobody else's")
        plain = self.browser().plain()
        form = Form(plain.get(self.horizon.url + MATRIX, timeout=WAIT).text, "glint-form")
        self.assert_done(self.user.save(change(contested, self.dair_column)))
        ticks = [("want", f"{one['id']}:{self.dair_column['id']}") for one in (contested, other)]
        form.fields += ticks
        page = plain.post(self.horizon.url + form.action, data=form.fields, timeout=WAIT).text
        self.assertIn("Somebody else changed this meanwhile.", page)
        form = Form(page, "glint-form")
        self.assertEqual([], [one for one in ticks if one not in form.fields])
        page = plain.post(self.horizon.url + form.action, data=form.fields, timeout=WAIT).text
        self.assertIn("Saved 1 change.", page)
        eventually(
            lambda: self.user.cell(other, self.dair_column)["status"] == "active",
            "the copy that was wished too late at first",
            60,
        )

    def test_a_reader_only_looks(self) -> None:
        image = self.image("for readers")
        browser = self.matrix("hep-reader")
        box = browser.one(f"{self.at_dair(image)} .glint-box")
        self.assertFalse(box.is_enabled())
        self.assertEqual([], browser.all("#glint-save"))
