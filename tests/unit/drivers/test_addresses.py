from __future__ import annotations

import ipaddress
import socket
from typing import Any

import testtools

from glint import exception
from glint.drivers.addresses import STRICT, AddressPolicy


def answers(*addresses: str) -> Any:
    """A resolver to which every name has these addresses."""

    def resolve(host: str, port: int, *_: Any) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    return resolve


class TestNetworks(testtools.TestCase):
    def refused(self, text: str, **more: Any) -> str | None:
        return AddressPolicy(**more).refusal(ipaddress.ip_address(text))

    def test_public_addresses_are_open(self) -> None:
        for text in ("8.8.8.8", "9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1",
                     "100.63.255.255", "2600::1", "2a01:4f8::1", "::ffff:8.8.8.8",
                     "64:ff9b::8.8.8.8"):  # fmt: skip
            self.assertIsNone(self.refused(text), text)

    def test_all_others_are_closed(self) -> None:
        for text in (
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
            "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
            "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
            "239.255.255.250", "240.0.0.1", "255.255.255.255",
            "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1", "::ffff:127.0.0.1",
            "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "2001::1", "2001:db8::1",
            "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1",
            "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "100::1",
        ):  # fmt: skip
            self.assertIsNotNone(self.refused(text), text)

    def test_metadata_services_stay_closed_when_their_surroundings_are_opened(self) -> None:
        around = ["169.254.0.0/16", "fe80::/10", "fc00::/7", "100.64.0.0/10", "0.0.0.0/0", "::/0"]
        for text in (
            "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200",
            "168.63.129.16", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%lo", "fd20:ce::254",
            "::ffff:169.254.169.254",
        ):  # fmt: skip
            said = self.refused(text, allowed_networks=around)
            self.assertIn("metadata", said or "", text)
        self.assertIsNone(self.refused("169.254.1.1", allowed_networks=around))
        self.assertIsNone(self.refused("169.254.169.254", allowed_networks=["169.254.169.254/32"]))

    def test_what_wraps_an_address_obeys_its_rule(self) -> None:
        opened = {"allowed_networks": ["127.0.0.1/32"]}
        self.assertIsNone(self.refused("::ffff:127.0.0.1", **opened))
        self.assertIsNotNone(self.refused("::ffff:127.0.0.2", **opened))
        closed = {"denied_networks": ["8.8.0.0/16"]}
        self.assertIsNotNone(self.refused("::ffff:8.8.8.8", **closed))
        self.assertIsNotNone(self.refused("64:ff9b::8.8.8.8", **closed))

    def test_the_narrowest_network_decides(self) -> None:
        mixed = {
            "allowed_networks": ["10.0.0.0/8", "10.1.2.0/24"],
            "denied_networks": ["10.1.0.0/16"],
        }
        for text, opened in (
            ("10.0.0.1", True), ("10.1.1.1", False), ("10.1.2.1", True), ("11.0.0.1", True),
        ):  # fmt: skip
            self.assertEqual(opened, self.refused(text, **mixed) is None, text)
        both = {"allowed_networks": ["10.0.0.0/8"], "denied_networks": ["10.0.0.0/8"]}
        self.assertIsNotNone(self.refused("10.0.0.1", **both))
        # Too wide to open anything.
        for text in ("127.0.0.1", "::1", "fd00::1", "5f00::1", "fe80::1"):
            self.assertIsNotNone(self.refused(text, allowed_networks=["0.0.0.0/0", "::/0"]), text)

    def test_only_what_is_allowed(self) -> None:
        only = {"allowed_networks": ["8.8.8.0/24"], "denied_networks": ["0.0.0.0/0", "::/0"]}
        self.assertIsNone(self.refused("8.8.8.8", **only))
        self.assertIsNotNone(self.refused("9.9.9.9", **only))
        self.assertIsNotNone(self.refused("2600::1", **only))
        self.assertIsNotNone(self.refused("::ffff:9.9.9.9", **only))
        self.assertIsNone(self.refused("::ffff:8.8.8.8", **only))

    def test_nonsense_is_refused_at_the_start(self) -> None:
        nonsense: tuple[dict[str, Any], ...] = (
            {"allowed_networks": ["10.0.0.1/8"]},
            {"denied_networks": ["example.org"]},
            {"allowed_ports": ["0"]},
            {"allowed_ports": ["90-80"]},
            {"denied_ports": ["http"]},
            {"denied_ports": ["65536"]},
            {"allowed_hosts": ["a*.example.org"]},
            {"denied_hosts": [""]},
            {"schemes": []},
            {"schemes": ["ftp"]},
        )
        for more in nonsense:
            with testtools.ExpectedException(ValueError, r"^.*\.$"):
                AddressPolicy(**more)


