"""The list of sites, and the dialogs about one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from glint_dashboard import api
from glint_dashboard.content import dialogs, lists
from glint_dashboard.content.sites import forms, tables

INDEX = "horizon:project:glint_sites:index"


class IndexView(lists.ListView):
    """All sites that the project sees."""

    table_class = tables.SitesTable
    page_title = _("Sites")
    collection = "sites"


class AddView(dialogs.DialogView):
    """Add a site."""

    form_class = forms.AddForm
    address = "horizon:project:glint_sites:add"
    success_url = reverse_lazy(INDEX)
    page_title = submit_label = _("Add Site")
    explanation = _(
        "A site is one cloud where images can be kept. Glint asks it before it is added: when it"
        " does not answer, nothing is added, and the reason is told. Then add a credential for it."
    )

    def read(self, client: api.Client) -> dict[str, Any]:
        return {"kinds": list(client.site_types.list())}


class EditView(dialogs.DialogView):
    """Change a site."""

    form_class = forms.EditForm
    address = "horizon:project:glint_sites:edit"
    success_url = reverse_lazy(INDEX)
    page_title = submit_label = _("Edit Site")
    explanation = _("Another address is asked before it is taken.")

    def read(self, client: api.Client) -> dict[str, Any]:
        site = client.sites.get(self.kwargs["ident"])
        kind = client.site_types.get(site["type"])
        connection = {f"{site['type']}__{k}": v for k, v in site["connection"].items()}
        usual = {key: site[key] for key in ("name", "enabled", "max_transfers", "hours")}
        usual["bandwidth"] = site["bandwidth"] and site["bandwidth"] // forms.KIB
        return {"kinds": [kind], "site": site, **usual, **connection}
