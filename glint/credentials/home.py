"""The home cloud: an application credential for Glint, made with the caller's token."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from typing import Any
from urllib import parse

import requests
from keystoneauth1 import exceptions as ks_exc
from keystoneauth1 import session as ks_session
from keystoneauth1.identity import v3

from glint import exception
from glint.credentials import errors
from glint.credentials.masking import mask
from glint.credentials.secrets import SecretDict

LOG = logging.getLogger(__name__)

DESCRIPTION = (
    "Made by Glint (image distribution) for you: it lists, reads and writes images of this project."
    " Delete the credential in Glint to remove it."
)
#: What the image API is used with. keystonemiddleware compares methods one by one.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Roles that moving images does not need; left out where another role remains.
POWERFUL_ROLES = frozenset({"admin", "manager", "service"})
#: Without it Keystone answers 404 for a token that has access rules itself.
_KNOWS_RULES = {"OpenStack-Identity-Access-Rules": "1.0"}


@dataclasses.dataclass(frozen=True)
class _Caller:
    """What the caller's token says about itself."""

    user_id: str
    project_id: str | None
    delegated: str | None
    """What the token was made from, where such a token may not make credentials."""
    roles: tuple[tuple[str, str], ...]
    """Id and name."""
    image_paths: tuple[str, ...]
    """Patterns of request paths of the image API."""

    @classmethod
    def read(cls, token: dict[str, Any]) -> _Caller:
        paths = {"/v2/**"}
        for service in token.get("catalog", ()):
            if service.get("type") == "image":
                paths |= {_pattern(endpoint["url"]) for endpoint in service["endpoints"]}
        return cls(
            user_id=token["user"]["id"],
            project_id=token.get("project", {}).get("id"),
            delegated=_delegation(token),
            roles=tuple((role["id"], role["name"]) for role in token.get("roles", ())),
            image_paths=tuple(sorted(paths)),
        )


def _delegation(token: dict[str, Any]) -> str | None:
    if token.get("application_credential", {"restricted": False}).get("restricted", True):
        return "an application credential"
    if "OS-TRUST:trust" in token:
        return "a trust"
    if "OS-OAUTH1" in token:
        return "an OAuth consumer"
    return None


def _pattern(url: str) -> str:
    """The request paths below an image endpoint, whether or not it names the version."""
    path = parse.urlsplit(url).path.rstrip("/")
    return path.removesuffix("/v2") + "/v2/**"


