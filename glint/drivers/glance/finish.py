"""Giving a verified copy its name and details, and telling what the site refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from glint.drivers.glance.errors import ErrorMap, Refused
from glint.drivers.glance.records import bound_to_cloud, is_carried
from glint.drivers.glance.session import ImageClient
from glint.objects import Image, NotCarried, RemoteImage

LOG = logging.getLogger(__name__)

PATCH = "application/openstack-images-v2.1-json-patch"

# Answers that say no to what was asked, not to everything that could be asked now. Glance answers
# 500 where its database cannot keep a character.
_NO = frozenset({400, 403, 409, 413, 415, 422, 500})

#: A detail of an image: what it is called in a report, and the change that sets it.
Detail = tuple[str, dict[str, Any]]


def patch(client: ImageClient, remote_id: str, changes: Sequence[dict[str, Any]]) -> None:
    """Change a record.

    :raises Refused: the site says no.
    """
    client.http.patch(
        f"/v2/images/{remote_id}", headers={"Content-Type": PATCH}, data=json.dumps(list(changes))
    )


def replace(name: str, value: Any) -> dict[str, Any]:
    """The change that sets one of Glance's own attributes."""
    return {"op": "replace", "path": f"/{name}", "value": value}


def _property(name: str, value: str) -> dict[str, Any]:
    # "add" also replaces; "replace" fails where there is nothing yet.
    pointer = name.replace("~", "~0").replace("/", "~1")
    return {"op": "add", "path": f"/{pointer}", "value": value}


class Finisher:
    """Carries the details of ``image`` over to one copy; may be repeated."""

    def __init__(
        self, client: ImageClient, errors: ErrorMap, image: Image, copy: RemoteImage
    ) -> None:
        self._client = client
        self._errors = errors
        self._image = image
        self._copy = copy
        self._taken = 0
        self._failure: Refused | None = None
        self.refused: list[NotCarried] = []

    def run(self) -> None:
        """Set what differs: visible details in one request, tags, protection last.

        :raises Refused: the site fails.
        """
        self._set(self._attributes() + self._properties())
        self._set_tags()
        if self._copy.protected != self._image.protected:
            self._set([("protected", replace("protected", self._image.protected))])
        if self._failure is not None and not self._taken:
            raise self._failure

    def _attributes(self) -> list[Detail]:
        names = ("os_hidden", "name", "min_disk", "min_ram")
        return [
            (name, replace(name, getattr(self._image, name)))
            for name in names
            if getattr(self._image, name) != getattr(self._copy, name)
        ]

    def _properties(self) -> list[Detail]:
        details = []
        for name, value in sorted(self._image.properties.items()):
            if not is_carried(name) or self._copy.properties.get(name) == value:
                continue
            reason = bound_to_cloud(name)
            if reason is not None:
                self.refused.append(NotCarried(f"properties.{name}", reason))
            else:
                details.append((f"properties.{name}", _property(name, value)))
        return details

    def _set(self, details: Sequence[Detail]) -> None:
        """Set ``details``, halving what is refused until the refused ones stand alone."""
        if not details:
            return
        try:
            self._patch([change for _, change in details])
        except Refused as exc:
            if len(details) == 1:
                self._note(details[0][0], exc)
                return
            self._give_up_unless_no(exc)
            middle = len(details) // 2
            self._set(details[:middle])
            self._set(details[middle:])

    def _patch(self, changes: Sequence[dict[str, Any]]) -> None:
        try:
            patch(self._client, self._copy.id, changes)
        except Refused as exc:
            if exc.response.status_code != 500 or len(changes) > 1:
                raise
            # One detail that the site cannot keep, or a moment of weakness: the second try tells.
            patch(self._client, self._copy.id, changes)
        self._taken += 1

    def _set_tags(self) -> None:
        wanted = sorted(set(self._image.tags))
        if wanted == sorted(self._copy.tags):
            return
        try:
            self._patch([replace("tags", wanted)])
        except Refused as exc:
            self._give_up_unless_no(exc)
            self._each_tag(wanted)

    def _each_tag(self, tags: Sequence[str]) -> None:
        # Not with PUT .../tags/TAG: there, a real Glance garbled a tag with "/" or an umlaut.
        taken: list[str] = []
        for tag in tags:
            try:
                self._patch([replace("tags", [*taken, tag])])
                taken.append(tag)
            except Refused as exc:
                self._note(f"tags.{tag}", exc)

    def _note(self, item: str, refusal: Refused) -> None:
        self._give_up_unless_no(refusal)
        if refusal.response.status_code == 500:
            self._failure = refusal
        reason = self._errors.reason(refusal.response)
        LOG.info("Image %s: the site does not take %s: %s", self._copy.id, item, reason)
        self.refused.append(NotCarried(item, reason))

    @staticmethod
    def _give_up_unless_no(refusal: Refused) -> None:
        if refusal.response.status_code not in _NO:
            raise refusal
