"""What the browser tests have in common: two clouds, Glint, Horizon, and a browser that logs in."""

from __future__ import annotations

import os
import pathlib
import tempfile
import unittest
from typing import ClassVar

import testtools
from testtools import content

from tests.functional.base import ClassGlintTestCase, User
from tests.functional.browser import Browser, programs
from tests.functional.horizon import Horizon, SharedHorizon
from tests.functional.service import GlintService

MATRIX = "/project/glint_deployments/"


class DashboardTestCase(ClassGlintTestCase, testtools.TestCase):
    """Tests that share one Glint and one Horizon; and, for each persona, one browser.

    :ivar user: hep-member, through the API
    """

    horizon: ClassVar[Horizon]
    browsers: ClassVar[dict[str, Browser]]

    @classmethod
    def setUpClass(cls) -> None:
        if programs() is None:
            raise unittest.SkipTest(
                "no browser: apt-get install chromium chromium-driver, or tools/test as root"
            )
        super().setUpClass()
        cls.browsers = {}
        cls.horizon = cls.enter(SharedHorizon(cls.alto)).horizon

    @classmethod
    def _own_glint(cls) -> GlintService:
        uploads = tempfile.TemporaryDirectory(prefix="glint-uploads-")
        cls.addClassCleanup(uploads.cleanup)
        cls.settings = {"images": {"upload_dir": uploads.name}}
        return super()._own_glint()

    def setUp(self) -> None:
        super().setUp()
        self.user = User(self.glint, "hep-member")
        self.addOnException(
            lambda _: self.addDetail("horizon", content.text_content(self.horizon.log_text()))
        )

    def browser(self, persona: str = "hep-member", then: str = MATRIX) -> Browser:
        """The browser in which a persona is logged in, at a page; it is the class's."""
        browser = self.browsers.get(persona)
        if browser is None:
            browser = self.enter(Browser(self.horizon.url))
            one = self.alto.credentials(persona)
            browser.log_in(one.username, one.password, then)
            self.browsers[persona] = browser
        else:
            browser.go(then)
        self.addOnException(lambda _: self._picture(browser))
        return browser

    def _picture(self, browser: Browser) -> None:
        """What could be seen when the test failed, as a file that stays."""
        folder = os.environ.get("GLINT_TEST_ARTEFACTS") or tempfile.gettempdir()
        path = pathlib.Path(folder) / f"{self.id()}.png"
        browser.screenshot(path)
        self.addDetail("screenshot", content.text_content(str(path)))
        self.addDetail("page", content.text_content(browser.body()))
