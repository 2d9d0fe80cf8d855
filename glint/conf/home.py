"""Options of the home cloud: the one whose Keystone the users log in to."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("home", title="Home cloud")

OPTS = [
    cfg.URIOpt(
        "auth_url",
        schemes=["http", "https"],
        help=unwrap("""
Identity URL of the home cloud, for example ``https://keystone.example.org/v3``. With it, users can
add the home site without a password: Glint makes an application credential for itself with the
token of the request. Unset, credentials of type ``home`` are refused and Glint uses other clouds
only.
"""),
    ),
    cfg.StrOpt(
        "ca_file",
        help=unwrap("""
File with the CA certificates (PEM) that the home cloud's certificate is checked with, where the
machine's own set does not have them. The certificate is always checked.
"""),
    ),
    cfg.StrOpt(
        "region",
        help=unwrap("""
Region whose image endpoint is asked whether it takes an application credential with access rules.
Unset, the first one of the catalogue is.
"""),
    ),
    cfg.StrOpt(
        "interface",
        default="public",
        choices=["public", "internal", "admin"],
        help="Which of the catalogue's addresses of the image service is asked.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=60.0,
        min=1.0,
        max=600.0,
        help="Seconds to wait for the home cloud's Keystone to connect, and for its next byte.",
    ),
]
