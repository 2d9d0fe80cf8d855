"""Sites, credentials, images and operations in Horizon, from nothing to the first column."""

from __future__ import annotations

from tests.functional.base import MIB, Glance, User
from tests.functional.browser import Browser
from tests.functional.dashboardcase import MATRIX, DashboardTestCase

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
        self._register(self.browser("hep-member", IMAGES), remote)
        browser = self.browser("hep-member", MATRIX)
        self.assertEqual("registered by hand", browser.text(".glint-image"))
        self.assertEqual("present", browser.text(".glint-word"))
        self.assertEqual([], browser.complaints())

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

    def _register(self, browser: Browser, remote: str) -> None:
        browser.click("#images__action_register")
        browser.fill("#id_remote_id", remote)
        self.submit(browser)
        self.wait_for_message(browser, "Image registered by hand is in the catalogue.")
