"""What all errors of Glint share."""

from __future__ import annotations

from typing import Any


class GlintError(Exception):
    """Base of all errors of Glint.

    :cvar code: stable code, ``<subject>.<what>``.
    :cvar status: HTTP status with which the API answers.
    :cvar title: short name of the class of error.
    :cvar template: the detail, filled with the keyword arguments.
    :cvar remedy: what to do about it, for the list of all codes; needed only where the template has
        no second sentence that says so.
    """

    code = "glint.internal"
    status = 500
    title = "Internal Error"
    remedy = ""
    template = (
        "Something failed inside Glint. Ask the operator to look for the request id in the logs."
    )

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.facts = facts
        super().__init__(detail if detail is not None else self.template.format(**facts))

    def as_dict(self) -> dict[str, Any]:
        """What crosses a process border: no secret, no object."""
        return {
            "code": self.code,
            "status": self.status,
            "title": self.title,
            "detail": str(self),
        }
