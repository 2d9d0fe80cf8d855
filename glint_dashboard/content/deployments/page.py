"""One page of the matrix, and what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from glint_dashboard.api import BadRequest, Client, NotFound, Resource
from glint_dashboard.content.deployments import cells
from glint_dashboard.content.deployments.choice import (
    CONFLICTS,
    STATES,
    WHOSE,
    Choice,
    restricted,
)

#: Changed rows that are told at once; where there are more, the page is read again.
MOST_CHANGES = 200

Row = dict[str, Any]
Counts = Mapping[str, int]

#: Badges of a row: what the API calls it, and the word for it.
_OWNERSHIPS = {"shared": _("shared"), "public": _("public"), "project_public": _("public")}
_CONFLICTS = {
    "same_name": _("name is used twice"),
    "same_content": _("has other names"),
    "duplicate": _("twice at one site"),
}
_STATES = {"empty": _("waits for its file"), "unread": _("not read yet")}


@dataclasses.dataclass(frozen=True)
class Page:
    """What is shown.

    :ivar columns: those that are not hidden.
    :ivar every_column: those too.
    :ivar counts: of the API: images by filter, each by itself.
    :ivar cursor: from when it is.
    :ivar around: queries of the pages before and after this one.
    """

    choice: Choice
    columns: list[Resource]
    every_column: list[Resource]
    rows: list[Row]
    counts: Counts
    cursor: str
    around: dict[str, str | None]

    @property
    def filters(self) -> list[dict[str, Any]]:
        """Name, label, count and query of each state that can be asked for."""
        return [
            {
                "name": name,
                "label": label,
                "count": self.counts.get(key or ""),
                "query": self.choice.first(show=name),
                "current": name == self.choice.show,
            }
            for name, (label, _asked, key) in STATES.items()
        ]

    @property
    def selects(self) -> list[dict[str, Any]]:
        """The other filters: each with its choices."""
        return [
            {
                "name": name,
                "label": label,
                "choices": [
                    {
                        "value": value,
                        "label": text,
                        "count": self.counts.get(key) if key and value else None,
                        "current": value == getattr(self.choice, name),
                    }
                    for value, (text, _asked, key) in known.items()
                ],
            }
            for name, label, known in (
                ("whose", _("Whose"), WHOSE),
                ("conflict", _("Conflicts"), CONFLICTS),
            )
        ]

    @property
    def images(self) -> int:
        """Images of the catalogue."""
        return self.counts.get("all", 0)

    @property
    def total(self) -> int | None:
        """Images that the choice lets through; None where nobody counted them."""
        chosen = self.choice
        keys = {
            STATES[chosen.show][2], WHOSE[chosen.whose][2], CONFLICTS[chosen.conflict][2]
        } - {"all"}  # fmt: skip
        if chosen.search or len(keys) > 1 or None in keys or chosen.hidden:
            return None
        return self.counts.get(str(keys.pop())) if keys else self.images

    @property
    def moving(self) -> int:
        """Images, of the whole matrix, at which something happens."""
        return self.counts.get("moving", 0)


@dataclasses.dataclass(frozen=True)
class News:
    """What changed since a page was read.

    :ivar rows: those of the page, each with the cells that changed.
    :ivar deleted: images that are gone.
    :ivar counts: None where nothing changed.
    """

    cursor: str
    columns: int
    rows: list[Row]
    deleted: list[str]
    counts: Counts | None


def load(client: Client, choice: Choice) -> Page:
    """Read one page of the matrix.

    :raises glint_dashboard.api.ClientError: the service did not answer, or refused.
    """
    every = None
    visible = None
    if choice.hidden:
        every = _columns(client.http.get("/matrix", {"limit": 1}), choice)
        visible = [one["id"] for one in every if one["shown"]]
    answer, choice = _read(client, choice, visible)
    every = every or _columns(answer, choice)
    columns = [one for one in every if one["shown"]]
    rows = [_row(image, columns) for image in answer["images"]]
    more = bool(answer.get("links"))
    if choice.backwards:
        rows.reverse()
    return Page(
        choice=choice,
        columns=columns,
        every_column=every,
        rows=rows,
        counts=answer["counts"] or {},
        cursor=str(answer["cursor"]),
        around=_around(choice, rows, more),
    )


def changes(client: Client, choice: Choice, cursor: str) -> News:
    """What changed since ``cursor`` in the columns that are shown.

    :raises glint_dashboard.api.ClientError: the service did not answer, or refused.
    """
    visible = None
    if choice.hidden:
        every = _columns(client.http.get("/matrix", {"limit": 1}), choice)
        visible = [one["id"] for one in every if one["shown"]]
    asked = {"changes_since": cursor, "limit": MOST_CHANGES, **restricted(visible)}
    answer = client.http.get("/matrix", asked)
    if answer["reset"]:
        page = load(client, choice)
        return News(page.cursor, len(page.columns), page.rows, [], page.counts)
    columns = _columns(answer, choice)
    shown = [one for one in columns if one["shown"]]
    rows = [_row(image, shown) for image in answer["images"]]
    counts = None
    if rows or answer["deleted"]:
        counts = client.http.get("/matrix", {"limit": 1, "counts": True})["counts"]
    return News(str(answer["cursor"]), len(shown), rows, list(answer["deleted"]), counts)


def _read(client: Client, choice: Choice, columns: Sequence[str] | None) -> tuple[Resource, Choice]:
    """The API's answer; from the first page where the image is gone that the page began after."""
    try:
        answer = client.http.get("/matrix", {**choice.asked(columns), "counts": True})
    except (BadRequest, NotFound):
        if not (choice.after or choice.before):
            raise
        answer = {"images": []}
    if answer["images"] or not (choice.after or choice.before):
        return answer, choice
    first = dataclasses.replace(choice, after="", before="")
    return client.http.get("/matrix", {**first.asked(columns), "counts": True}), first


def _columns(answer: Resource, choice: Choice) -> list[Resource]:
    return [dict(one, shown=one["id"] not in choice.hidden) for one in answer["credentials"]]


def _around(choice: Choice, rows: Sequence[Row], more: bool) -> dict[str, str | None]:
    earlier, later = (more, True) if choice.backwards else (bool(choice.after), more)
    return {
        "previous": choice.query(before=rows[0]["id"], after="") if earlier and rows else None,
        "next": choice.query(after=rows[-1]["id"], before="") if later and rows else None,
    }


def _row(image: Resource, columns: Sequence[Resource]) -> Row:
    """A row with what is known of these columns: of a change, only what changed."""
    found = [
        {"credential": column["id"], "site": column["name"]}
        | cells.shown(image["cells"][column["id"]])
        for column in columns
        if column["id"] in image["cells"]
    ]
    badges = [{"kind": "warning", "word": _CONFLICTS.get(one, one)} for one in image["conflicts"]]
    for key, words in (("ownership", _OWNERSHIPS), ("state", _STATES)):
        if image[key] in words:
            badges.append({"kind": "default", "word": words[image[key]]})
    return {
        "id": image["id"],
        "name": image["name"],
        "size": image["size"],
        "disk_format": image["disk_format"],
        "generation": image["generation"],
        "badges": badges,
        "cells": found,
        "bits": "".join(str(int(cell["wanted"])) for cell in found),
    }
