"""Options of the credential store."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("credentials", title="Credential store")

OPTS = [
    cfg.StrOpt(
        "key_repository",
        default="/etc/glint/credential-keys",
        help=unwrap("""
Folder with the Fernet keys that encrypt the secrets of credentials in the database. Made by
``glint-manage credential setup`` and rotated by ``glint-manage credential rotate``. Every API and
conductor process needs the same keys and reads them at start and when the folder changes. It must
be readable by the service's user only: wider modes are refused at start. Without these keys all
stored credentials are lost, so keep a copy, and not beside the database's copy.
"""),
    ),
]
