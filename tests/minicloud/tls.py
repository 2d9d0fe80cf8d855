"""A throwaway certificate authority, for tests of TLS with a right and with a wrong CA."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.minicloud import topology

DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The files of a server's certificate and of its private key."""

    certificate: pathlib.Path
    key: pathlib.Path

    def server_context(self) -> ssl.SSLContext:
        """What a server needs to answer with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A CA whose files lie in ``folder``; nobody trusts it unless told to.

    :ivar certificate: the file to give to a client that shall trust it
    """

    def __init__(self, folder: pathlib.Path, name: str = "minicloud test CA") -> None:
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._count = 0
        self.certificate = folder / "ca.pem"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        public = self._key.public_key()
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        made = (
            self._builder(self._name, public, valid_days=2)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, *names: str, valid_days: int = 2, common_name: str = "minicloud"
    ) -> Certificate:
        """Make a server certificate.

        :param names: host names and IP addresses that it is good for; by default 127.0.0.1
        :param valid_days: negative for a certificate that has run out
        """
        self._count += 1
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in names or (topology.LOOPBACK,)]
        made = (
            self._builder(_name(common_name), key.public_key(), valid_days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = self._folder / f"server-{self._count}"
        result = Certificate(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        result.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        result.key.touch(mode=0o600)
        result.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return result

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, valid_days: int
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        # Strict clients (Python 3.13 and later) want both key identifiers.
        issuer_key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY * (1 + abs(valid_days)))
            .not_valid_after(now + DAY * valid_days)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
            )
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
