"""Addresses that the operator did not allow are not reached, however they are written."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.functional.badinput import BadInputCase
from tests.minicloud import topology


class _Notes(http.server.ThreadingHTTPServer):
    """A service of the machine itself, on all of its addresses, that notes who was let in.

    :ivar asked: paths of the requests
    :ivar target: where it sends those who ask for ``/away/v3``
    """

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), _Handler)
        self.asked: list[str] = []
        self.target = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Notes)
        self.server.asked.append(self.path)
        away = self.path.startswith("/away")
        self.send_response(302 if away else 200)
        if away:
            self.send_header("Location", self.server.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def a_service_of_the_machine() -> Iterator[_Notes]:
    with _Notes() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


class AddressesTest(BadInputCase):
    """Glint is allowed 127.0.0.1, where the clouds are, and nothing else of this machine."""

    def create(self, url: str) -> Any:
        body = {"name": "INSIDE", "type": "openstack", "connection": {"auth_url": url}}
        return self.http.post("/v1/sites", body)

    def test_what_is_inside_stays_there(self) -> None:
        with a_service_of_the_machine() as inside:
            port = inside.server_port
            for host in (
                "127.0.0.2", "0.0.0.0", "[::ffff:127.0.0.2]", "2130706434", "0x7f.2", "0177.2",
                "127.2", "[::1]", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1",
            ):  # fmt: skip
                error = self.assert_refused(
                    self.create(f"http://{host}:{port}/v3"), 400, "address.denied"
                )
                self.assertIn("[addresses]", error["detail"])
            self.assertEqual([], inside.asked)

    def test_a_site_that_sends_glint_inside(self) -> None:
        with a_service_of_the_machine() as inside:
            port = inside.server_port
            inside.target = f"http://127.0.0.2:{port}/v3"
            url = f"http://{topology.LOOPBACK}:{port}/away"
            self.assert_refused(self.create(url), 400, "site.address_wrong")
            self.assertEqual(["/away/v3"], inside.asked)

    def test_a_site_that_was_not_probed(self) -> None:
        with a_service_of_the_machine() as inside:
            url = f"http://127.0.0.2:{inside.server_port}"
            body = {
                "name": "LATER",
                "type": "openstack",
                "connection": {"auth_url": url},
                "probe": False,
            }
            site = self.http.post("/v1/sites", body).json()["site"]
            try:
                seen = self.http.post(f"/v1/sites/{site['id']}/probe").json()["site"]
                self.assertEqual(
                    ("failing", "address.denied"), (seen["health"], seen["health_code"])
                )
                self.assertEqual([], inside.asked)
            finally:
                self.http.delete(f"/v1/sites/{site['id']}")
