"""The list of operations."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from horizon import tables

from glint_dashboard import api
from glint_dashboard.content import lists

#: States in which something is still to come.
LIVE = ("queued", "running")


def short(operation: api.Resource) -> str:
    """The beginning of its id: an operation has no name."""
    return str(operation["id"])[:8]


def progress(operation: api.Resource) -> str:
    """How far it has come, in changes and in bytes."""
    done = sum(1 for one in operation["changes"] if one["state"] == "done")
    said = f"{done} / {len(operation['changes'])}"
    total = operation["bytes_total"]
    if operation["state"] == "running" and total:
        said += f", {min(100, int(100 * operation['bytes_done'] / total))} %"
    return said


class Cancel(lists.Verb):
    """Stop what is at work, and withdraw the wishes."""

    name = "cancel"
    verbose_name = _("Cancel")
    rule = "operation:cancel"

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        client.operations.cancel(ident)
        return "info", _("It is being stopped; nothing half is left at the sites.")

    def allowed(self, request: HttpRequest, operation: api.Resource | None = None) -> bool:
        return operation is None or operation["state"] in LIVE


class Retry(lists.Verb):
    """Try again what failed."""

    name = "retry"
    verbose_name = _("Try Again")
    rule = "operation:retry"

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        client.operations.retry(ident)
        return "info", _("What failed is tried again.")

    def allowed(self, request: HttpRequest, operation: api.Resource | None = None) -> bool:
        return operation is None or operation["state"] == "failed"


class OperationsTable(lists.Table):
    """One row for each Save."""

    name = tables.Column(
        short, verbose_name=_("Operation"), link="horizon:project:glint_operations:detail"
    )
    saved = tables.Column(lists.when("created_at"), verbose_name=_("Saved"))
    state = tables.Column("state", verbose_name=_("State"))
    progress = tables.Column(progress, verbose_name=_("Changes done"))

    class Meta:
        name = "operations"
        verbose_name = _("Operations")
        pagination_param = "marker"
        multi_select = False
        row_actions = (Cancel, Retry)
