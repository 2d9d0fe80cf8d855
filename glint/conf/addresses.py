"""Options of what users may make Glint connect to."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("addresses", title="Addresses that users may name")

OPTS = [
    cfg.ListOpt(
        "schemes",
        default=["http", "https"],
        item_type=cfg.types.String(choices=["http", "https"]),
        help=unwrap("""
How addresses of sites and of images may begin. ``https`` alone keeps credentials of users from
travelling in clear text, and refuses sites that have nothing else.

All options of this group are checked for each connection to a site: for the address that a user
gave, for each that the site's catalogue names, and after each redirect. The address that is checked
is the one that is connected to, whatever the name means a moment later. Addresses that are in this
file (``[home]``, ``[keystone_authtoken]``, the database, the broker) are not concerned, but the
sites of the home cloud are: they are reached as users name them.
"""),
    ),
    cfg.ListOpt(
        "allowed_hosts",
        default=[],
        help=unwrap("""
Names of the only hosts that may be reached, such as ``keystone.example.org``; ``*.example.org``
stands for all names below one. Empty: every host, if its address is allowed.
"""),
    ),
    cfg.ListOpt(
        "denied_hosts",
        default=[],
        help=unwrap("""
Names of hosts that may not be reached, written like ``allowed_hosts``, which they win over. A host
has other names too: what must be safe belongs into ``denied_networks``.
"""),
    ),
    cfg.ListOpt(
        "allowed_ports",
        default=[],
        help=unwrap("""
The only TCP ports that may be reached, such as ``443,5000,9292,8000-8999``. Empty: every port.
"""),
    ),
    cfg.ListOpt(
        "denied_ports",
        default=[],
        help="TCP ports that may not be reached, written like ``allowed_ports``.",
    ),
    cfg.ListOpt(
        "allowed_networks",
        default=[],
        help=unwrap("""
Networks that may be reached besides the public ones, in CIDR, such as ``10.20.0.0/16`` or
``fd12:3456::/32``. Without this option public addresses may be reached and nothing else: no
private ones (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7), no loopback, no
link-local, multicast or reserved ones and no metadata services of clouds. Clouds with private
addresses need their networks here, as narrow as possible: whatever else answers HTTP there can be
asked by every user of Glint.

Of all networks that hold an address, those of Glint itself among them, the narrowest decides. So
``10.0.0.0/8`` opens that network, ``169.254.0.0/16`` does not open the metadata service at
``169.254.169.254``, and ``0.0.0.0/0`` opens nothing that is closed. IPv4 addresses within IPv6 ones
(IPv4-mapped, NAT64 at 64:ff9b::/96) are judged as what they lead to.
"""),
    ),
    cfg.ListOpt(
        "denied_networks",
        default=[],
        help=unwrap("""
Networks that may not be reached, in CIDR: the operator's own public networks in which services
trust their neighbours, and prefixes of a NAT64 that is not at 64:ff9b::/96. The narrowest network
decides, and where the same one is allowed too it is denied. With ``0.0.0.0/0,::/0`` here only
``allowed_networks`` may be reached.
"""),
    ),
]
