"""Sites, credentials, images and operations in Horizon, from nothing to the first column."""

from __future__ import annotations

import hashlib
import pathlib

import fixtures

from tests.functional.base import MIB, Glance, User
from tests.functional.browser import Browser
from tests.functional.dashboardcase import MATRIX, DashboardTestCase
from tests.functional.processes import eventually

SITES = "/project/glint_sites/"
CREDENTIALS = "/project/glint_credentials/"
IMAGES = "/project/glint_images/"


class ListsTest(DashboardTestCase):
    """A project that has nothing yet."""

    def submit(self, browser: Browser) -> None:
        browser.click(".modal-footer input[type=submit]")

    def wait_for_message(self, browser: Browser, text: str) -> None:
        browser.until(lambda: text in browser.body(), f"the message {text!r}")

    def test_from_nothing_to_the_first_image(self) -> None:
        user = User(self.glint, "hep-member")
        self._add_site(self.browser("hep-member", SITES))
        (site,) = user.client.sites.list()
        self.assertEqual(self.alto.auth_url, site["connection"]["auth_url"])
        self._add_credential(self.browser("hep-member", CREDENTIALS))
        (credential,) = user.client.credentials.list()
        self.assertEqual("ALTO (hep)", credential["name"])
        images = Glance(self.alto.session("hep-member"), self.alto.image_url)
        remote = images.add(b"registered by hand" * MIB, "registered by hand")
        self._take(self.browser("hep-member", IMAGES), remote)
        self._upload(self.browser("hep-member", f"{IMAGES}create/"), images)
        browser = self.browser("hep-member", MATRIX)
        names = [one.text for one in browser.all(".glint-image")]
        self.assertEqual(["registered by hand", "uploaded by hand"], names)
        browser.until(
            lambda: [one.text for one in browser.all(".glint-word")] == ["present"] * 2,
            "both images",
        )
        # Chromium itself notes the upload that was refused.
        refused = [one for one in browser.complaints() if "400 (Bad Request)" not in one]
        self.assertEqual([], refused)
        self._look_as_administrator(self.browser("hep-admin", "/admin/glint_sites/"))

    def _add_site(self, browser: Browser) -> None:
        browser.click("#sites__action_add")
        browser.fill("#id_name", "ALTO")
        nobody = f"http://127.0.0.1:{self.minicloud.spare_ports[-1]}/v3"
        browser.fill("#id_openstack__auth_url", nobody)
        self.submit(browser)
        # The dialog stays, with the reason and with what was typed.
        browser.one(".modal .alert-danger")
        self.assertEqual("ALTO", browser.one("#id_name").get_attribute("value"))
        browser.fill("#id_openstack__auth_url", self.alto.auth_url)
        self.submit(browser)
        self.wait_for_message(browser, "Added site ALTO.")
        self.assertIn("reachable", browser.text("#sites"))

    def _add_credential(self, browser: Browser) -> None:
        browser.click("#credentials__action_add")
        browser.one("#id_password")
        chosen = browser.script("return document.querySelector('#id_auth').value")
        self.assertEqual("v3applicationcredential", chosen)
        browser.script("$('#id_auth').val('password').trigger('change')")
        one = self.alto.credentials("hep-member")
        browser.fill("#id_password__username", one.username)
        browser.fill("#id_password__project_name", one.project_name)
        browser.fill("#id_password", one.password)
        self.submit(browser)
        self.wait_for_message(browser, "Added credential ALTO (hep).")
        self.assertNotIn(one.password, browser.driver.page_source)
        self.assertNotIn(one.password, self.horizon.log_text())

    def _take(self, browser: Browser, remote: str) -> None:
        browser.click("#images__action_found")
        browser.click("#found__action_look")
        self.wait_for_message(browser, "The images of ALTO (hep) are being looked through.")

        def seen() -> bool:
            browser.go(f"{IMAGES}found/")
            return bool(browser.all(f"#found__row__{remote}"))

        browser.until(seen, "the image at its site")
        self.assertIn("yes", browser.text(f"#found__row__{remote}"))
        browser.click("#found__action_register")
        browser.fill("#id_remote_id", remote)
        self.submit(browser)
        self.wait_for_message(browser, "Image registered by hand is in the catalogue.")

    def _upload(self, browser: Browser, images: Glance) -> None:
        content = b"uploaded by hand" * (MIB // 2)
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / "image.raw"
        path.write_bytes(content)
        browser.one("#glint-upload[data-ready]")
        browser.fill("#id_name", "uploaded by hand")
        browser.one("#id_file").send_keys(str(path))
        browser.script("$('#id_disk_format').val('qcow2').trigger('change')")
        self.submit(browser)
        # What is refused stays on the page, with the reason, and leaves no row.
        self.assertIn("qcow2", browser.text("#glint-upload-trouble:not([hidden])"))
        names = [image["name"] for image in self.user.client.images.list()]
        self.assertEqual(["registered by hand"], names)

        (column,) = self.user.client.credentials.list()
        browser.script("$('#id_disk_format').val('raw').trigger('change')")
        browser.script("$('#id_credential').val(arguments[0]).trigger('change')", column["id"])
        browser.fill("#id_checksum", hashlib.sha256(content).hexdigest())
        browser.script(
            "const bar = document.querySelector('#glint-upload-progress .progress-bar');"
            "new MutationObserver(() => sessionStorage.setItem('seen',"
            " `${sessionStorage.getItem('seen')} ${bar.getAttribute('aria-valuenow')}`))"
            ".observe(bar, {attributes: true});"
        )
        slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2e6}
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
        self.submit(browser)
        # The message at the head of the list fades away; the image stays.
        self.assertIn("uploaded by hand", browser.text("#images"))
        slow["uploadThroughput"] = -1
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
        seen = str(browser.script("return sessionStorage.getItem('seen')")).split()[1:]
        self.assertTrue([one for one in seen if 0 < int(one) < 100], seen)
        eventually(lambda: images.one("uploaded by hand")["status"] == "active", "the copy", 60)
        self.assertEqual(len(content), images.one("uploaded by hand")["size"])

    def _look_as_administrator(self, browser: Browser) -> None:
        self.assertIn("ALTO", browser.text("#sites"))
        browser.go("/admin/glint_operations/")
        self.assertIn("hep", browser.text("#operations"))
        browser.go("/admin/glint_conductors/")
        self.assertIn("alive", browser.text("#conductors"))
        panels = [str(one.get_attribute("href")) for one in browser.all("a.openstack-panel")]
        self.assertIn(self.horizon.url + "/admin/glint_conductors/", panels)
        self.assertEqual([], browser.complaints())
