from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import testtools

from glint import exception
from glint.drivers.glance import driver
from tests.unit.drivers import fakes
from tests.unit.drivers.base import FILE, PATIENCE, RID, CloudTestCase
from tests.unit.drivers.fakes import HangUp, Request, SocketCloud


class Body:
    """A body of ``size`` bytes in chunks, which can raise on its way.

    :param fails_at: number of the chunk in whose place ``failure`` is raised
    """

    def __init__(
        self, size: int, failure: BaseException | None = None, fails_at: int = 0, chunk: int = 65536
    ) -> None:
        self.size, self.failure, self.fails_at, self.chunk = size, failure, fails_at, chunk
        self.iterated = 0
        self.given = 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        self.iterated += 1
        number = 0
        while self.given < self.size:
            if self.failure is not None and number == self.fails_at:
                raise self.failure
            chunk = b"x" * min(self.chunk, self.size - self.given)
            self.given += len(chunk)
            number += 1
            yield chunk


class TestUpload(CloudTestCase):
    def serve(self, handler: Callable[[Request], None]) -> driver.GlanceDriver:
        self.site = self.cloud()
        self.site.on("PUT", FILE, handler)
        return self.driver(self.site)

    def test_whole(self) -> None:
        got: list[tuple[dict[str, str], bytes]] = []

        def handler(request: Request) -> None:
            got.append((dict(request.headers), request.body()))
            request.answer(204)

        for size in (1_000_000, 1, 0):
            got.clear()
            self.serve(handler).upload(RID, Body(size))
            headers, body = got[0]
            self.assertEqual(b"x" * size, body)
            self.assertEqual(str(size), headers["content-length"])
            self.assertEqual(str(size), headers["x-openstack-image-size"])
            self.assertEqual("application/octet-stream", headers["content-type"])
            self.assertEqual("token-1", headers["x-auth-token"])
            self.assertNotIn("transfer-encoding", headers)

    def test_answers(self) -> None:
        for status, text, kind in (
            (400, b"no", exception.SiteError),
            (401, b"", exception.SiteCredentialsRejected),
            (403, b"", exception.SiteForbidden),
            (404, b"", exception.SiteImageNotFound),
            (409, b"", exception.SiteConflict),
            (410, b"", exception.SiteImageNotFound),
            (413, b"", exception.SiteQuotaExceeded),
            (415, b"", exception.SiteFormatRefused),
            (307, b"", exception.SiteAddressWrong),
            (503, b"", exception.SiteBusy),
        ):

            def handler(request: Request, status: int = status, text: bytes = text) -> None:
                request.body()
                request.answer(status, text, {"Location": f"{self.site.url}/other"})

            body = Body(100_000)
            used = self.serve(handler)
            with testtools.ExpectedException(kind):
                used.upload(RID, body)
            self.assertEqual(1, body.iterated)
            self.assertEqual(1, len([one for one in self.site.seen if one[0] == "PUT"]))
            self.assertEqual(1, self.site.logins)

    def test_an_early_refusal_is_heard(self) -> None:
        def handler(request: Request) -> None:
            request.answer(413, b"<h1>413 Said</h1>too large", {"Connection": "close"})
            while request.stream.read(65536):
                pass

        body = Body(1 << 30)
        with testtools.ExpectedException(exception.SiteQuotaExceeded, ".*too large.*413.*"):
            self.serve(handler).upload(RID, body)
        self.assertTrue(body.given < body.size)

    def test_an_early_success_is_none(self) -> None:
        def handler(request: Request) -> None:
            request.answer(204, b"", {"Connection": "close"})
            while request.stream.read(65536):
                pass

        with testtools.ExpectedException(exception.StreamBroken, ".*before it had all.*"):
            self.serve(handler).upload(RID, Body(1 << 30))

    def test_a_word_of_encouragement_is_no_answer(self) -> None:
        for word in (b"100 Continue\r\nX-Y: z", b"102 Processing"):
            said = threading.Event()

            def handler(request: Request, word: bytes = word, said: Any = said) -> None:
                request.sock.sendall(b"HTTP/1.1 " + word + b"\r\n\r\n")
                said.set()
                request.body()
                request.answer(204)

            class Waiting(Body):
                def __iter__(self, said: threading.Event = said) -> Iterator[bytes]:
                    for chunk in super().__iter__():
                        yield chunk
                        said.wait(PATIENCE)

            self.serve(handler).upload(RID, Waiting(10 * 65536))

    def test_gone_may_mean_overtaken(self) -> None:
        """Glance says 410 also where an earlier, cut upload to the record ends during this one."""

        def handler(request: Request) -> None:
            request.body()
            request.answer(410)

        used = self.serve(handler)
        with testtools.ExpectedException(exception.SiteImageNotFound):
            used.upload(RID, Body(10))
        record = json.dumps(fakes.record(status="queued")).encode()
        self.site.on(
            "GET",
            f"/v2/images/{RID}",
            lambda request: request.answer(200, record, {"Content-Type": "application/json"}),
        )
        with testtools.ExpectedException(exception.SiteConflict, ".*HTTP 410.*"):
            used.upload(RID, Body(10))

    def test_what_the_body_raises_surfaces(self) -> None:
        for failure in (
            exception.Cancelled(),
            ValueError("odd"),
            BrokenPipeError(32, "of the body"),
            TimeoutError("of the body"),
            SystemExit(3),
        ):
            got: list[bytes] = []
            ended = threading.Event()

            def handler(
                request: Request,
                got: list[bytes] = got,
                ended: threading.Event = ended,
            ) -> None:
                got.append(request.body())
                ended.set()

            used = self.serve(handler)
            outcome = self.in_thread(
                lambda used=used, failure=failure: used.upload(  # type: ignore[misc]
                    RID, Body(1_000_000, failure, fails_at=3)
                )
            )
            self.assertIs(failure, outcome())
            self.assertTrue(ended.wait(PATIENCE))
            # Over TLS, the end of the line may overtake some of it.
            self.assertTrue(len(got[0]) <= 3 * 65536)

    def test_a_body_of_another_length(self) -> None:
        ended = threading.Semaphore(0)

        def handler(request: Request) -> None:
            self.assertTrue(len(request.body()) < 100_000)
            ended.release()

        class Wrong(Body):
            def __len__(self) -> int:
                return 100_000

        for size, said in ((99_999, "fewer"), (100_001, "more"), (0, "fewer")):
            used = self.serve(handler)
            with testtools.ExpectedException(exception.StreamBroken, f".*{said} bytes.*"):
                used.upload(RID, Wrong(size))
            self.assertTrue(ended.acquire(timeout=PATIENCE))

    def test_a_cut(self) -> None:
        def handler(request: Request) -> None:
            request.stream.read(300_000)
            raise HangUp

        with testtools.ExpectedException(
            exception.StreamBroken, ".*to https?://127.0.0.1:.* of 1073741824 bytes.*"
        ):
            self.serve(handler).upload(RID, Body(1 << 30))

    def test_no_answer(self) -> None:
        def handler(request: Request) -> None:
            request.body()
            raise HangUp

        with testtools.ExpectedException(exception.StreamBroken, ".*5000 of 5000.*"):
            self.serve(handler).upload(RID, Body(5000))

    def test_standstill(self) -> None:
        hold = threading.Event()
        self.addCleanup(hold.set)

        def handler(request: Request) -> None:
            hold.wait(PATIENCE)

        self.serve(handler)
        with testtools.ExpectedException(exception.StreamStalled, ".*0.2 s.*"):
            self.driver(self.site, timeout=0.2).upload(RID, Body(1 << 30))

    def abort(self, cloud: SocketCloud, size: int, **connection: Any) -> None:
        hold, arrived = threading.Event(), threading.Event()
        self.addCleanup(hold.set)

        def handler(request: Request) -> None:
            if size < 1_000_000:
                request.body()
            arrived.set()
            hold.wait(PATIENCE)

        cloud.on("PUT", FILE, handler)
        used = self.driver(cloud, **connection)
        used.abort_upload(RID)
        outcome = self.in_thread(lambda: used.upload(RID, Body(size)))
        self.assertTrue(arrived.wait(PATIENCE))
        used.abort_upload(RID)
        raised = outcome()
        self.assertIsInstance(raised, exception.StreamBroken)
        self.assertIn("stopped by Glint", str(raised))
        used.abort_upload(RID)

    def test_abort_in_a_blocked_send(self) -> None:
        self.abort(self.cloud(), 1 << 30)

    def test_abort_while_waiting_for_the_answer(self) -> None:
        self.abort(self.cloud(), 1000)

    def test_nobody_listens_at_the_endpoint(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        site = self.cloud()
        body = json.dumps(fakes.token_body(fakes.endpoint(f"http://127.0.0.1:{port}"))).encode()

        def login(request: Request) -> None:
            request.body()
            request.answer(201, body, {"X-Subject-Token": "t"})

        site.on("POST", "/v3/auth/tokens", login)
        unused = Body(1000)
        with testtools.ExpectedException(exception.SiteUnreachable, f".*{port}.*refused.*"):
            self.driver(site).upload(RID, unused)
        self.assertEqual(0, unused.given)


class TestEarlyClose(CloudTestCase):
    """A site that answers and closes at once: what it said must be read after a broken pipe."""

    def test_refusal(self) -> None:
        def handler(request: Request) -> None:
            request.answer(413, b"too large", {"Connection": "close"})
            raise HangUp

        site = self.cloud()
        site.on("PUT", FILE, handler)
        for _ in range(5):
            with testtools.ExpectedException(exception.SiteQuotaExceeded, ".*too large.*413.*"):
                self.driver(site).upload(RID, Body(1 << 30))
