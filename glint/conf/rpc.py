"""How the API reaches the conductor."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("DEFAULT")

OPTS = [
    cfg.StrOpt(
        "rpc_transport",
        default="local",
        choices=[
            ("local", "API and conductor are one process (glint-all) and call each other directly"),
            ("oslo", "API and conductors are apart and talk through a broker with oslo.messaging"),
        ],
        help=unwrap("""
How the API wakes the conductor and asks it to look at a site.

``local`` needs no broker, works in ``glint-all`` only, and is the only choice on SQLite. ``oslo``
uses the broker named by ``transport_url`` and lets any number of API and conductor processes work
together on MariaDB or PostgreSQL; with ``transport_url = fake://``, which is for tests, it stays
within ``glint-all``. A choice that cannot work is refused at start. Messages carry
ids only; a lost message delays work until the next ``[conductor] poll_interval`` and loses nothing.
"""),
    ),
]
