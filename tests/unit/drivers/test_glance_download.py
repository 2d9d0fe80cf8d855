from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import testtools

from glint import exception
from glint.drivers.glance import driver
from tests.unit.drivers import fakes
from tests.unit.drivers.base import FILE, PATIENCE, RID, CloudTestCase
from tests.unit.drivers.fakes import HangUp, Request, SocketCloud

DATA = bytes(range(256)) * 40


class TestDownload(CloudTestCase):
    def serve(self, handler: Callable[[Request], None], **settings: Any) -> driver.GlanceDriver:
        self.site = self.cloud(**settings)
        self.site.on("GET", FILE, handler)
        return self.driver(self.site)

    def answer(self, status: int, body: bytes = b"", /, **headers: str) -> driver.GlanceDriver:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.serve(lambda request: request.answer(status, body, named))

    def redirect(self) -> driver.GlanceDriver:
        return self.answer(302, Location="http://127.0.0.1:1/")

    @staticmethod
    def drain(source: Any) -> bytes:
        found = b""
        while chunk := source.read(1000):
            found += chunk
        source.close()
        return found

    def test_whole(self) -> None:
        source = self.answer(200, DATA).open(RID)
        self.assertEqual((0, len(DATA)), (source.offset, source.size))
        self.assertEqual(DATA, self.drain(source))
        self.assertNotIn(("GET", f"/v2/images/{RID}"), self.site.seen)

    def test_empty(self) -> None:
        source = self.answer(200, b"").open(RID)
        self.assertEqual(0, source.size)
        self.assertEqual(b"", self.drain(source))

    def test_rest(self) -> None:
        asked: list[dict[str, str]] = []

        def handler(request: Request) -> None:
            asked.append(dict(request.headers))
            span = f"bytes 100-{len(DATA) - 1}/{len(DATA)}"
            request.answer(206, DATA[100:], {"Content-Range": span})

        source = self.serve(handler).open(RID, 100)
        self.assertEqual((100, len(DATA)), (source.offset, source.size))
        self.assertEqual(DATA[100:], self.drain(source))
        self.assertEqual("bytes=100-", asked[0]["range"])
        self.assertEqual("identity", asked[0]["accept-encoding"])

    def test_a_site_without_ranges(self) -> None:
        source = self.answer(200, DATA).open(RID, 100)
        self.assertEqual((0, len(DATA)), (source.offset, source.size))
        self.assertEqual(DATA, self.drain(source))

    def test_odd_ranges(self) -> None:
        size = len(DATA)
        for said, kind in (
            (f"bytes 99-{size - 1}/{size}", exception.SiteError),
            (f"bytes 100-{size - 2}/{size}", exception.SiteConflict),
            ("bytes */5", exception.SiteError),
            ("bytes 100-9999999999999999999999999/*", exception.SiteError),
            ("", exception.SiteError),
        ):
            used = self.answer(206, DATA[100:], Content_Range=said)
            with testtools.ExpectedException(kind):
                used.open(RID, 100)

    def test_no_bytes_to_be_had(self) -> None:
        for status, kind in (
            (204, exception.SiteConflict),
            (403, exception.SiteForbidden),
            (404, exception.SiteImageNotFound),
            (416, exception.SiteConflict),
            (302, exception.SiteAddressWrong),
            (503, exception.SiteBusy),
        ):
            used = self.redirect() if status == 302 else self.answer(status)
            with testtools.ExpectedException(kind):
                used.open(RID)

    def test_encoded_bytes_are_no_image(self) -> None:
        with testtools.ExpectedException(exception.SiteError, ".*encoded.*gzip.*"):
            self.answer(200, DATA, Content_Encoding="gzip").open(RID)

    def test_early_end(self) -> None:
        def handler(request: Request) -> None:
            request.answer(200, DATA, {"Content-Length": str(len(DATA) + 1)})
            raise HangUp

        source = self.serve(handler).open(RID)
        with testtools.ExpectedException(
            exception.StreamBroken, f".*from https?://127.0.0.1:.* of {len(DATA) + 1} bytes.*"
        ):
            self.drain(source)

    def chunked(self, end: bytes) -> driver.GlanceDriver:
        def handler(request: Request) -> None:
            request.sock.sendall(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + f"{len(DATA):x}\r\n".encode()
                + DATA
                + b"\r\n"
                + end
            )
            raise HangUp

        return self.serve(handler)

    def record(self, size: int | None) -> None:
        body = json.dumps(fakes.record(size=size)).encode()
        self.site.on(
            "GET",
            f"/v2/images/{RID}",
            lambda request: request.answer(200, body, {"Content-Type": "application/json"}),
        )

    def test_without_a_length_the_record_tells_it(self) -> None:
        used = self.chunked(b"0\r\n\r\n")
        self.record(len(DATA))
        source = used.open(RID)
        self.assertEqual(len(DATA), source.size)
        self.assertEqual(DATA, self.drain(source))

    def test_chunks_that_are_not_all(self) -> None:
        for end, size in ((b"", None), (b"0\r\n\r\n", len(DATA) + 1), (b"0\r\n\r\n", 5)):
            used = self.chunked(end)
            self.record(size)
            with testtools.ExpectedException(exception.StreamBroken):
                self.drain(used.open(RID))

    def test_standstill(self) -> None:
        hold = threading.Event()
        self.addCleanup(hold.set)

        def handler(request: Request) -> None:
            request.answer(200, DATA, {"Content-Length": str(len(DATA) + 1)})
            hold.wait(PATIENCE)

        self.serve(handler)
        source = self.driver(self.site, timeout=0.2).open(RID)
        with testtools.ExpectedException(exception.StreamStalled, ".*0.2 s.*"):
            self.drain(source)

    def test_close_wakes_a_reader(self) -> None:
        self.wake_reader(self.cloud())

    def wake_reader(self, cloud: SocketCloud, **connection: Any) -> None:
        hold = threading.Event()
        self.addCleanup(hold.set)

        def handler(request: Request) -> None:
            request.answer(200, b"half", {"Content-Length": "8"})
            hold.wait(PATIENCE)

        cloud.on("GET", FILE, handler)
        source = self.driver(cloud, **connection).open(RID)
        self.assertEqual(b"half", source.read(4))
        outcome = self.in_thread(lambda: source.read(4))
        source.close()
        source.close()
        self.assertIsInstance(outcome(), exception.StreamBroken)
        with testtools.ExpectedException(exception.StreamBroken, ".*closed.*"):
            source.read(4)

    def test_a_dead_token_is_renewed(self) -> None:
        tokens: list[str] = []

        def handler(request: Request) -> None:
            tokens.append(request.headers["x-auth-token"])
            request.answer(401 if len(tokens) == 1 else 200, DATA)

        self.assertEqual(DATA, self.drain(self.serve(handler).open(RID)))
        self.assertEqual(["token-1", "token-2"], tokens)

    def test_a_long_excuse_is_not_read_to_its_end(self) -> None:
        gone = threading.Event()

        def handler(request: Request) -> None:
            try:
                request.answer(403, b"no ", {"Content-Length": str(10**12)})
                while True:
                    request.sock.sendall(b"no " * 10_000)
            except OSError:
                gone.set()
                raise

        with testtools.ExpectedException(exception.SiteForbidden):
            self.serve(handler).open(RID)
        self.assertTrue(gone.wait(PATIENCE))

    def test_an_endless_record_is_not_believed(self) -> None:
        def handler(request: Request) -> None:
            request.answer(200, b"[", {"Content-Length": str(10**12)})
            while True:
                request.sock.sendall(b" " * 1_000_000)

        site = self.cloud()
        site.on("GET", f"/v2/images/{RID}", handler)
        with testtools.ExpectedException(exception.SiteError, ".*larger.*"):
            self.driver(site).get_image(RID)
