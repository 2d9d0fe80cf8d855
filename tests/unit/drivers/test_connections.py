"""Whatever a name, a redirect, a catalogue or the environment says: sockets obey the policy."""

from __future__ import annotations

import json
import pathlib
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import fixtures
import requests
import urllib3

from glint import exception
from glint.drivers.addresses import AddressPolicy
from glint.drivers.connections import GuardedAdapter, guarded_pools, new_session
from glint.drivers.glance import driver
from tests.minicloud import tls
from tests.unit.drivers import fakes
from tests.unit.drivers.base import FILE, LOOPBACK, RID, CloudTestCase
from tests.unit.drivers.fakes import Request, SocketCloud
from tests.unit.drivers.test_glance_upload import Body

NAME = "cloud.example.org"
TIMEOUT = 20.0
METADATA = "http://169.254.169.254"


class NameServer:
    """Answers each question for :data:`NAME` with the next of ``addresses``, the last for ever."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = list(addresses)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *more: Any) -> Any:
        self.asked.append(host)
        if host != NAME:
            return socket.getaddrinfo(host, port, *more)
        address = self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]
        return socket.getaddrinfo(address, port, *more)


class ConnectionsCase(CloudTestCase):
    """Clouds at 127.0.0.1, and policies that let nothing else of this machine be reached."""

    def policy(self, *addresses: str) -> AddressPolicy:
        self.names = NameServer(*addresses)
        return AddressPolicy(allowed_networks=["127.0.0.1/32"], resolve=self.names)

    def session(self, policy: AddressPolicy = LOOPBACK) -> requests.Session:
        made = new_session(GuardedAdapter(policy))
        self.addCleanup(made.close)
        return made

    def used(self, url: str, policy: AddressPolicy, **connection: Any) -> driver.GlanceDriver:
        where = {"auth_url": url, **connection}
        made = driver.GlanceDriver(where, fakes.auth(), TIMEOUT, policy)
        self.addCleanup(made.close)
        return made

    def listening(self, **settings: Any) -> SocketCloud:
        cloud = self.cloud(**settings)
        self.requests: list[Request] = []

        def handler(request: Request) -> None:
            self.requests.append(request)
            request.answer(200, b'{"version": {"id": "v3.14"}}')

        cloud.on("GET", "/v3", handler)
        return cloud

    @staticmethod
    def named(cloud: SocketCloud) -> str:
        parts = urlsplit(cloud.url)
        return f"{parts.scheme}://{NAME}:{parts.port}"

    def redirect(self, target: str) -> SocketCloud:
        cloud = self.cloud()
        cloud.on("GET", "/v3", lambda request: request.answer(302, headers={"Location": target}))
        return cloud

    def denied(self, call: Any, *arguments: Any, **more: Any) -> str:
        error = self.assertRaises(exception.AddressDenied, call, *arguments, **more)
        self.assertEqual("address.denied", error.code)
        return str(error)


class TestNames(ConnectionsCase):
    def test_the_address_that_was_checked_is_connected_to(self) -> None:
        cloud = self.listening()
        policy, url = self.policy("127.0.0.1", "127.0.0.2"), self.named(cloud)
        answer = self.session(policy).get(f"{url}/v3", timeout=TIMEOUT)
        self.assertEqual(200, answer.status_code)
        # Asked once: the second answer would have been another address.
        self.assertEqual([NAME], self.names.asked)
        self.assertEqual([urlsplit(url).netloc], [r.headers["host"] for r in self.requests])

    def test_a_new_connection_is_checked_anew(self) -> None:
        cloud = self.listening()
        policy, url = self.policy("127.0.0.1", "127.0.0.2"), f"{self.named(cloud)}/v3"
        self.session(policy).get(url, timeout=TIMEOUT)
        self.denied(self.session(policy).get, url, timeout=TIMEOUT)
        self.assertEqual(1, len(self.requests))

    def test_a_site_whose_name_moves_after_it_was_probed(self) -> None:
        cloud = self.listening()
        policy, url = self.policy("127.0.0.1", "127.0.0.2"), self.named(cloud)
        self.used(url, policy).probe()
        self.denied(self.used(url, policy).verify)
        self.assertEqual(0, cloud.logins)

    def test_the_next_address_is_tried(self) -> None:
        cloud = self.listening()
        port = urlsplit(cloud.url).port

        def resolve(host: str, *more: Any) -> Any:
            # Nobody listens at the second one; the first one is not allowed.
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.3", "127.0.0.2", "127.0.0.1")
            ]

        policy = AddressPolicy(allowed_networks=["127.0.0.1/32", "127.0.0.2/32"], resolve=resolve)
        self.session(policy).get(f"{self.named(cloud)}/v3", timeout=TIMEOUT)
        self.assertEqual(1, len(self.requests))

    def test_tls_is_verified_for_the_name(self) -> None:
        authority = tls.Authority(pathlib.Path(self.useFixture(fixtures.TempDir()).path))
        asked: list[str | None] = []
        for made_out_to, fits in ((NAME, True), ("127.0.0.1", False)):
            context = authority.issue(made_out_to).server_context()

            def note(sock: object, name: str | None, context: ssl.SSLContext) -> None:
                asked.append(name)

            context.sni_callback = note
            cloud = self.listening(tls=context)
            pem = authority.certificate.read_text()
            used = self.used(self.named(cloud), self.policy("127.0.0.1"), ca_cert=pem)
            if fits:
                used.probe()
            else:
                self.assertRaises(exception.SiteTLSFailed, used.probe)
        self.assertEqual([NAME, NAME], asked)

    def test_an_unknown_name(self) -> None:
        def resolve(*_: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        used = self.used(f"https://{NAME}", AddressPolicy(resolve=resolve))
        error = self.assertRaises(exception.SiteAddressWrong, used.probe)
        self.assertIn("name is not known", str(error))


class TestWhatForeignCloudsSay(ConnectionsCase):
    def test_redirects(self) -> None:
        inside = self.listening()
        port = urlsplit(inside.url).port
        hosts = ("127.0.0.2", "[::1]", "2130706434", "169.254.169.254", "[::ffff:7f00:2]")
        for target in (f"http://{host}:{port}/v3" for host in hosts):
            cloud = self.redirect(target)
            self.denied(self.session().get, f"{cloud.url}/v3", timeout=TIMEOUT)
        # To where it may go, it goes.
        cloud = self.redirect(f"{inside.url}/v3")
        self.session().get(f"{cloud.url}/v3", timeout=TIMEOUT)
        self.assertEqual(1, len(self.requests))

    def test_a_catalogue_with_a_forbidden_image_service(self) -> None:
        for endpoint in (METADATA, "http://127.0.0.2:9292", "http://[::ffff:169.254.169.254]"):
            cloud = self.cloud()

            def login(request: Request, endpoint: str = endpoint) -> None:
                request.body()
                body = json.dumps(fakes.token_body(fakes.endpoint(endpoint))).encode()
                request.answer(201, body, {"X-Subject-Token": "t"})

            cloud.on("POST", "/v3/auth/tokens", login)
            used = self.driver(cloud)
            self.denied(used.verify)
            # The lines for bytes are others than those for metadata.
            self.denied(used.open, RID)
            self.denied(used.upload, RID, Body(1))
            self.assertEqual([("POST", "/v3/auth/tokens")], list(dict.fromkeys(cloud.seen)))


class TestTheEnvironment(ConnectionsCase):
    def setUp(self) -> None:
        super().setUp()
        self.proxy = self.cloud()
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            for form in (name, name.upper()):
                value = self.proxy.url.replace("//", "//me:hush@")
                self.useFixture(fixtures.EnvironmentVariable(form, value))
        for name in ("no_proxy", "NO_PROXY"):
            self.useFixture(fixtures.EnvironmentVariable(name))

    def test_no_proxy_is_asked(self) -> None:
        cloud = self.listening()
        self.session().get(f"{cloud.url}/v3", timeout=TIMEOUT)
        self.used(cloud.url, LOOPBACK).probe()
        self.denied(self.session().get, f"{METADATA}/", timeout=TIMEOUT)
        self.denied(self.used(METADATA, LOOPBACK).probe)
        self.denied(self.used(METADATA.replace("http", "https"), LOOPBACK).probe)
        self.assertEqual(2, len(self.requests))
        self.assertEqual([], self.proxy.seen)

    def test_a_redirect_takes_nothing_from_the_environment_along(self) -> None:
        netrc = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "netrc"
        netrc.write_text("machine 127.0.0.1 login kim password hush\n")
        netrc.chmod(0o600)
        self.useFixture(fixtures.EnvironmentVariable("NETRC", str(netrc)))
        target = self.listening()
        session = self.session()
        session.get(f"{self.redirect(f'{target.url}/v3').url}/v3", timeout=TIMEOUT)
        self.assertEqual([], self.proxy.seen)
        for name in ("authorization", "proxy-authorization"):
            self.assertNotIn(name, self.requests[0].headers)

    def test_a_proxy_that_was_given_is_refused_too(self) -> None:
        manager = urllib3.ProxyManager(self.proxy.url)
        manager.pool_classes_by_scheme = guarded_pools(LOOPBACK)
        self.denied(manager.request, "GET", "http://127.0.0.1/", retries=False)
        self.assertEqual([], self.proxy.seen)


class TestPlainUrllib3(ConnectionsCase):
    def test_a_pool_manager(self) -> None:
        cloud = self.listening()
        manager = urllib3.PoolManager()
        manager.pool_classes_by_scheme = guarded_pools(LOOPBACK, manager.pool_classes_by_scheme)
        self.assertEqual(200, manager.request("GET", f"{cloud.url}/v3", timeout=TIMEOUT).status)
        self.denied(manager.request, "GET", f"{METADATA}/", retries=False)


class TestLines(ConnectionsCase):
    def test_bytes_flow_where_they_may(self) -> None:
        cloud = self.cloud()
        cloud.on("GET", FILE, lambda request: request.answer(200, b"bytes"))
        source = self.driver(cloud).open(RID)
        self.addCleanup(source.close)
        self.assertEqual(b"bytes", source.read(10))
