"""What stands beside the real API in these tests: a token check, a conductor, a home cloud."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import webob
import webob.exc

from glint import exception
from glint.credentials.errors import HomeTokenUnsuitable
from glint.db import api, credentials, inventory, models, sites
from glint.objects import RemoteImage

#: token -> user, project, roles
TOKENS: dict[str, tuple[str, str | None, str]] = {
    "alice": ("alice-id", "red", "member,reader"),
    "bob": ("bob-id", "red", "member,reader"),
    "rita": ("rita-id", "red", "reader"),
    "carol": ("carol-id", "blue", "member,reader"),
    "mona": ("mona-id", "red", "manager,member,reader"),
    "sven": ("sven-id", "red", "service"),
    "root": ("root-id", "red", "admin,member,reader"),
    "stranger": ("stranger-id", "red", "nobody"),
    "unscoped": ("alice-id", None, ""),
}


class TestAuth:
    """Stands where keystonemiddleware does, and refuses as it does: in a shape of its own."""

    __test__ = False

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        for name in [n for n in environ if n.startswith(("HTTP_X_USER", "HTTP_X_PROJECT"))]:
            del environ[name]
        token = environ.get("HTTP_X_AUTH_TOKEN")
        if token == "keystone-is-away":
            refusal: webob.Response = webob.exc.HTTPServiceUnavailable("its own text")
            return refusal(environ, start_response)
        if token not in TOKENS:
            refusal = webob.exc.HTTPUnauthorized(
                body=json.dumps({"error": {"code": 401}}).encode(),
                headers=[("WWW-Authenticate", 'Keystone uri="http://keystone"')],
                content_type="application/json",
            )
            return refusal(environ, start_response)
        user, project, roles = TOKENS[token]
        environ.update(HTTP_X_IDENTITY_STATUS="Confirmed", HTTP_X_USER_ID=user, HTTP_X_ROLES=roles)
        if project is not None:
            environ["HTTP_X_PROJECT_ID"] = project
        else:
            environ["HTTP_OPENSTACK_SYSTEM_SCOPE"] = "all"
        return self._app(environ, start_response)


class FakeConductor:
    """Does what a conductor would, with a site that answers as the test says.

    :ivar asked: method and ids of every call.
    :ivar errors: what the next calls of a method raise, one after the other.
    """

    def __init__(self, db: api.Database) -> None:
        self._db = db
        self.asked: list[tuple[str, str | None]] = []
        self.errors: dict[str, list[Exception]] = {}
        self.remote_project = ("remote-1", "physics")
        self.remote_images: dict[str, RemoteImage] = {}

    def _ask(self, method: str, ident: str | None) -> None:
        self.asked.append((method, ident))
        waiting = self.errors.get(method)
        if waiting:
            raise waiting.pop(0)

    def wake(self, operation_id: str | None = None) -> None:
        self._ask("wake", operation_id)

    def scan(self, credential_id: str) -> None:
        self._ask("scan", credential_id)

    def probe_site(self, site_id: str) -> None:
        sites.load(self._db, site_id)
        try:
            self._ask("probe_site", site_id)
        except exception.SiteError as error:
            sites.set_health(
                self._db, site_id, health="failing", code=error.code, detail=str(error)
            )
            raise
        sites.set_health(self._db, site_id, health="ok", facts={"identity": "v3.14"})

    def verify_credential(self, credential_id: str) -> None:
        credentials.load(self._db, credential_id)
        self._ask("verify_credential", credential_id)
        ident, name = self.remote_project
        credentials.set_verified(
            self._db,
            credential_id,
            remote_project_id=ident,
            remote_project_name=name,
            verified_at=models.utcnow(),
        )

    def register_image(self, credential_id: str, remote_id: str) -> str:
        self._ask("register_image", credential_id)
        credential, _site = credentials.load(self._db, credential_id)
        remote = self.remote_images.get(remote_id)
        if remote is None:
            raise exception.SiteImageNotFound(ident=remote_id)
        if remote.status != "active":
            raise exception.ImageNotActive(ident=remote_id, status=remote.status)
        return inventory.register(self._db, credential, remote)


class FakeHome:
    """Keystone of the home cloud: remembers whose application credentials there are."""

    SECRET = "made-by-keystone-7f3a"

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self.access_rules: list[bool] = []
        self.tokens: list[str] = []
        self.refuse_delete = False

    def create_application_credential(
        self, token: str, *, user_id: str, project_id: str, name: str, access_rules: bool = True
    ) -> dict[str, str]:
        self.tokens.append(token)
        self.access_rules.append(access_rules)
        ident = f"appcred-{len(self.access_rules)}"
        self.made[ident] = user_id
        return {
            "application_credential_id": ident,
            "application_credential_secret": self.SECRET,
        }

    def delete_application_credential(self, token: str, user_id: str, ident: str) -> None:
        if self.refuse_delete or self.made[ident] != user_id or TOKENS[token][0] != user_id:
            raise HomeTokenUnsuitable(reason="it may not")
        del self.made[ident]


def remote_image(ident: str, **changes: Any) -> RemoteImage:
    values: dict[str, Any] = {
        "id": ident, "name": "fedora", "status": "active", "size": 1000, "os_hash_algo": "sha512",
        "os_hash_value": "ab" * 64, "disk_format": "qcow2", "container_format": "bare",
        "min_disk": 1, "min_ram": 64, "visibility": "private", "protected": False,
        "os_hidden": False, "owner": "remote-1", "properties": {"os_distro": "fedora"},
        "tags": ("gold",),
    }  # fmt: skip
    return RemoteImage(**{**values, **changes})
