"""The collections of the API. Items are plain dicts with the keys of the API reference.

Every ``list`` is a lazy iterator over all pages. Besides its own arguments it takes ``sort``
(``key:asc`` or ``key:desc``, several with commas), ``fields`` (names with commas), ``marker`` (go
on after this id), and any filter that the API has for the list, such as
``created_at="gt:2026-11-01"``; a list of values gives one filter several times. Text that is meant
as it is, whatever it holds, begins with ``eq:``. Every call raises
:class:`glint.client.errors.ClientError` and its kind.
"""

from __future__ import annotations

import urllib.parse
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from glint.client import errors
from glint.client.http import Http, Resource


class Listing:
    """What all collections have in common."""

    path = ""
    one = ""
    many = ""

    def __init__(self, http: Http) -> None:
        self._http = http

    def _at(self, ident: str, action: str = "") -> str:
        if not ident:
            raise ValueError(f"the id of a {self.one} is empty")
        return f"{self.path}/{urllib.parse.quote(ident, safe='')}{action}"

    def _one(self, body: Mapping[str, Any]) -> Resource:
        if not isinstance(body.get(self.one), dict):
            raise errors.UnexpectedAnswer(
                f"The answer holds no {self.one}: this is not Glint's API.",
                code="client.unexpected_answer",
            )
        return cast(Resource, body[self.one])

    def _list(self, page_size: int | None, **filters: Any) -> Iterator[Resource]:
        return self._http.pages(self.path, self.many, {"limit": page_size, **filters})

    def _create(self, body: Mapping[str, Any], *, secret: bool = False) -> Resource:
        """Create once, also where the answer is lost and the request is sent again."""
        key = str(uuid.uuid4())
        answer = self._http.request("POST", self.path, body=body, secret=secret, key=key)
        return self._one(answer)

    def _update(self, ident: str, changes: Mapping[str, Any], *, secret: bool = False) -> Resource:
        return self._one(self._http.request("PATCH", self._at(ident), body=changes, secret=secret))

    def _act(self, ident: str, action: str) -> Resource:
        return self._one(self._http.request("POST", self._at(ident, action)))


class Collection(Listing):
    """A collection whose items can be asked for one by one."""

    def get(self, ident: str) -> Resource:
        return self._one(self._http.get(self._at(ident)))


class Actionable(Collection):
    """A collection whose items are carried out, and can be stopped and tried again."""

    def cancel(self, ident: str) -> Resource:
        """Stop what waits or runs, and withdraw the wish; nothing is left at the site."""
        return self._act(ident, "/cancel")

    def retry(self, ident: str) -> Resource:
        """Try again what failed or drifted, and only that."""
        return self._act(ident, "/retry")


class SiteTypes(Collection):
    """Kinds of clouds that this Glint can talk to."""

    path, one, many = "/site-types", "site_type", "site_types"

    def list(self, *, page_size: int | None = None, **query: Any) -> Iterator[Resource]:
        return self._list(page_size, **query)


class Sites(Collection):
    """Clouds in which images can be kept."""

    path, one, many = "/sites", "site", "sites"

    def list(
        self,
        *,
        name: str | None = None,
        type: str | None = None,
        page_size: int | None = None,
        **query: Any,
    ) -> Iterator[Resource]:
        return self._list(page_size, name=name, type=type, **query)

    def create(
        self,
        name: str,
        type: str,
        connection: Mapping[str, Any],
        *,
        enabled: bool = True,
        shared: bool = False,
        private: bool = False,
        probe: bool = True,
        **politeness: Any,
    ) -> Resource:
        """Add a site.

        :param connection: as the site type's ``connection_schema`` says.
        :param shared: for all projects; needs the role of an administrator.
        :param private: seen and used by the caller only.
        :param probe: ask the site before it is written down.
        :param politeness: ``max_transfers`` (copies at one time), ``bandwidth`` (bytes per second),
            ``hours`` (UTC, ``22:00-06:00``); what is missing is the server's default.
        """
        body: dict[str, Any] = {"name": name, "type": type, "connection": dict(connection)}
        body.update({"enabled": enabled, "shared": shared, "probe": probe, **politeness})
        if private:
            body["private"] = True
        return self._create(body)

    def update(self, ident: str, **changes: Any) -> Resource:
        """:param changes: any of name, connection, enabled, max_transfers, bandwidth, hours,
        private, generation.
        """
        return self._update(ident, changes)

    def delete(self, ident: str) -> None:
        self._http.request("DELETE", self._at(ident))

    def probe(self, ident: str) -> Resource:
        """Ask the site now. A failing site is not an error: look at ``health``."""
        return self._act(ident, "/probe")


