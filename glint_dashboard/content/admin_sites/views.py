"""The sites of all projects, and the dialogs about those for everyone."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from glint_dashboard import api
from glint_dashboard.content import lists, projects
from glint_dashboard.content.admin_sites import forms, tables
from glint_dashboard.content.sites import views as usual

INDEX = "horizon:admin:glint_sites:index"


class IndexView(lists.ListView):
    """All sites of all projects."""

    table_class = tables.SitesTable
    page_title = _("Sites")
    collection = "sites"
    everybodys = True

    def prepare(self, client: api.Client, found: list[api.Resource]) -> list[api.Resource]:
        names = projects.names(self.request)
        return [one | {"project_name": names.get(one["project_id"], one["project_id"])}
                for one in found]  # fmt: skip


class AddView(usual.AddView):
    """Add a site for all projects."""

    form_class = forms.AddForm
    address = "horizon:admin:glint_sites:add"
    success_url = reverse_lazy(INDEX)
    explanation = _(
        "A site is one cloud where images can be kept. Glint asks it before it is added: when it"
        " does not answer, nothing is added, and the reason is told. Every project sees it, and"
        " brings credentials of its own."
    )


class EditView(usual.EditView):
    """Change a site for all projects."""

    address = "horizon:admin:glint_sites:edit"
    success_url: Any = reverse_lazy(INDEX)
