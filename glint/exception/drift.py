"""What a scan can see of a copy that contradicts the wish: kept with the cell, never raised."""

from __future__ import annotations

from glint.exception.base import GlintError


class Drift(GlintError):
    """A copy at a site is not what it was; content that changed is ``content.mismatch``."""

    code, status, title = "deployment.drifted", 409, "Drifted"
    template = "The copy is not what it was. Retry the cell, or wish it away."


class CopyMissing(Drift):
    code = "deployment.missing"
    template = (
        "The copy is gone from the site. Retry the cell to have it made again, or wish it away."
    )


class CopyNotActive(Drift):
    code = "deployment.not_active"
    template = (
        "The copy is there and is not active; somebody deactivated it, for example. Ask whoever did"
        " that, and reactivate it at the site; a scan sees it then."
    )


class CopyNotOurs(Drift):
    code = "deployment.not_ours"
    template = (
        "The copy bears Glint's stamp no more, and may be somebody's own by now. Retry the cell to"
        " have it looked at again."
    )
