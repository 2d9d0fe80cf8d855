"""What the API is built on, handed in by a composition root."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from oslo_config import cfg
from oslo_policy import policy

from glint.credentials import Keyring
from glint.db.api import Database
from glint.objects import SiteType
from glint.quotas import Limits, LocalLimits
from glint.rpc.api import ConductorClient
from glint.uploads import UploadFolder


class Home(Protocol):
    """The home cloud's Keystone, as far as the API needs it (glint.credentials.home)."""

    def create_application_credential(
        self, token: str, *, user_id: str, project_id: str, name: str, access_rules: bool
    ) -> Mapping[str, Any]:
        """:returns: application_credential_id and application_credential_secret."""

    def delete_application_credential(self, token: str, user_id: str, ident: str) -> None: ...


@dataclasses.dataclass(frozen=True)
class Services:
    """:ivar home: None where no home cloud is configured.

    :ivar uploads: None where no upload folder is.
    """

    conf: cfg.ConfigOpts
    db: Database
    conductor: ConductorClient
    keyring: Keyring
    site_types: Mapping[str, SiteType]
    enforcer: policy.Enforcer
    home: Home | None
    uploads: UploadFolder | None = None
    limits: Limits = dataclasses.field(default_factory=LocalLimits)
