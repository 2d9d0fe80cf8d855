"""The fault proxy forwards faithfully, breaks what it is told to, and counts right."""

from __future__ import annotations

import http.client
import json
import pathlib
import socket
import ssl
import threading
import urllib.parse
from typing import Any

import fixtures
import requests
from keystoneauth1 import exceptions as ks_exceptions

from tests.minicloud import tls, topology
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.testcase import Images, MiniCloudTestCase, some_bytes

FILE = r"^/v2/images/[^/]+/file$"
DATA = some_bytes(300_000)


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


class ProxyTestCase(MiniCloudTestCase):
    """A proxy before ALTO's Glance; ``direct`` goes around it, ``images`` through it."""

    def setUp(self) -> None:
        super().setUp()
        self.fault = self.proxy(self.alto.image_url)
        self.direct = self.images(self.alto)
        self.through = Images(self.direct.session, self.fault.url)

    def raw(self, proxy: FaultProxy | None = None) -> http.client.HTTPConnection:
        """A plain connection to the proxy, with nothing that repeats or repairs."""
        port = (proxy or self.fault).port
        connection = http.client.HTTPConnection(topology.LOOPBACK, port, timeout=30)
        self.addCleanup(connection.close)
        return connection

    def headers(self, **more: str) -> dict[str, str]:
        token = str(self.direct.session.get_token())
        return {"X-Auth-Token": token, "Content-Type": "application/octet-stream"} | more

    def get(self, image_id: str) -> http.client.HTTPResponse:
        connection = self.raw()
        connection.request("GET", f"/v2/images/{image_id}/file", headers=self.headers())
        return connection.getresponse()

    def wait_for_status(self, image_id: str, status: str) -> None:
        for _ in range(200):
            if self.direct.show(image_id)["status"] == status:
                return
            threading.Event().wait(0.05)
        self.fail(f"{image_id} is never {status}: {self.direct.show(image_id)}")

    def upload_at_last(self, image_id: str) -> None:
        """Upload again, as soon as the service has noticed the end of the upload before."""
        for _ in range(200):
            try:
                self.through.upload(image_id, DATA)
            except (ks_exceptions.Conflict, ks_exceptions.Gone):
                threading.Event().wait(0.05)
            else:
                break
        self.assert_same_bytes(DATA, self.direct.show(image_id))


