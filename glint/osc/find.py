"""From what a person writes to the one thing that is meant.

An id is an id. A name must be unambiguous: two things of one name are an error that lists them.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable

from osc_lib import exceptions

from glint.client import Client, NotFound, Resource
from glint.osc import listing
from glint.osc.text import human_bytes, safe

_MAX_CANDIDATES = 10


class Finder:
    """Looks things up once per command."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._images: dict[str, Resource] = {}

    @functools.cached_property
    def credentials(self) -> dict[str, Resource]:
        """Every visible credential by id."""
        return {c["id"]: c for c in self._client.credentials.list()}

    def site(self, ref: str) -> Resource:
        by_id = _by_id(self._client.sites.get, ref)
        if by_id is not None:
            return by_id
        return _only("site", ref, self._client.sites.list(name=listing.exact(ref)), _site_line)

    def image(self, ref: str) -> Resource:
        by_id = _by_id(self._client.images.get, ref)
        if by_id is None:
            by_id = _only(
                "image", ref, self._client.images.list(name=listing.exact(ref)), _image_line
            )
        self._images[by_id["id"]] = by_id
        return by_id

    def credential(self, ref: str) -> Resource:
        """:param ref: id, name ``SITE (project)``, or name or id of a site that has only one."""
        known = self.credentials
        if ref in known:
            return known[ref]
        for key in ("name", "site_name", "site_id"):
            found = [c for c in known.values() if c.get(key) == ref]
            if found:
                return _only("credential", ref, found, _credential_line)
        self.site(ref)
        raise exceptions.CommandError(
            f"Site {safe(ref)!r} has no credential that you can use, so it is no column of the"
            f" matrix. Add one: openstack glint credential create {safe(ref)} ..."
        )

    def deployment(self, ref: str) -> Resource:
        """:param ref: id, or ``IMAGE@SITE`` with both as elsewhere."""
        by_id = _by_id(self._client.deployments.get, ref)
        if by_id is not None:
            return by_id
        image_ref, at, site_ref = ref.rpartition("@")
        if not (image_ref and at and site_ref):
            raise exceptions.CommandError(
                f"No deployment has the id {safe(ref)!r}. Name it by its id or as IMAGE@SITE. See:"
                " openstack glint deployment list"
            )
        image, column = self.image(image_ref), self.credential(site_ref)
        found = list(
            self._client.deployments.list(image_id=image["id"], credential_id=column["id"])
        )
        if not found:
            raise exceptions.CommandError(
                f"{safe(image['name'])} was never wished at {safe(column['name'])}. See:"
                " openstack glint deployment list"
            )
        return found[0]

    def credential_name(self, ident: str | None) -> str:
        credential = self.credentials.get(ident or "")
        return str(credential["name"]) if credential else str(ident or "")

    def image_name(self, ident: str | None) -> str:
        """The name for a person; the id where the image is gone."""
        if not ident:
            return ""
        if ident not in self._images:
            try:
                self._images[ident] = self._client.images.get(ident)
            except NotFound:
                self._images[ident] = {"id": ident, "name": ident}
        return str(self._images[ident].get("name") or ident)

    def learn_images(self) -> None:
        """Read the whole catalogue at once, before many names are asked for."""
        self._images.update({image["id"]: image for image in self._client.images.list()})

    def cell(self, thing: Resource) -> str:
        """``IMAGE at SITE (project)`` for a change, deployment or transfer."""
        image = self.image_name(thing.get("image_id"))
        return f"{image} at {self.credential_name(thing.get('credential_id'))}"


def _by_id(get: Callable[[str], Resource], ref: str) -> Resource | None:
    try:
        return get(str(uuid.UUID(ref)))
    except (ValueError, NotFound):
        return None


def _only(
    kind: str, ref: str, found: Iterable[Resource], line: Callable[[Resource], str]
) -> Resource:
    things = list(found)
    if len(things) == 1:
        return things[0]
    if not things:
        raise exceptions.CommandError(
            f"No {kind} has the name or id {safe(ref)!r}. See: openstack glint {kind} list"
        )
    listed = "\n".join(f"  {line(thing)}" for thing in things[:_MAX_CANDIDATES])
    more = len(things) - _MAX_CANDIDATES
    rest = f"\n  and {more} more" if more > 0 else ""
    raise exceptions.CommandError(
        f"{len(things)} {kind}s are meant by {safe(ref)!r}; name one by its id:\n{listed}{rest}"
    )


def _site_line(site: Resource) -> str:
    whose = "yours" if site.get("private") else "of your project"
    whose = "shared" if site.get("shared") else whose
    return f"{safe(site['id'])}  {safe(site['name'])} ({whose}, {safe(site.get('type'))})"


def _credential_line(credential: Resource) -> str:
    whose = "of your project" if credential.get("shared") else "yours"
    return f"{safe(credential['id'])}  {safe(credential['name'])} ({whose})"


def _image_line(image: Resource) -> str:
    digest = f"{image.get('os_hash_algo')}:{str(image.get('os_hash_value'))[:16]}"
    return (
        f"{safe(image['id'])}  {safe(image['name'])}"
        f" ({human_bytes(image.get('size'))}, {safe(digest)})"
    )
