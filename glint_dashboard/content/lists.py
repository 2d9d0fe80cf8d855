"""What the list pages have in common: reading, acting, and saying how it went."""

from __future__ import annotations

import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from horizon import exceptions, messages, tables

from glint_dashboard import api, errors
from glint_dashboard.content.base import SERVICE

#: Rows of a page where a list can grow without end.
PAGE = 50
#: Rows of a list that an administrator or a user makes by hand.
MOST = 1000


class Table(tables.DataTable):
    """A list of things of the API, which are dicts."""

    def get_object_id(self, datum: api.Resource) -> str:
        return str(datum["id"])

    def get_object_display(self, datum: api.Resource) -> str:
        return str(datum.get("name") or datum["id"])


class ListView(tables.DataTableView):
    """A page with one table.

    :cvar collection: attribute of the client, and of the answer.
    :cvar paged: more rows only page by page.
    :cvar everybodys: things of all projects, for an administrator.
    """

    collection = ""
    paged = False
    everybodys = False
    template_name = "glint_dashboard/list.html"
    _more = False

    def get_data(self) -> list[api.Resource]:
        try:
            client = api.client(self.request)
            found, self._more = self.fetch(client)
            return self.prepare(client, found)
        except errors.FAILURES as error:
            errors.tell(self.request, error)
            # A failed read is not an empty list.
            self.table._no_data_message = _("The list cannot be shown now.")
            return []

    def fetch(self, client: api.Client) -> tuple[list[api.Resource], bool]:
        """The rows, and whether there are more."""
        return api.page(
            client,
            self.collection,
            limit=PAGE if self.paged else MOST,
            marker=self.request.GET.get("marker"),
            **({"all_projects": True} if self.everybodys else {}),
        )

    def prepare(self, client: api.Client, found: list[api.Resource]) -> list[api.Resource]:
        """The rows as the table shows them."""
        return found

    def has_more_data(self, table: Table) -> bool:
        return self.paged and self._more


class Verb(tables.Action):
    """Something that is done with one row, at once.

    :cvar rule: the policy that it needs.
    """

    method = "POST"
    requires_input = False
    rule = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.policy_rules = ((SERVICE, self.rule),)

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        """Do it; return a level of messages and a sentence."""
        raise NotImplementedError

    def single(self, table: Table, request: HttpRequest, ident: str) -> HttpResponse:
        try:
            level, told = self.act(api.client(request), ident)
            getattr(messages, level)(request, told)
        except errors.FAILURES as error:
            errors.tell(request, error)
        return redirect(request.get_full_path())


class Delete(tables.DeleteAction):
    """Delete rows, after Horizon has asked. Each refusal is shown with its own sentence."""

    rule = ""
    collection = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.policy_rules = ((SERVICE, self.rule),)

    def delete(self, request: HttpRequest, ident: str) -> None:
        try:
            getattr(api.client(request), self.collection).delete(ident)
        except errors.FAILURES as error:
            errors.tell(request, error)
            raise exceptions.HandledException((type(error), error, error.__traceback__)) from error


def size(datum: api.Resource) -> str:
    """A column's transform: bytes for a person; what nobody knows is not nothing."""
    return "-" if datum["size"] is None else str(filesizeformat(datum["size"]))


def moment(text: str | None) -> datetime.datetime | None:
    """A time of the service."""
    return None if text is None else parse_datetime(text)


def when(key: str) -> Any:
    """A column's transform: the time under a key."""

    def transform(datum: api.Resource) -> datetime.datetime | None:
        return moment(datum[key])

    transform.__name__ = key
    return transform
