"""The sites of all projects."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from horizon import tables

from glint_dashboard import api
from glint_dashboard.content import lists
from glint_dashboard.content.sites import tables as usual


def reachable(request: HttpRequest, site: api.Resource | None) -> bool:
    """Whether the API lets an administrator at it: what is another project's is only listed."""
    return site is None or site["shared"] or site["project_id"] == request.user.project_id


class Add(usual.Add):
    url = "horizon:admin:glint_sites:add"


class Edit(usual.Edit):
    url = "horizon:admin:glint_sites:edit"

    def allowed(self, request: HttpRequest, site: api.Resource | None = None) -> bool:
        return reachable(request, site) and super().allowed(request, site)


class Probe(usual.Probe):
    def allowed(self, request: HttpRequest, site: api.Resource | None = None) -> bool:
        return reachable(request, site)


class DeleteSite(usual.DeleteSite):
    def allowed(self, request: HttpRequest, site: api.Resource | None = None) -> bool:
        return reachable(request, site) and super().allowed(request, site)


def whose(site: api.Resource) -> Any:
    """Who may use it."""
    word = _("all projects") if site["shared"] else site["project_name"]
    return f"{word}, {_('home cloud')}" if site["home"] else word


class SitesTable(lists.Table):
    """Sites of everybody."""

    name = tables.Column("name", verbose_name=_("Name"))
    type = tables.Column("type", verbose_name=_("Type"))
    address = tables.Column(usual.address, verbose_name=_("Address"))
    health = tables.Column(usual.health, verbose_name=_("Health"))
    whose = tables.Column(whose, verbose_name=_("For"))
    transfers = tables.Column("max_transfers", verbose_name=_("Transfers at once"))

    class Meta:
        name = "sites"
        verbose_name = _("Sites")
        table_actions = (Add, DeleteSite, tables.NameFilterAction)
        row_actions = (Probe, Edit, DeleteSite)
