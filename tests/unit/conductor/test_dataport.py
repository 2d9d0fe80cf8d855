"""Image data from a conductor to the API, over a real socket."""

from __future__ import annotations

import os
import time
from typing import Any

import fixtures
import requests

from glint import exception
from glint.conductor.dataport import DataApp, DataServer
from glint.credentials import Keyring
from glint.rpc.data import PATH, DataClient
from tests.unit.conductor.base import ConductorTestCase


class DataTest(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keyring = Keyring(self.useFixture(fixtures.TempDir()).path + "/keys")
        self.keyring.setup()
        self.alto = self.cloud("alto")
        self.data = os.urandom(3_000_000)
        self.image_id = self.register("alto", self.alto.put("x", self.data))
        server = DataServer("127.0.0.1", 0, DataApp(self.manager(), self.keyring))
        self.url = f"http://127.0.0.1:{server.start()}"
        self.addCleanup(server.close)

    def client(self, *urls: str, **changes: Any) -> DataClient:
        seal = changes.get("seal", self.keyring.encrypt)
        return DataClient(lambda: urls or (self.url,), seal, 10.0)

    def test_from_any_byte_on(self) -> None:
        for offset in (0, 1, 2_999_999):
            stream = self.client().open_image(self.image_id, offset)
            self.assertEqual(len(self.data), stream.size)
            self.assertEqual(self.data[offset:], b"".join(stream))
            stream.close()

    def test_a_dead_conductor_is_passed_over(self) -> None:
        client = self.client("http://127.0.0.1:1", self.url)
        for _ in range(4):
            self.assertEqual(self.data, b"".join(client.open_image(self.image_id, 0)))
        dead = self.client("http://127.0.0.1:1")
        self.assertRaises(exception.ConductorUnavailable, dead.open_image, self.image_id, 0)
        none = DataClient(lambda: (), self.keyring.encrypt, 10.0)
        self.assertRaises(exception.DownloadsNotPossible, none.open_image, self.image_id, 0)

    def test_errors_come_with_their_codes(self) -> None:
        self.alto.images.clear()
        away = self.assertRaises(exception.NoSource, self.client().open_image, self.image_id, 0)
        self.assertIn("can be read now", str(away))
        error = self.assertRaises(exception.GlintError, self.client().open_image, "nothing", 0)
        self.assertEqual("image.not_found", error.code)

    def test_nobody_else_gets_anything(self) -> None:
        good = {"image": self.image_id, "offset": 0, "until": time.time() + 60}
        other = Keyring(self.useFixture(fixtures.TempDir()).path + "/keys")
        other.setup()
        tokens = [
            "",
            "Glint",
            "Glint x",
            f"Bearer {self.keyring.encrypt(good).decode()}",
            f"Glint {other.encrypt(good).decode()}",
            f"Glint {self.keyring.encrypt({**good, 'until': time.time() - 1}).decode()}",
            f"Glint {self.keyring.encrypt({'password': 'x'}).decode()}",
        ]
        for token in tokens:
            answer = requests.get(self.url + PATH, headers={"Authorization": token}, timeout=10)
            self.assertEqual((401, {"error": {}}), (answer.status_code, answer.json()), token)
        token = f"Glint {self.keyring.encrypt(good).decode()}"
        answer = requests.get(f"{self.url}/x", headers={"Authorization": token}, timeout=10)
        self.assertEqual(401, answer.status_code)