class ForwardingTest(ProxyTestCase):
    def test_up_and_down_with_counters(self) -> None:
        image_id = self.through.add(DATA)
        self.assertEqual(DATA, self.through.download(image_id))
        self.assert_same_bytes(DATA, self.direct.show(image_id))
        path = f"/v2/images/{image_id}/file$"
        self.assertEqual(1, self.fault.requests("GET", path))
        self.assertEqual(len(DATA), self.fault.response_bytes("GET", path))
        self.assertEqual(len(DATA), self.fault.request_bytes("PUT", path))
        self.assertEqual([204, 200], [one.status for one in self.fault.seen("PUT|GET", path)])
        self.fault.forget()
        self.assertEqual(0, self.fault.requests(".*", "."))

    def test_chunked_upload(self) -> None:
        image_id = self.through.create()
        self.through.upload(image_id, iter([DATA[:5], DATA[5:200_000], DATA[200_000:]]))
        self.assert_same_bytes(DATA, self.direct.show(image_id))
        self.assertEqual(len(DATA), self.fault.request_bytes("PUT", FILE))

    def test_many_requests_on_one_connection(self) -> None:
        connection = self.raw()
        for _ in range(3):
            connection.request("GET", "/v2/images", headers=self.headers())
            sock = connection.sock
            self.assertIn("images", json.load(connection.getresponse()))
            self.assertIs(sock, connection.sock)

    def test_expect_100_continue(self) -> None:
        image_id = self.direct.create()
        lines = [f"PUT /v2/images/{image_id}/file HTTP/1.1", "Host: x", "Expect: 100-continue"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        lines += [f"Content-Length: {len(DATA)}", "", ""]
        with socket.create_connection((topology.LOOPBACK, self.fault.port), 30) as sock:
            sock.sendall("\r\n".join(lines).encode())
            with sock.makefile("rb") as answers:
                self.assertIn(b"100 Continue", answers.readline())
                sock.sendall(DATA)
                self.assertEqual(b"\r\n", answers.readline())
                self.assertIn(b"204", answers.readline())
        self.assert_same_bytes(DATA, self.direct.show(image_id))

    def test_a_refused_upload_is_refused_with_the_services_own_answer(self) -> None:
        image_id = self.direct.add(b"has its bytes")
        self.assertRaises(ks_exceptions.Conflict, self.through.upload, image_id, DATA)

    def test_range(self) -> None:
        image_id = self.direct.add(DATA)
        connection = self.raw()
        headers = self.headers(Range="bytes=10-19")
        connection.request("GET", f"/v2/images/{image_id}/file", headers=headers)
        answer = connection.getresponse()
        self.assertEqual((206, DATA[10:20]), (answer.status, answer.read()))

    def test_a_client_that_dies_leaves_the_service_with_a_broken_upload(self) -> None:
        image_id = self.direct.create()
        connection = self.raw()
        connection.putrequest("PUT", f"/v2/images/{image_id}/file")
        for name, value in self.headers(**{"Content-Length": str(len(DATA))}).items():
            connection.putheader(name, value)
        connection.endheaders(DATA[:1000])
        self.fault.wait_until(lambda: self.fault.request_bytes("PUT", FILE) == 1000)
        self.wait_for_status(image_id, "saving")
        connection.close()
        self.wait_for_status(image_id, "queued")

    def test_a_dead_service_looks_dead(self) -> None:
        self.minicloud.kill("alto-glance")
        self.assertRaises(http.client.RemoteDisconnected, self.get, "any")

    def test_only_loopback(self) -> None:
        self.assertRaises(ValueError, FaultProxy, "http://192.0.2.1:80")
        self.assertRaises(ValueError, FaultProxy, "https://127.0.0.1:80")

    def test_catalogue_and_version_document_lead_to_the_proxy(self) -> None:
        self.minicloud.set_endpoint("alto", "image", self.fault.url)
        session = self.alto.session()
        found = session.get_endpoint(service_type="image", version="2")
        self.assertEqual(f"{self.fault.url}/v2", str(found).rstrip("/"))
        self.minicloud.mend()
        found = self.alto.session().get_endpoint(service_type="image", version="2")
        self.assertEqual(f"{self.alto.image_url}/v2", str(found).rstrip("/"))


class FaultsTest(ProxyTestCase):
    def test_flip_a_downloads_bit_once(self) -> None:
        image_id = self.direct.add(DATA)
        fault = self.fault.flip("GET", FILE, at=123_456, bit=7)
        self.assertEqual(flipped(DATA, 123_456, 7), self.through.download(image_id))
        self.assertEqual(DATA, self.through.download(image_id))
        self.assertEqual(1, fault.fired)

    def test_flip_an_uploads_bit(self) -> None:
        self.fault.flip("PUT", FILE, at=0, leg="request")
        image_id = self.through.add(DATA)
        self.assert_same_bytes(flipped(DATA, 0), self.direct.show(image_id))

    def test_a_fault_beyond_the_end_waits_for_another_request(self) -> None:
        short, long = self.direct.add(b"short"), self.direct.add(DATA)
        fault = self.fault.flip("GET", FILE, at=1000)
        self.assertEqual(b"short", self.through.download(short))
        self.assertEqual(0, fault.fired)
        self.assertEqual(flipped(DATA, 1000), self.through.download(long))

    def test_two_faults_and_twice(self) -> None:
        image_id = self.direct.add(DATA)
        self.fault.flip("GET", FILE, at=1, times=2)
        self.fault.flip("GET", FILE, at=2, times=None)
        both = flipped(flipped(DATA, 1), 2)
        seen = [self.through.download(image_id) for _ in range(3)]
        self.assertEqual([both, both, flipped(DATA, 2)], seen)

    def test_other_requests_are_spared(self) -> None:
        self.fault.answer("DELETE", FILE, 500, times=None)
        self.fault.answer("GET", "/elsewhere", 500, times=None)
        self.assertEqual(DATA, self.through.download(self.through.add(DATA)))

    def test_cut_a_download(self) -> None:
        image_id = self.direct.add(DATA)
        for reset in (False, True):
            self.fault.cut("GET", FILE, after=100_000, reset=reset)
            with self.get(image_id) as answer:
                self.assertEqual(str(len(DATA)), answer.getheader("Content-Length"))
                if reset:
                    self.assertRaises(ConnectionResetError, answer.read)
                else:
                    error = self.assertRaises(http.client.IncompleteRead, answer.read)
                    self.assertEqual(DATA[:100_000], error.partial)
        self.assertEqual([False] * 2, [one.complete for one in self.fault.seen("GET", FILE)])

    def test_cut_an_upload(self) -> None:
        image_id = self.direct.create()
        self.fault.cut("PUT", FILE, leg="request", after=100_000)
        self.assertRaises(ks_exceptions.ConnectFailure, self.through.upload, image_id, DATA)
        self.assertEqual(100_000, self.fault.request_bytes("PUT", FILE))
        self.upload_at_last(image_id)

    def test_lose_an_answer_after_the_work_is_done(self) -> None:
        self.fault.cut("POST", "^/v2/images$", after=None)
        before = len(self.direct.ids())
        connection = self.raw()
        headers = self.headers(**{"Content-Type": "application/json"})
        connection.request("POST", "/v2/images", body=b'{"name": "made"}', headers=headers)
        self.assertRaises(http.client.RemoteDisconnected, connection.getresponse)
        self.assertEqual(before + 1, len(self.direct.ids()))

    def test_lose_a_request(self) -> None:
        self.fault.cut("POST", "^/v2/images$", leg="request", after=None)
        before = self.direct.ids()
        connection = self.raw()
        headers = self.headers(**{"Content-Type": "application/json"})
        connection.request("POST", "/v2/images", body=b'{"name": "no"}', headers=headers)
        self.assertRaises(OSError, connection.getresponse)
        self.assertEqual(before, self.direct.ids())

    def test_stall_and_go_on(self) -> None:
        image_id = self.direct.add(DATA)
        fault = self.fault.stall("GET", FILE, after=100_000)
        with self.get(image_id) as answer:
            self.assertEqual(DATA[:100_000], answer.read(100_000))
            fault.wait()
            self.assertEqual(100_000, self.fault.response_bytes("GET", FILE))
            self.fault.clear(fault)
            self.assertEqual(DATA[100_000:], answer.read())

    def test_stall_an_upload_for_a_while(self) -> None:
        fault = self.fault.stall("PUT", FILE, leg="request", after=10, seconds=0.2)
        image_id = self.through.add(DATA)
        self.assert_same_bytes(DATA, self.direct.show(image_id))
        self.assertEqual(1, fault.fired)

    def test_throttle(self) -> None:
        image_id = self.direct.add(DATA)
        fault = self.fault.throttle("GET", FILE, rate=1000, after=1000)
        with self.get(image_id) as answer:
            self.assertEqual(DATA[:2000], answer.read(2000))
            self.assertLess(self.fault.response_bytes("GET", FILE), 100_000)
            self.fault.clear(fault)
            self.assertEqual(DATA[2000:], answer.read())

    def test_answer_instead(self) -> None:
        body = json.dumps({"error": "busy"}).encode()
        headers = {"Retry-After": "7", "Content-Type": "application/json"}
        self.fault.answer("GET", "^/v2/images$", 503, body=body, headers=headers, times=2)
        url = f"{self.fault.url}/v2/images"
        for _ in range(2):
            answer = requests.get(url, headers=self.headers(), timeout=30)
            self.assertEqual((503, "7"), (answer.status_code, answer.headers["Retry-After"]))
            self.assertEqual({"error": "busy"}, answer.json())
        self.assertEqual(200, requests.get(url, headers=self.headers(), timeout=30).status_code)

    def test_answer_an_upload_without_hearing_it_out(self) -> None:
        image_id = self.direct.create()
        self.fault.answer("PUT", FILE, 401)
        connection = self.raw()
        path = f"/v2/images/{image_id}/file"
        connection.request("PUT", path, body=some_bytes(4 << 20), headers=self.headers())
        self.assertEqual(401, connection.getresponse().status)
        self.assertEqual(0, self.fault.request_bytes("PUT", FILE))
        self.assertEqual("queued", self.direct.show(image_id)["status"])

    def test_answer_in_the_middle_of_an_upload(self) -> None:
        image_id = self.direct.create()
        self.fault.answer("PUT", FILE, 500, after=100_000)
        connection = self.raw()
        path = f"/v2/images/{image_id}/file"
        connection.request("PUT", path, body=DATA, headers=self.headers())
        self.assertEqual(500, connection.getresponse().status)
        self.upload_at_last(image_id)

    def test_stopping_ends_what_is_stalled(self) -> None:
        image_id = self.direct.add(DATA)
        fault = self.fault.stall("GET", FILE, after=None)
        connection = self.raw()
        connection.request("GET", f"/v2/images/{image_id}/file", headers=self.headers())
        fault.wait()
        self.fault.stop()
        with socket.socket() as sock:
            self.assertNotEqual(0, sock.connect_ex((topology.LOOPBACK, self.fault.port)))


class TlsTest(ProxyTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.ca = tls.Authority(folder / "ca")
        self.other = tls.Authority(folder / "other")

    def call(self, certificate: tls.Certificate, ca: tls.Authority) -> tuple[FaultProxy, Any]:
        """Ask for the version document over TLS."""
        proxy = self.proxy(self.alto.image_url, certificate.server_context())
        context = ssl.create_default_context(cafile=str(ca.certificate))
        connection = http.client.HTTPSConnection(
            topology.LOOPBACK, proxy.port, timeout=30, context=context
        )
        self.addCleanup(connection.close)
        connection.request("GET", "/versions")
        return proxy, json.load(connection.getresponse())

    def test_right_ca_and_links_that_stay(self) -> None:
        proxy, answer = self.call(self.ca.issue(), self.ca)
        links = [version["links"][0]["href"] for version in answer["versions"]]
        self.assertEqual({proxy.url}, {_origin(link) for link in links})

    def test_wrong_ca(self) -> None:
        error = self.assertRaises(ssl.SSLError, self.call, self.ca.issue(), self.other)
        self.assertIn("CERTIFICATE_VERIFY_FAILED", str(error))

    def test_wrong_name(self) -> None:
        certificate = self.ca.issue("glance.example.org", "192.0.2.1")
        self.assertRaises(ssl.SSLError, self.call, certificate, self.ca)

    def test_run_out(self) -> None:
        error = self.assertRaises(ssl.SSLError, self.call, self.ca.issue(valid_days=-1), self.ca)
        self.assertIn("expired", str(error))

    def test_bodies_over_tls(self) -> None:
        proxy = self.proxy(self.alto.image_url, self.ca.issue().server_context())
        session = self.alto.session()
        session.verify = str(self.ca.certificate)
        images = Images(session, proxy.url)
        image_id = images.add(DATA)
        self.assertEqual(DATA, images.download(image_id))
        proxy.cut("GET", FILE, after=1000)
        self.assertRaises(
            (ks_exceptions.ClientException, requests.RequestException), images.download, image_id
        )


def _origin(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
