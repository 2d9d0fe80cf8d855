"""The list of sites."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from glint_dashboard import api
from glint_dashboard.content import base, lists

_HEALTH = {"ok": _("reachable"), "failing": _("failing"), "unknown": _("not seen yet")}


def health(site: api.Resource) -> Any:
    """What the last contact told."""
    if not site["enabled"]:
        return _("disabled")
    word = _HEALTH.get(site["health"], site["health"])
    return f"{word}: {site['health_detail']}" if site["health_detail"] else word


def address(site: api.Resource) -> str:
    """Where it is."""
    connection = site["connection"]
    return str(connection.get("auth_url") or connection.get("region") or "-")


def whose(site: api.Resource) -> Any:
    """Who may use it."""
    words = [_("all projects") if site["shared"] else _("this project")]
    return f"{words[0]}, {_('home cloud')}" if site["home"] else words[0]


class Add(tables.LinkAction):
    name = "add"
    verbose_name = _("Add Site")
    url = "horizon:project:glint_sites:add"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = ((base.SERVICE, "site:create"),)


class Edit(tables.LinkAction):
    name = "edit"
    verbose_name = _("Edit Site")
    url = "horizon:project:glint_sites:edit"
    classes = ("ajax-modal",)
    icon = "pencil"
    policy_rules = ((base.SERVICE, "site:update"),)

    def allowed(self, request: HttpRequest, site: api.Resource | None = None) -> bool:
        return site is None or not site["shared"] or base.may(request, "site:shared")


class Probe(lists.Verb):
    """Ask a site now; each kind of failure has its own sentence."""

    name = "probe"
    verbose_name = _("Probe")
    rule = "site:probe"

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        site = client.sites.probe(ident)
        if site["health"] == "ok":
            return "success", _("%s answers.") % site["name"]
        return "error", f"{site['name']}: {site['health_detail'] or site['health_code']}"


class DeleteSite(lists.Delete):
    rule = "site:delete"
    collection = "sites"
    help_text = _("Glint forgets the site. Nothing is removed there.")

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Site", "Delete Sites", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Site", "Deleted Sites", count)

    def allowed(self, request: HttpRequest, site: api.Resource | None = None) -> bool:
        return site is None or not site["shared"] or base.may(request, "site:shared")


class SitesTable(lists.Table):
    """Sites of the project, and those for everyone."""

    name = tables.Column("name", verbose_name=_("Name"))
    type = tables.Column("type", verbose_name=_("Type"))
    address = tables.Column(address, verbose_name=_("Address"))
    health = tables.Column(health, verbose_name=_("Health"))
    whose = tables.Column(whose, verbose_name=_("For"))
    transfers = tables.Column("max_transfers", verbose_name=_("Transfers at once"))

    class Meta:
        name = "sites"
        verbose_name = _("Sites")
        table_actions = (Add, DeleteSite, tables.NameFilterAction)
        row_actions = (Probe, Edit, DeleteSite)