class HomeCloud:
    """Keystone of the home cloud. Holds no token and no secret; safe for use by several threads.

    :param auth_url: identity URL, with or without ``/v3``.
    :param region: region whose image endpoint is meant; None where there is one only.
    :param interface: interface of the image endpoint.
    :param timeout: seconds to connect, and to wait for the next byte.
    :param ca_file: file with CA certificates (PEM); None takes the machine's own.

    Errors are :class:`glint.exception.SiteError` and its kind where the cloud fails, and those of
    :mod:`glint.credentials.errors` where it refuses.
    """

    def __init__(
        self,
        auth_url: str,
        *,
        region: str | None = None,
        interface: str = "public",
        timeout: float = 60.0,
        ca_file: str | None = None,
    ) -> None:
        self.auth_url = auth_url.rstrip("/").removesuffix("/v3") + "/v3"
        self.region = region
        self.interface = interface
        self._session = ks_session.Session(verify=ca_file or True, timeout=timeout)

    def __repr__(self) -> str:
        return f"HomeCloud({self.auth_url!r})"

    def create_application_credential(
        self, token: str, *, user_id: str, project_id: str, name: str, access_rules: bool = True
    ) -> SecretDict:
        """Let Keystone make a restricted application credential for the project of the token.

        It has the roles of the token, less :data:`POWERFUL_ROLES` where another role remains.

        :param token: the caller's, scoped to ``project_id``.
        :param name: unique among the user's application credentials.
        :param access_rules: limit it to the image API. Where the cloud cannot work with that (its
            Keystone knows no rules, or its image service refuses tokens that have any), one
            without rules is made.
        :returns: ``application_credential_id`` and ``application_credential_secret``.
        :raises HomeTokenUnsuitable: the token is expired, another user's or project's, or was
            itself made from an application credential, a trust or the like.
        :raises HomeRefused: Keystone refuses, for example because the name is taken.
        """
        caller = self._caller(token)
        _check(caller, user_id, project_id)
        wish = {
            "name": name,
            "description": DESCRIPTION,
            "unrestricted": False,
            "roles": _roles(caller),
        }
        made = self._limited(token, caller, wish) if access_rules else None
        return made or self._create(token, user_id, wish)

    def delete_application_credential(self, token: str, user_id: str, ident: str) -> None:
        """Remove an application credential; one that is gone already counts as removed.

        :param token: of the user that it belongs to, or of an administrator.
        :raises HomeTokenUnsuitable: the token may not do it.
        """
        url = f"{self.auth_url}/users/{_safe(user_id)}/application_credentials/{_safe(ident)}"
        with contextlib.suppress(ks_exc.NotFound), self._translated(missing_is_fine=True):
            self._request("DELETE", url, token)

    def _limited(self, token: str, caller: _Caller, wish: dict[str, Any]) -> SecretDict | None:
        """One with access rules, or None where this cloud cannot work with it."""
        rules = [
            {"service": "image", "method": method, "path": path}
            for path in caller.image_paths
            for method in METHODS
        ]
        try:
            made = self._create(token, caller.user_id, {**wish, "access_rules": rules})
        except _BadRequest as error:
            LOG.warning("The home cloud's Keystone takes no access rules: %s", error)
            return None
        if self._is_let_in(made):
            return made
        LOG.warning(
            "The home cloud's image service refuses application credentials with access rules, so"
            " one without is made. To have them, set [keystone_authtoken] service_type = image in"
            " glance-api.conf."
        )
        ident = made["application_credential_id"]
        self.delete_application_credential(token, caller.user_id, ident)
        return None

    def _create(self, token: str, user_id: str, wish: dict[str, Any]) -> SecretDict:
        url = f"{self.auth_url}/users/{_safe(user_id)}/application_credentials"
        with self._translated():
            made = self._request("POST", url, token, json={"application_credential": wish}).json()
            return SecretDict(
                application_credential_id=made["application_credential"]["id"],
                application_credential_secret=made["application_credential"]["secret"],
            )

    def _is_let_in(self, made: SecretDict) -> bool:
        """Whether the image service takes the new credential; other failures say nothing."""
        auth = v3.ApplicationCredential(self.auth_url, **made)
        where = {
            "service_type": "image",
            "region_name": self.region,
            "interface": self.interface,
        }
        try:
            base = str(self._session.get_endpoint(auth, **where)).rstrip("/").removesuffix("/v2")
            self._session.get(f"{base}/v2/images?limit=1", auth=auth, allow_reauth=False, log=False)
        except ks_exc.Unauthorized:
            return False
        except ks_exc.ClientException as error:
            LOG.info("The image service could not be asked: %s", mask(str(error)))
        return True

    def _caller(self, token: str) -> _Caller:
        url = f"{self.auth_url}/auth/tokens"
        with self._translated():
            try:
                answer = self._request("GET", url, token, {"X-Subject-Token": token})
            except ks_exc.NotFound:
                reason = "nothing there knows tokens"
                raise exception.SiteAddressWrong(url=self.auth_url, reason=reason) from None
            return _Caller.read(answer.json()["token"])

    def _request(
        self, method: str, url: str, token: str, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        answer: requests.Response = self._session.request(
            url,
            method,
            authenticated=False,
            headers={"X-Auth-Token": token, **_KNOWS_RULES, **(headers or {})},
            redirect=False,
            log=False,  # neither the token nor the new secret
            **more,
        )
        if answer.is_redirect or answer.status_code == requests.codes.multiple_choices:
            # Followed, it would take the token to wherever it says.
            reason = f"it redirects (HTTP {answer.status_code}) to another address"
            raise exception.SiteAddressWrong(url=self.auth_url, reason=reason)
        return answer

    @contextlib.contextmanager
    def _translated(self, *, missing_is_fine: bool = False) -> Iterator[None]:
        try:
            yield
        except ks_exc.ClientException as error:
            if missing_is_fine and isinstance(error, ks_exc.NotFound):
                raise
            raise self._meaning(error) from None
        except (ValueError, KeyError, TypeError):
            raise exception.SiteAddressWrong(
                url=self.auth_url, reason="the answer is not Keystone's"
            ) from None

    def _meaning(self, error: ks_exc.ClientException) -> exception.GlintError:
        said, url = mask(getattr(error, "message", "") or str(error)).rstrip(". "), self.auth_url
        match error:
            case ks_exc.SSLError():
                return exception.SiteTLSFailed(url=url, reason=said)
            case ks_exc.ConnectionError():
                return exception.SiteUnreachable(url=url, reason=said)
            case ks_exc.Unauthorized():
                return errors.HomeTokenUnsuitable(
                    reason="it is expired, revoked or from another cloud. Log in again"
                )
            case ks_exc.Forbidden():
                return errors.HomeTokenUnsuitable(reason=said)
            case ks_exc.BadRequest():
                return _BadRequest(reason=said)
            case ks_exc.HttpServerError() | ks_exc.TooManyRequests():
                return exception.SiteBusy(reason=said)
            case ks_exc.HTTPClientError():
                return errors.HomeRefused(reason=said)
        return exception.SiteError(reason=said)


class _BadRequest(errors.HomeRefused):
    """400: tells apart what may be cured by asking for less."""


def _check(caller: _Caller, user_id: str, project_id: str) -> None:
    if caller.delegated is not None:
        raise errors.HomeTokenUnsuitable(
            reason=f"it was made from {caller.delegated}, and Keystone lets such a token make no"
            " further credentials. Log in with your password or single sign-on"
        )
    if caller.user_id != user_id:
        raise errors.HomeTokenUnsuitable(reason="it belongs to another user")
    if caller.project_id != project_id:
        raise errors.HomeTokenUnsuitable(
            reason=f"it is not for project {project_id}, in which the images are. Log in to that"
        )


def _roles(caller: _Caller) -> list[dict[str, str]]:
    plain = [ident for ident, name in caller.roles if name.lower() not in POWERFUL_ROLES]
    return [{"id": ident} for ident in plain or [ident for ident, _ in caller.roles]]


def _safe(ident: str) -> str:
    return parse.quote(ident, safe="")