class TestParts(testtools.TestCase):
    def opened(self, url: str, **more: Any) -> bool:
        try:
            AddressPolicy(**more).check_url(url)
        except exception.AddressDenied as error:
            self.assertEqual("address.denied", error.code)
            self.assertIn("operator", str(error))
            return False
        return True

    def test_schemes(self) -> None:
        for url in ("https://h.example.org", "http://h.example.org", "HTTPS://H.EXAMPLE.ORG"):
            self.assertTrue(self.opened(url), url)
        for url in ("ftp://h", "file:///etc/passwd", "gopher://h", "//h", "h", "", "https://",
                    "http://[::1", "http://h:99999", "http://h:x"):  # fmt: skip
            self.assertFalse(self.opened(url), url)
        self.assertFalse(self.opened("http://h.example.org", schemes=["https"]))

    def test_hosts(self) -> None:
        only = {"allowed_hosts": ["*.example.org", "other.net"]}
        for host, allowed in (
            ("a.example.org", True), ("a.b.example.org", True), ("A.Example.Org.", True),
            ("example.org", False), ("badexample.org", False), ("other.net", True),
            ("a.other.net", False), ("8.8.8.8", False),
        ):  # fmt: skip
            self.assertEqual(allowed, self.opened(f"https://{host}/", **only), host)
        both = {"allowed_hosts": ["*.example.org"], "denied_hosts": ["db.example.org"]}
        self.assertFalse(self.opened("https://db.example.org", **both))
        self.assertFalse(self.opened("https://DB.example.org.", **both))
        self.assertTrue(self.opened("https://web.example.org", **both))

    def test_ports(self) -> None:
        only = {"allowed_ports": ["443", "8000-8002"], "denied_ports": ["8001"]}
        for url, allowed in (
            ("https://h", True), ("http://h", False), ("http://h:443", True),
            ("http://h:8000", True), ("http://h:8001", False), ("http://h:8002", True),
            ("http://h:8003", False),
        ):  # fmt: skip
            self.assertEqual(allowed, self.opened(url, **only), url)

    def test_addresses_in_urls(self) -> None:
        for url in ("http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]:5000/v3",
                    "http://169.254.169.254/latest/", "http://0.0.0.0/", "http://[fe80::1%25lo]/",
                    "http://127.0.0.1./"):  # fmt: skip
            self.assertFalse(self.opened(url), url)

    def test_odd_forms_of_addresses(self) -> None:
        for host in ("2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1",
                     "0", "0x", "1.2.3.4.5", "127.0.0.0x1",
                     "017700000001", "127.0.0.1.5."):  # fmt: skip
            self.assertFalse(self.opened(f"http://{host}/"), host)
        for host in ("a1", "1a.example.org", "10.example.org", "x0x1.example.org", "0xg"):
            self.assertTrue(self.opened(f"http://{host}/"), host)


class TestReachable(testtools.TestCase):
    def test_only_checked_addresses_come_out(self) -> None:
        policy = AddressPolicy(resolve=answers("127.0.0.1", "8.8.8.8", "::1", "2600::1", "8.8.8.8"))
        self.assertEqual(["8.8.8.8", "2600::1"], policy.reachable("https", "h.example.org", 443))

    def test_a_name_for_closed_addresses_only(self) -> None:
        policy = AddressPolicy(resolve=answers("127.0.0.1", "::ffff:169.254.169.254"))
        error = self.assertRaises(
            exception.AddressDenied, policy.reachable, "https", "h.example.org", 443
        )
        self.assertIn("https://h.example.org:443", str(error))
        # Which address a name of the inside has is nobody's business.
        self.assertNotIn("127.0.0.1", str(error))
        self.assertFalse(error.retry)

    def test_what_the_systems_resolver_makes_of_numbers(self) -> None:
        # glibc reads these as 127.0.0.1. Refused by their form, and by what they mean.
        for host in ("2130706433", "0x7f.1", "0177.1", "127.1", "localhost", "[::1]", "0"):
            self.assertRaises(exception.AddressDenied, STRICT.reachable, "http", host, 80)

    def test_a_name_without_addresses(self) -> None:
        policy = AddressPolicy(resolve=answers())
        self.assertRaises(socket.gaierror, policy.reachable, "http", "h.example.org", 80)

    def test_the_name_server_is_not_asked_about_refused_names(self) -> None:
        def resolve(*_: Any) -> Any:
            raise AssertionError("asked")

        policy = AddressPolicy(denied_hosts=["h.example.org"], resolve=resolve)
        self.assertRaises(exception.AddressDenied, policy.reachable, "http", "h.example.org", 80)

    def test_hostile_names_are_shown_harmless(self) -> None:
        error = self.assertRaises(
            exception.AddressDenied,
            AddressPolicy(allowed_hosts=["x"]).reachable,
            "http",
            "<script>alert(1)</script>\r\nSet-Cookie",
            80,
        )
        for char in "<>\r\n()":
            self.assertNotIn(char, str(error).partition(": this host")[0])
