"""What the page says of a cell, for the template and for the script alike."""

from __future__ import annotations

from typing import Any

from django.utils import html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from glint_dashboard.api import Resource

#: Kinds of cells with the word that each is shown with. The shape is the style sheet's.
WORDS = {
    "absent": _("absent"),
    "wanted": _("wanted"),
    "queued": _("queued"),
    "copying": _("copying"),
    "verifying": _("verifying"),
    "present": _("present"),
    "removing": _("removing"),
    "failed": _("failed"),
    "drifted": _("drifted"),
    "unknown": _("unknown"),
}
#: Something is about to happen: the page asks again until it has.
MOVING = frozenset({"wanted", "queued", "copying", "verifying", "removing"})


def kind(cell: Resource) -> str:
    """One of :data:`WORDS`."""
    status = str(cell["status"])
    if status == "active":
        # The wish to remove it is written down and not carried out yet.
        return "present" if cell["wanted"] else "removing"
    if status == "absent" and cell["wanted"]:
        return "wanted"
    return status if status in WORDS else "unknown"


def percent(cell: Resource) -> int | None:
    """How much of a copy is done; None where that says nothing."""
    done, total = cell["bytes_done"], cell["bytes_total"]
    if cell["status"] != "copying" or not total:
        return None
    return min(100, int(100 * done / total))


def shown(cell: Resource) -> dict[str, Any]:
    """A cell as the page needs it; all of it is plain data and goes to the script as JSON too."""
    sort = kind(cell)
    return {
        "kind": sort,
        "word": str(WORDS[sort]),
        "wanted": bool(cell["wanted"]),
        "percent": percent(cell),
        "note": str(cell["error_detail"] or "") if sort in ("failed", "drifted") else "",
        "again": sort in ("failed", "drifted"),
    }


_BOX = (
    '<input type="checkbox" class="glint-box" name="want" value="{key}"{ticked}'
    ' aria-label="{label}">'
)
_STATE = (
    '<a class="glint-state" href="{base}{path}/" title="{note}"><i class="glint-shape"'
    ' aria-hidden="true"></i><span class="glint-word">{word}</span></a>'
)
_PROGRESS = '<progress max="100" value="{percent}"{hidden}></progress>'
_CELL = (
    f'<td class="glint-cell is-{{kind}}" data-credential="{{place}}">{_BOX}{_STATE}{_PROGRESS}</td>'
)


def markup(row: dict[str, Any], *, may_save: bool, base: str) -> SafeString:
    """The cells of a row: a page has thousands, which Django's templates take seconds for.

    :param base: the address of the pages of single cells.
    """
    pattern = gettext("%(name)s at %(site)s")
    escape = html.escape  # at the last moment: Horizon puts its own there
    image = escape(row["id"])
    found = []
    for cell in row["cells"]:
        place, percent = escape(cell["credential"]), cell["percent"]
        ticked = " checked" if cell["ticked"] else ""
        found.append(
            _CELL.format(
                kind=cell["kind"],
                place=place,
                key=f"{image}:{place}",
                ticked=ticked if may_save else f"{ticked} disabled",
                label=escape(pattern % {"name": row["name"], "site": cell["site"]}),
                base=base,
                path=f"{image}/{place}",
                note=escape(cell["note"]),
                word=escape(cell["word"]) + ("" if percent is None else f" {percent} %"),
                percent=percent or 0,
                hidden=" hidden" if percent is None else "",
            )
        )
    return mark_safe("".join(found))  # noqa: S308 - each part is escaped above
