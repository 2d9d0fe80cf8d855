"""From a form to a Save: what was changed, what would come of it, what the user agreed to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from glint_dashboard.api import Client, Resource

#: Refusals that a second switch lifts: code -> flag of the change and what the switch says.
SWITCHES: Mapping[str, tuple[str, Any]] = {
    "deployment.last_copy": ("allow_last_copy", _("Remove it although it is the last copy")),
    "deployment.not_made_by_glint": (
        "allow_foreign",
        _("Remove it although Glint did not make it"),
    ),
}
_FLAGS = frozenset(flag for flag, _label in SWITCHES.values())
#: What the service takes in one Save.
MOST = 1000


class Malformed(ValueError):
    """The form was not sent by our page."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One box that was ticked or cleared. Only ids: names are nothing to send in a form."""

    image_id: str
    credential_id: str
    wanted: bool
    generation: int
    flags: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.image_id}:{self.credential_id}"

    def __str__(self) -> str:
        parts = [self.key, str(int(self.wanted)), str(self.generation), *sorted(self.flags)]
        return ":".join(parts)

    @classmethod
    def parse(cls, text: str) -> Change:
        """:raises Malformed: it is no change."""
        parts = text.split(":")
        try:
            image, credential, wanted, generation, *flags = parts
            number = int(generation)
        except ValueError as error:
            raise Malformed(text) from error
        if wanted not in ("0", "1") or not image or not credential or set(flags) - _FLAGS:
            raise Malformed(text)
        return cls(image, credential, wanted == "1", number, frozenset(flags))

    def body(self) -> Resource:
        """As the service takes it."""
        return {
            "image_id": self.image_id,
            "credential_id": self.credential_id,
            "wanted": self.wanted,
            "generation": self.generation,
            **dict.fromkeys(self.flags, True),
        }


def read(form: QueryDict) -> list[Change]:
    """What a form changes: as the script says, or as the boxes differ from what was shown.

    The difference is taken from what the page showed: an image or a site that came meanwhile is
    not switched off by an old page.

    :raises Malformed: it was not sent by our page.
    """
    if "changes" in form:
        changes = [Change.parse(line) for line in form["changes"].split()]
    else:
        changes = list(_difference(form))
    if len(changes) > MOST:
        raise Malformed(f"{len(changes)} changes")
    return changes


def _difference(form: QueryDict) -> Iterable[Change]:
    ticked = set(form.getlist("want"))
    columns = form.get("columns", "").split()
    for row in form.getlist("row"):
        parts = row.split(":")
        if len(parts) != 3 or len(parts[2]) != len(columns) or not parts[1].isdigit():
            raise Malformed(row)
        image, generation, before = parts
        for credential, was in zip(columns, before, strict=True):
            now = f"{image}:{credential}" in ticked
            if now != (was == "1"):
                yield Change(image, credential, now, int(generation))


def agreed(form: QueryDict) -> list[Change]:
    """What the user confirmed: all that can be done, and what a second switch was set for.

    :raises Malformed: it was not sent by our page.
    """
    changes = [Change.parse(line) for line in form.get("accepted", "").split()]
    allowed = dict(entry.rsplit(":", 1) for entry in form.getlist("allow") if ":" in entry)
    for line in form.get("refused", "").split():
        change = Change.parse(line)
        flag = allowed.get(change.key)
        if flag in _FLAGS:
            changes.append(dataclasses.replace(change, flags=change.flags | {flag}))
    return changes


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a Save would do, for a person to read. Each entry names image and site."""

    copies: list[dict[str, Any]]
    removals: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    settled: list[dict[str, Any]]
    accepted: list[Change]
    refused: list[Change]
    bytes_to_move: int
    bytes_to_read: int

    @property
    def asks(self) -> bool:
        """Whether the user is asked before it is saved."""
        return bool(self.removals or self.refusals)


def plan(client: Client, changes: list[Change]) -> Plan:
    """Ask the service what would come of some changes.

    :raises glint_dashboard.api.ClientError: it refused, or did not answer.
    """
    answer = client.operations.plan([change.body() for change in changes])
    images, sites = _names(client, changes)
    lists: dict[str, list[dict[str, Any]]] = {
        "copies": [], "removals": [], "refusals": [], "settled": []
    }  # fmt: skip
    accepted: list[Change] = []
    refused: list[Change] = []
    for change, cell in zip(changes, answer["cells"], strict=True):
        action = str(cell["action"])
        switch = SWITCHES.get(str(cell["error_code"]))
        entry = {
            "image": images.get(change.image_id, change.image_id),
            "site": sites.get(change.credential_id, change.credential_id),
            "action": action,
            "reason": cell["error_detail"] or cell["reason"],
            "bytes": cell["bytes"],
            "allow": f"{change.key}:{switch[0]}" if switch else "",
            "switch": switch[1] if switch else "",
        }
        kind = {"remove": "removals", "refused": "refusals", "nothing": "settled"}.get(
            action, "copies"
        )
        lists[kind].append(entry)
        (refused if action == "refused" else accepted).append(change)
    return Plan(
        **lists,
        accepted=accepted,
        refused=refused,
        bytes_to_move=int(answer["bytes_to_move"]),
        bytes_to_read=int(answer["bytes_to_read"]),
    )


def _names(client: Client, changes: list[Change]) -> tuple[dict[str, str], dict[str, str]]:
    wanted = {change.image_id for change in changes}
    images = {
        one["id"]: one["name"] for one in client.images.list(page_size=200) if one["id"] in wanted
    }
    return images, {one["id"]: one["name"] for one in client.credentials.list(page_size=200)}