class Credentials(Collection):
    """The columns of the matrix."""

    path, one, many = "/credentials", "credential", "credentials"

    def list(
        self, *, site_id: str | None = None, page_size: int | None = None, **query: Any
    ) -> Iterator[Resource]:
        return self._list(page_size, site_id=site_id, **query)

    def create(
        self,
        site_id: str,
        auth: Mapping[str, Any],
        *,
        shared: bool = False,
        verify: bool = True,
        register: Sequence[str] | None = None,
    ) -> Resource:
        """Add a column; the same remote project again renews the one that exists.

        :param auth: as the site type's ``auth_schemas`` say. ``{"auth_type": "home"}`` lets Glint
            make itself an application credential in its own cloud with the caller's token.
        :param shared: usable by the caller's whole project.
        :param register: which images of other projects scans take into the catalogue too: any of
            ``shared``, ``community``, ``public``.
        """
        body = {"site_id": site_id, "auth": dict(auth), "shared": shared, "verify": verify}
        if register is not None:
            body["register"] = [*register]
        return self._create(body, secret=True)

    def update(self, ident: str, **changes: Any) -> Resource:
        """:param changes: any of auth, shared, register, generation."""
        return self._update(ident, changes, secret=True)

    def delete(self, ident: str, *, force: bool = False) -> None:
        """Nothing is removed at the site.

        :param force: also with wanted deployments, or when its counterpart at home stays behind.
        """
        query = {"force": True} if force else None
        self._http.request("DELETE", self._at(ident), query=query)

    def verify(self, ident: str) -> Resource:
        return self._act(ident, "/verify")

    def scan(self, ident: str) -> Resource:
        """Wake an inventory scan; it is over when ``scanned_at`` has changed."""
        return self._act(ident, "/scan")

    def inventory(
        self, ident: str, *, page_size: int | None = None, **query: Any
    ) -> Iterator[Resource]:
        """What the last scan saw at the site, by remote id.

        ``image_id`` names the image of the catalogue where a cell holds what was seen, and
        ``stamped`` says whether it bears Glint's stamp.

        :param query: filters as for lists, and ``in_catalogue``: whether a cell holds it.
        """
        asked = {"limit": page_size, **query}
        return self._http.pages(self._at(ident, "/inventory"), "inventory", asked)


class Images(Collection):
    """The catalogue: the rows of the matrix."""

    path, one, many = "/images", "image", "images"

    def list(
        self, *, name: str | None = None, page_size: int | None = None, **query: Any
    ) -> Iterator[Resource]:
        return self._list(page_size, name=name, **query)

    def create(self, credential_id: str, remote_id: str) -> Resource:
        """Register an image that is at a site; what is known already is returned as it is."""
        return self._create({"credential_id": credential_id, "remote_id": remote_id})

    def update(self, ident: str, **changes: Any) -> Resource:
        """:param changes: any of name, properties, tags, min_disk, min_ram, repair,
        generation.
        """
        return self._update(ident, changes)

    def delete(self, ident: str) -> None:
        self._http.request("DELETE", self._at(ident))


class Conductors(Listing):
    """The processes that carry everything out; for administrators."""

    path, one, many = "/conductors", "conductor", "conductors"

    def list(self) -> Iterator[Resource]:
        return self._list(None)


class Operations(Actionable):
    """Saves, and how far each has come."""

    path, one, many = "/operations", "operation", "operations"

    def list(self, *, page_size: int | None = None, **query: Any) -> Iterator[Resource]:
        return self._list(page_size, **query)

    def create(self, changes: Sequence[Mapping[str, Any]]) -> Resource:
        """Save: all changes or none. It returns at once; see ``Client.wait_for``.

        :param changes: dicts with image_id, credential_id, wanted and optionally generation,
            allow_foreign, allow_last_copy.
        """
        return self._create({"changes": [dict(change) for change in changes]})

    def plan(self, changes: Sequence[Mapping[str, Any]]) -> Resource:
        """What :meth:`create` with the same changes would do; nothing is saved.

        :returns: ``cells``, one for each change in their order, with ``action`` (copy, adopt,
            import, remove, nothing, refused), ``method``, ``reason``, ``bytes``, ``error_code`` and
            ``error_detail``; ``bytes_to_move`` comes to sites, ``bytes_to_read`` of it through
            Glint, each image once.
        """
        body = {"changes": [dict(change) for change in changes]}
        answer = self._http.request("POST", self.path, query={"dry_run": True}, body=body)
        if not isinstance(answer.get("plan"), dict):
            raise errors.UnexpectedAnswer(
                "The answer holds no plan: this is not Glint's API, or the Save was carried out.",
                code="client.unexpected_answer",
            )
        return cast(Resource, answer["plan"])


class Deployments(Actionable):
    """The cells of the matrix."""

    path, one, many = "/deployments", "deployment", "deployments"

    def list(
        self,
        *,
        image_id: str | None = None,
        credential_id: str | None = None,
        status: str | None = None,
        wanted: bool | None = None,
        page_size: int | None = None,
        **query: Any,
    ) -> Iterator[Resource]:
        return self._list(
            page_size,
            image_id=image_id,
            credential_id=credential_id,
            status=status,
            wanted=wanted,
            **query,
        )


class Transfers(Actionable):
    """Attempts to make one cell true."""

    path, one, many = "/transfers", "transfer", "transfers"

    def list(
        self,
        *,
        operation_id: str | None = None,
        deployment_id: str | None = None,
        image_id: str | None = None,
        state: str | None = None,
        page_size: int | None = None,
        **query: Any,
    ) -> Iterator[Resource]:
        return self._list(
            page_size,
            operation_id=operation_id,
            deployment_id=deployment_id,
            image_id=image_id,
            state=state,
            **query,
        )
