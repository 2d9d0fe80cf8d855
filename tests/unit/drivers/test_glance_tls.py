from __future__ import annotations

import pathlib
import ssl
from typing import Any

import fixtures

from glint import exception
from glint.drivers.glance import driver
from tests.minicloud import tls
from tests.unit.drivers import test_glance_download, test_glance_upload
from tests.unit.drivers.base import LOOPBACK, CloudTestCase
from tests.unit.drivers.fakes import Request, SocketCloud


def answer_versions(request: Request) -> None:
    request.answer(200, b'{"version": {"id": "v3.14"}}', {"Content-Type": "application/json"})


class TestTLS(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            self.useFixture(fixtures.EnvironmentVariable(name))
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.right = tls.Authority(self.folder / "right")
        self.wrong = tls.Authority(self.folder / "wrong")

    def tls_cloud(self, *names: str, **options: Any) -> SocketCloud:
        cloud = self.cloud(tls=self.right.issue(*names, **options).server_context())
        cloud.on("GET", "/v3", answer_versions)
        return cloud

    def probe(self, cloud: SocketCloud, **connection: Any) -> Any:
        where = {"auth_url": cloud.url, **connection}
        made = driver.GlanceDriver(where, None, timeout=10, addresses=LOOPBACK)
        self.addCleanup(made.close)
        return made.probe()

    def refused(self, cloud: SocketCloud, **connection: Any) -> str:
        return str(self.assertRaises(exception.SiteTLSFailed, self.probe, cloud, **connection))

    def test_right_authority(self) -> None:
        self.assertEqual(
            {"identity_version": "v3.14"},
            self.probe(self.tls_cloud(), ca_cert=self.right.certificate.read_text()),
        )

    def test_the_servers_own_certificate_will_do(self) -> None:
        issued = self.right.issue()
        cloud = self.cloud(tls=issued.server_context())
        cloud.on("GET", "/v3", answer_versions)
        self.probe(cloud, ca_cert=issued.certificate.read_text())

    def test_wrong_authority(self) -> None:
        said = self.refused(self.tls_cloud(), ca_cert=self.wrong.certificate.read_text())
        self.assertIn("ca_cert", said)

    def test_no_authority(self) -> None:
        self.refused(self.tls_cloud())

    def test_other_name(self) -> None:
        pem = self.right.certificate.read_text()
        self.refused(self.tls_cloud("other.example.org"), ca_cert=pem)

    def test_expired(self) -> None:
        said = self.refused(
            self.tls_cloud(valid_days=-1), ca_cert=self.right.certificate.read_text()
        )
        self.assertIn("expired", said)

    def test_the_environment_does_not_win(self) -> None:
        cloud = self.tls_cloud()
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            self.useFixture(fixtures.EnvironmentVariable(name, str(self.right.certificate)))
        self.refused(cloud, ca_cert=self.wrong.certificate.read_text())
        self.probe(cloud)  # where the site says nothing, the operator's environment holds
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            self.useFixture(fixtures.EnvironmentVariable(name, str(self.wrong.certificate)))
        self.probe(cloud, ca_cert=self.right.certificate.read_text())

    def test_public_authorities_are_not_added(self) -> None:
        public = fixtures.MonkeyPatch(
            "requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(self.right.certificate)
        )
        self.useFixture(public)
        self.probe(self.tls_cloud())
        self.refused(self.tls_cloud(), ca_cert=self.wrong.certificate.read_text())

    def test_insecure(self) -> None:
        self.probe(self.tls_cloud("other.example.org"), insecure=True)

    def test_a_ca_cert_that_is_none(self) -> None:
        nonsense = "-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n"
        for pem in (nonsense, "hello", "ü"):
            self.assertRaises(
                exception.SiteTLSFailed,
                driver.GlanceDriver,
                {"auth_url": "https://h.example.org", "ca_cert": pem},
                None,
            )

    def test_tls_spoken_to_a_plain_port(self) -> None:
        cloud = self.cloud()
        cloud.url = cloud.url.replace("http:", "https:")
        said = self.assertRaises(exception.SiteAddressWrong, self.probe, cloud)
        self.assertIn("http://", str(said))

    def test_plain_spoken_to_a_tls_port(self) -> None:
        cloud = self.tls_cloud()
        cloud.url = cloud.url.replace("https:", "http:")
        self.assertRaises(exception.SiteUnreachable, self.probe, cloud)

    def test_no_netrc(self) -> None:
        netrc = self.folder / "netrc"
        netrc.write_text("machine 127.0.0.1 login kim password hush\n")
        netrc.chmod(0o600)
        self.useFixture(fixtures.EnvironmentVariable("NETRC", str(netrc)))
        seen: list[Any] = []

        def handler(request: Request) -> None:
            seen.append(request.headers)
            answer_versions(request)

        cloud = self.cloud()
        cloud.on("GET", "/v3", handler)
        self.probe(cloud)
        self.assertNotIn("authorization", seen[0])


class OverTLS(CloudTestCase):
    """Lets the tests of a class run over TLS."""

    def cloud(self, **settings: Any) -> SocketCloud:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.authority = tls.Authority(folder)
        context: ssl.SSLContext = self.authority.issue().server_context()
        return super().cloud(tls=context, **settings)

    def driver(
        self, cloud: SocketCloud, timeout: float = 20, **connection: Any
    ) -> driver.GlanceDriver:
        pem = self.authority.certificate.read_text()
        return super().driver(cloud, timeout, ca_cert=pem, **connection)


class TestTLSDownload(OverTLS, test_glance_download.TestDownload):
    pass


class TestTLSUpload(OverTLS, test_glance_upload.TestUpload):
    pass
