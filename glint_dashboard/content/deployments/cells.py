"""What the page says of a cell, for the template and for the script alike."""

from __future__ import annotations

from typing import Any

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
