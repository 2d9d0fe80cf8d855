"""The list of credentials."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables
from horizon.utils import filters

from glint_dashboard import api
from glint_dashboard.content import base, lists


def login(credential: api.Resource) -> str:
    """How it logs in; a secret is never part of the answer."""
    auth = credential["auth"]
    who = auth.get("username") or auth.get("user_id") or auth.get("application_credential_id")
    return f"{auth['auth_type']} {who or ''}".strip()


def whose(credential: api.Resource) -> Any:
    """Who may use it."""
    return _("the whole project") if credential["shared"] else _("its owner")


def state(credential: api.Resource) -> Any:
    """What the last use told."""
    return credential["error_detail"] or _("works")


class Add(tables.LinkAction):
    name = "add"
    verbose_name = _("Add Credential")
    url = "horizon:project:glint_credentials:add"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = ((base.SERVICE, "credential:create"),)


class Test(lists.Verb):
    """Log in with a credential now."""

    name = "test"
    verbose_name = _("Test")
    rule = "credential:verify"

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        return "success", _("%s works.") % client.credentials.verify(ident)["name"]


class Scan(lists.Verb):
    """Look through the images of a credential now."""

    name = "scan"
    verbose_name = _("Look for Images")
    rule = "credential:scan"

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        name = client.credentials.scan(ident)["name"]
        return "info", _("The images of %s are being looked through.") % name


class DeleteCredential(lists.Delete):
    rule = "credential:delete"
    collection = "credentials"
    help_text = _("The column goes from the matrix. Nothing is removed at the site.")

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Credential", "Delete Credentials", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Credential", "Deleted Credentials", count)


class CredentialsTable(lists.Table):
    """The columns of the matrix."""

    name = tables.Column("name", verbose_name=_("Name"))
    site = tables.Column("site_name", verbose_name=_("Site"))
    login = tables.Column(login, verbose_name=_("Login"))
    whose = tables.Column(whose, verbose_name=_("For"))
    state = tables.Column(state, verbose_name=_("State"))
    seen = tables.Column(
        lists.when("scanned_at"),
        verbose_name=_("Looked through"),
        filters=[filters.timesince_or_never],
    )

    class Meta:
        name = "credentials"
        verbose_name = _("Credentials")
        table_actions = (Add, DeleteCredential, tables.NameFilterAction)
        row_actions = (Test, Scan, DeleteCredential)
