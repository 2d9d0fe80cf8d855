"""The processes that carry everything out."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import tables
from horizon.utils import filters

from glint_dashboard import api
from glint_dashboard.content import lists


def state(conductor: api.Resource) -> Any:
    """Whether it gave a sign of life."""
    return _("alive") if conductor["alive"] else _("silent: others carry on its work")


class ConductorsTable(lists.Table):
    """One row for each process."""

    host = tables.Column("host", verbose_name=_("Host"))
    state = tables.Column(state, verbose_name=_("State"))
    running = tables.Column("running", verbose_name=_("Transfers at work"))
    started = tables.Column(
        lists.when("started_at"), verbose_name=_("Started"), filters=[filters.timesince_or_never]
    )
    beat = tables.Column(
        lists.when("beat_at"), verbose_name=_("Last sign"), filters=[filters.timesince_or_never]
    )
    ident = tables.Column("id", verbose_name=_("ID"))

    class Meta:
        name = "conductors"
        verbose_name = _("Conductors")
        multi_select = False


class IndexView(lists.ListView):
    """All that ever gave a sign and did not leave."""

    table_class = ConductorsTable
    page_title = _("Conductors")

    def fetch(self, client: api.Client) -> tuple[list[api.Resource], bool]:
        return list(client.conductors.list()), False
