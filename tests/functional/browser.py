"""A headless Chromium, for tests: started, logged in, waited for, and seen through its console."""

from __future__ import annotations

import html.parser
import pathlib
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, TypeVar

import fixtures
import requests
from selenium import webdriver
from selenium.common import exceptions as sel
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

WAIT = 60
"""Seconds that a page, or what is expected on it, may take on a busy machine."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
T = TypeVar("T")


def programs() -> tuple[str, str] | None:
    """Chromium and its driver, or None where one of the two is not installed."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Form(html.parser.HTMLParser):
    """What a browser would send of the form with an id or a class, pressing its last button.

    :ivar fields: name and value, as they are when nothing was typed or ticked
    """

    def __init__(self, page: str, mark: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self._mark = mark
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._inside = self._mark in (found.get("id"), found.get("class"))
            self.action = str(found.get("action")) if self._inside else self.action
        sent = found.get("type") != "checkbox" or "checked" in found
        if self._inside and tag == "input" and found.get("name") and sent:
            self.fields.append((str(found["name"]), str(found.get("value") or "")))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"


class Browser(fixtures.Fixture):
    """One browser with a new empty profile.

    :ivar driver: selenium's
    """

    def __init__(self, base: str, *, width: int = 1280) -> None:
        super().__init__()
        self.base = base
        self.driver: webdriver.Chrome
        self._width = width

    def _setUp(self) -> None:  # the name is the library's
        found = programs()
        if found is None:
            raise FileNotFoundError("chromium and chromedriver are not both installed")
        profile = tempfile.mkdtemp(prefix="chromium-")
        self.addCleanup(shutil.rmtree, profile, ignore_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = found[0]
        for flag in (*FLAGS, f"--window-size={self._width},1000", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # With both paths given, selenium neither looks for a driver nor fetches one.
        service = Service(found[1], env={"PATH": "/usr/bin:/bin", "HOME": profile})
        self.driver = webdriver.Chrome(options=options, service=service)
        self.addCleanup(self.driver.quit)
        self.driver.set_page_load_timeout(WAIT)

    # -- going about

    def go(self, path: str) -> None:
        """Open a page below Horizon's address."""
        self.driver.get(self.base + path)

    def log_in(self, username: str, password: str, then: str) -> None:
        """Log in, and arrive at a page."""
        self.go(f"/auth/login/?next={then}")
        self.one("#id_username").send_keys(username)
        self.one("#id_password").send_keys(password)
        self.click("#loginBtn")
        self.until(lambda: then in self.driver.current_url, f"{then} after the log-in")

    def plain(self) -> requests.Session:
        """The same session without a browser, and so without scripts."""
        session = requests.Session()
        session.trust_env = False
        for cookie in self.driver.get_cookies():
            session.cookies.set(cookie["name"], cookie["value"])
        return session

    # -- looking

    def one(self, selector: str) -> WebElement:
        """The first element of a CSS selector, waited for."""
        return self.until(lambda: self.all(selector)[0], selector)

    def all(self, selector: str) -> list[WebElement]:
        """All elements of a CSS selector, as it is now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text that can be seen of an element."""
        return self.until(lambda: (self.one(selector).text,), selector)[0]

    def click(self, selector: str) -> None:
        """Click at an element as soon as it can be clicked at."""

        def click() -> bool:
            element = self.all(selector)[0]
            self.script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.until(click, f"a click at {selector}")

    def fill(self, selector: str, text: str) -> None:
        """Type into a field in place of what is there."""

        def fill() -> bool:
            field = self.all(selector)[0]
            field.clear()
            field.send_keys(text)
            return True

        # A dialog that is just opening takes no text yet.
        self.until(fill, f"text into {selector}")

    def script(self, text: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(text, *arguments)

    def until(self, probe: Callable[[], T], what: str, timeout: float = WAIT) -> T:
        """The first true answer of ``probe``; what is not there yet, or not any more, is no answer.

        :raises AssertionError: there is none in time; it shows the page's text
        """
        passing = (IndexError, sel.WebDriverException)
        try:
            return WebDriverWait(self.driver, timeout, 0.1, ignored_exceptions=passing).until(
                lambda _: probe()
            )
        except sel.TimeoutException:
            raise AssertionError(
                f"{what}: not within {timeout:g} s at {self.driver.current_url}; there is:\n"
                + self.body()
            ) from None

    def body(self) -> str:
        """The text of the whole page."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def complaints(self) -> list[str]:
        """Errors of the console that are about Glint's pages, scripts and styles."""
        found = [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [str(entry["message"]) for entry in found if "glint" in str(entry["message"])]

    def screenshot(self, path: pathlib.Path) -> None:
        """A picture of the window as PNG."""
        self.driver.save_screenshot(str(path))
