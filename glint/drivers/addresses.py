"""Where Glint may connect to when a user, or a cloud that a user named, says the address.

The contract, for every driver and for whatever fetches a URL:

* The conductor's one :class:`AddressPolicy` is made from the operator's ``[addresses]`` options and
  handed down: a driver has it as ``self.addresses``.
* Whatever makes a socket asks :meth:`AddressPolicy.reachable` at that moment and connects to one of
  the addresses that it gives, not to the name: a name that means something else a moment later has
  no effect, and neither have redirects, endpoints of a foreign catalogue or odd spellings.
  :mod:`glint.drivers.connections` does so for requests, keystoneauth and urllib3 (botocore too).
* :meth:`AddressPolicy.check_url` says early, and without a name server, what will be refused. It
  helps the user; what protects is the check of the socket.
* What is refused raises :class:`glint.exception.AddressDenied`, which is never tried again.

Only the standard library and plain values: no configuration, no global state.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from glint.exception import AddressDenied

LOG = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[..., Iterable[Any]]
"""What :func:`socket.getaddrinfo` is."""

_PORTS = {"http": 80, "https": 443}

_METADATA = "it is the metadata service of a cloud"
_PRIVATE = "it is private"
_RESERVED = "it is reserved"

#: Networks that differ from their surroundings, with the reason for a refusal (None: allowed).
#: Sources: the IANA registries of special-purpose addresses, and the clouds' own documents for
#: their metadata services.
_SPECIAL: tuple[tuple[str, str | None], ...] = (
    ("0.0.0.0/0", None),
    ("0.0.0.0/8", "it means the host itself"),
    ("10.0.0.0/8", _PRIVATE),
    ("100.64.0.0/10", _PRIVATE),
    ("100.100.100.200/32", _METADATA),
    ("127.0.0.0/8", "it is a loopback address"),
    ("168.63.129.16/32", _METADATA),
    ("169.254.0.0/16", "it is link-local"),
    ("169.254.169.254/32", _METADATA),
    ("169.254.170.2/32", _METADATA),
    ("169.254.170.23/32", _METADATA),
    ("172.16.0.0/12", _PRIVATE),
    ("192.0.0.0/24", _RESERVED),
    ("192.0.0.192/32", _METADATA),
    ("192.0.2.0/24", _RESERVED),
    ("192.88.99.0/24", _RESERVED),
    ("192.168.0.0/16", _PRIVATE),
    ("198.18.0.0/15", _RESERVED),
    ("198.51.100.0/24", _RESERVED),
    ("203.0.113.0/24", _RESERVED),
    ("224.0.0.0/4", "it is a multicast address"),
    ("240.0.0.0/4", _RESERVED),
    # Of IPv6 only 2000::/3 is given out for public use; two other forms wrap an IPv4 address.
    ("::/0", None),
    ("::/3", _RESERVED),
    ("4000::/2", _RESERVED),
    ("8000::/1", _RESERVED),
    ("::/128", "it means the host itself"),
    ("::1/128", "it is a loopback address"),
    ("::ffff:0:0/96", None),
    ("64:ff9b::/96", None),
    ("2001::/23", _RESERVED),
    ("2001:db8::/32", _RESERVED),
    ("2002::/16", _RESERVED),
    ("3fff::/20", _RESERVED),
    ("fc00::/7", _PRIVATE),
    ("fd00:ec2::254/128", _METADATA),
    ("fd00:ec2::23/128", _METADATA),
    ("fd20:ce::254/128", _METADATA),
    ("fe80::/10", "it is link-local"),
    ("fe80::a9fe:a9fe/128", _METADATA),
    ("ff00::/8", "it is a multicast address"),
)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

# The ends of host names that inet_aton reads as numbers: 0x7f.1, 0177.0.0.1, 2130706433.
_NUMERIC_END = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)$")


class AddressPolicy:
    """What the operator allows. Immutable; threads share one.

    An empty list of allowed hosts or ports allows all; a denied one is denied even so. Of networks
    the narrowest that holds an address decides, the operator's before Glint's own of the same size,
    and a denied one before an allowed one: allowing 10.0.0.0/8 and denying 10.1.0.0/16 does what it
    says, and allowing 0.0.0.0/0 opens nothing that :data:`_SPECIAL` closes.

    :param schemes: ``http`` and ``https``, or one of them.
    :param allowed_hosts: names, or ``*.example.org`` for all names below one.
    :param denied_hosts: the same.
    :param allowed_ports: ``443`` or ``8000-9000``.
    :param denied_ports: the same.
    :param allowed_networks: CIDR, such as ``10.0.0.0/8`` or ``127.0.0.1``.
    :param denied_networks: the same.
    :param resolve: what to ask for the addresses of a name.
    :raises ValueError: an entry that makes no sense, with a sentence about it.
    """

    def __init__(
        self,
        *,
        schemes: Iterable[str] = ("http", "https"),
        allowed_hosts: Iterable[str] = (),
        denied_hosts: Iterable[str] = (),
        allowed_ports: Iterable[str] = (),
        denied_ports: Iterable[str] = (),
        allowed_networks: Iterable[str] = (),
        denied_networks: Iterable[str] = (),
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        self._schemes = frozenset(schemes)
        if not self._schemes or self._schemes - _PORTS.keys():
            raise ValueError("Schemes are http and https.")
        self._allowed_hosts = tuple(_pattern(text) for text in allowed_hosts)
        self._denied_hosts = tuple(_pattern(text) for text in denied_hosts)
        self._allowed_ports = tuple(_ports(text) for text in allowed_ports)
        self._denied_ports = tuple(_ports(text) for text in denied_ports)
        # Network, its rank among those of its size, the reason for a refusal.
        self._networks: tuple[tuple[Network, int, str | None], ...] = (
            *((ipaddress.ip_network(text), 0, reason) for text, reason in _SPECIAL),
            *((_network(text), 1, None) for text in allowed_networks),
            *((_network(text), 2, "the operator denies it") for text in denied_networks),
        )
        self._resolve = resolve

    def check_url(self, url: str) -> None:
        """What can be said of ``url`` without asking a name server.

        :raises AddressDenied: it will not be reached.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise AddressDenied(url="the address", reason="it is not understood") from None
        scheme = parts.scheme
        if scheme not in self._schemes or not host:
            raise AddressDenied(
                url="the address", reason=f"it does not begin with {self._beginnings()}"
            )
        port = _PORTS[scheme] if port is None else port
        self._check_parts(scheme, host, port)
        address = _literal(host)
        if address is not None and (reason := self.refusal(address)):
            raise AddressDenied(url=_shown(scheme, host, port), reason=reason)

    def reachable(self, scheme: str, host: str, port: int) -> list[str]:
        """The addresses of ``host`` to which a connection may be made now, best first.

        :returns: at least one, in a form that no name server is asked about.
        :raises AddressDenied: there is none.
        :raises socket.gaierror: the name is not known, or the name server does not answer.
        """
        self._check_parts(scheme, host, port)
        shown = _shown(scheme, host, port)
        found: list[str] = []
        reason = None
        for *_, where in self._resolve(host.strip("[]"), port, 0, socket.SOCK_STREAM):
            text = str(where[0])
            refused = self.refusal(ipaddress.ip_address(text))
            if refused is None:
                if len(where) == 4 and where[3] and "%" not in text:
                    text = f"{text}%{where[3]}"
                found.append(text)
            else:
                reason = refused
                LOG.warning("%s at %s is not reached: %s", shown, text, refused)
        if reason is not None and not found:
            raise AddressDenied(url=shown, reason=reason)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        return list(dict.fromkeys(found))

    def refusal(self, address: Address) -> str | None:
        """Why nothing connects to ``address``; None: it is allowed.

        The address that it wraps (IPv4-mapped, NAT64) must be allowed as well.
        """
        return next((reason for one in _faces(address) if (reason := self._verdict(one))), None)

    def _verdict(self, address: Address) -> str | None:
        bare = ipaddress.ip_address(str(address).partition("%")[0])
        holding = (entry for entry in self._networks if bare in entry[0])
        return max(holding, key=lambda entry: (entry[0].prefixlen, entry[1]))[2]

    def _check_parts(self, scheme: str, host: str, port: int) -> None:
        """Scheme, port and name, and nothing about what the name means."""
        shown = _shown(scheme, host, port)
        if scheme not in self._schemes:
            raise AddressDenied(url=shown, reason=f"it does not begin with {self._beginnings()}")
        if not _any_port(self._allowed_ports, port, empty=True) or _any_port(
            self._denied_ports, port, empty=False
        ):
            raise AddressDenied(url=shown, reason=f"port {port} is not allowed")
        name = _plain(host)
        if _literal(name) is None and _NUMERIC_END.search(name):
            raise AddressDenied(
                url=shown, reason="it is a number that is no address in its usual form"
            )
        if any(_matches(pattern, name) for pattern in self._denied_hosts) or (
            self._allowed_hosts
            and not any(_matches(pattern, name) for pattern in self._allowed_hosts)
        ):
            raise AddressDenied(url=shown, reason="this host is not allowed")

    def _beginnings(self) -> str:
        return " or ".join(f"{scheme}://" for scheme in sorted(self._schemes))


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _shown(scheme: str, host: str, port: int) -> str:
    """What may be shown of an address: it comes from a user or from a foreign catalogue."""
    name = re.sub(r"[^\w.:%-]", "", _plain(host))[:255]
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def _literal(host: str) -> Address | None:
    """The address that ``host`` is, where it is one and not a name."""
    try:
        return ipaddress.ip_address(_plain(host))
    except ValueError:
        return None


def _faces(address: Address) -> tuple[Address, ...]:
    """An address and the IPv4 address that it leads to."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address, address.ipv4_mapped
        if address in _NAT64:
            return address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return (address,)


def _pattern(text: str) -> str:
    name = _plain(text.strip())
    if not name or "*" in name.removeprefix("*."):
        raise ValueError(f"{text!r} is no host: write a name, an address or *.example.org.")
    return name


def _matches(pattern: str, name: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _ports(text: str) -> range:
    found = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", text)
    if found is not None:
        first, last = int(found[1]), int(found[2] or found[1])
        if 0 < first <= last < 65536:
            return range(first, last + 1)
    raise ValueError(f"{text!r} is no port: write 443, or 8000-9000 for several.")


def _any_port(ranges: tuple[range, ...], port: int, *, empty: bool) -> bool:
    return any(port in one for one in ranges) if ranges else empty


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as exc:
        raise ValueError(f"{text!r} is no network: {exc}. Write 10.0.0.0/8 or fd00::/8.") from exc


#: The policy of somebody who was told nothing: public addresses only.
STRICT = AddressPolicy()
