"""The Saves of all projects, newest first."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from horizon import tables

from glint_dashboard import api
from glint_dashboard.content import lists, projects
from glint_dashboard.content.operations import tables as usual


def trouble(operation: api.Resource) -> str:
    """Why the first change failed, and how many more did."""
    found = [one["error_detail"] for one in operation["changes"] if one["error_detail"]]
    if not found:
        return "-"
    return f"{found[0]} (+{len(found) - 1})" if len(found) > 1 else str(found[0])


class OperationsTable(lists.Table):
    """One row for each Save. What is another project's can be looked at, not stopped."""

    name = tables.Column(usual.short, verbose_name=_("Operation"))
    project = tables.Column("project_name", verbose_name=_("Project"))
    saved = tables.Column(lists.when("created_at"), verbose_name=_("Saved"))
    state = tables.Column("state", verbose_name=_("State"))
    progress = tables.Column(usual.progress, verbose_name=_("Changes done"))
    trouble = tables.Column(trouble, verbose_name=_("Trouble"))

    class Meta:
        name = "operations"
        verbose_name = _("Operations")
        pagination_param = "marker"
        multi_select = False


class IndexView(lists.ListView):
    """The Saves of everybody."""

    table_class = OperationsTable
    page_title = _("Operations")
    collection = "operations"
    paged = True
    everybodys = True

    def prepare(self, client: api.Client, found: list[api.Resource]) -> list[api.Resource]:
        names = projects.names(self.request)
        return [one | {"project_name": names.get(one["project_id"], one["project_id"])}
                for one in found]  # fmt: skip
