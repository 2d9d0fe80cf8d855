"""What the tests of the drivers have in common."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import fixtures
import requests_mock
import testtools
from requests_mock.contrib import fixture as mock_fixture

from glint.drivers.addresses import AddressPolicy
from glint.drivers.glance import driver
from tests.unit.drivers import fakes
from tests.unit.drivers.fakes import SocketCloud

LOOPBACK = AddressPolicy(allowed_networks=["127.0.0.1/32"])
IMAGES = f"{fakes.IMAGE_URL}/v2/images"
RID = fakes.record()["id"]
FILE = f"/v2/images/{RID}/file"
PATIENCE = 20  # seconds that a test waits for what should come at once


class DriverTestCase(testtools.TestCase):
    """The driver against canned answers."""

    def setUp(self) -> None:
        super().setUp()
        self.mock = self.useFixture(mock_fixture.Fixture())
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.login()

    def login(self, *answers: dict[str, Any]) -> requests_mock.adapter._Matcher:
        """What Keystone answers to logins, one after the other; by default token-1, token-2."""
        given = answers or (self.token(1), self.token(2))
        return self.mock.post(f"{fakes.AUTH_URL}/auth/tokens", list(given))

    @staticmethod
    def token(number: int, lifetime: float = 3600, **endpoint: str) -> dict[str, Any]:
        body = fakes.token_body(fakes.endpoint(**endpoint), lifetime=lifetime)
        headers = {"X-Subject-Token": f"token-{number}"}
        return {"status_code": 201, "json": body, "headers": headers}

    def driver(self, **connection: Any) -> driver.GlanceDriver:
        made = driver.GlanceDriver(
            {"auth_url": fakes.AUTH_URL, **connection}, fakes.auth(), timeout=5
        )
        self.addCleanup(made.close)
        return made

    def sent(self, method: str) -> list[Any]:
        return [one for one in self.mock.request_history if one.method == method]


class CloudTestCase(testtools.TestCase):
    """The driver against a server on a real socket."""

    def cloud(self, **settings: Any) -> SocketCloud:
        cloud = SocketCloud(**settings)
        cloud.__enter__()
        self.addCleanup(cloud.__exit__)
        return cloud

    def driver(
        self, cloud: SocketCloud, timeout: float = PATIENCE, **connection: Any
    ) -> driver.GlanceDriver:
        where = {"auth_url": cloud.url, **connection}
        made = driver.GlanceDriver(where, fakes.auth(), timeout, LOOPBACK)
        self.addCleanup(made.close)
        return made

    def in_thread(self, call: Callable[[], Any]) -> Callable[[], BaseException | None]:
        """Run ``call`` beside; the result waits for its end and gives what it raised."""
        raised: list[BaseException] = []

        def run() -> None:
            try:
                call()
            except BaseException as exc:  # noqa: BLE001 - handed to the test
                raised.append(exc)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def outcome() -> BaseException | None:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive(), "it still waits")
            return raised[0] if raised else None

        return outcome
