"""History, newest first."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from horizon import tables

from glint_dashboard.content import lists


class EventsTable(lists.Table):
    """One row for each event."""

    at = tables.Column(lists.when("at"), verbose_name=_("When"))
    action = tables.Column("action", verbose_name=_("What"))
    outcome = tables.Column("outcome", verbose_name=_("Outcome"))
    message = tables.Column("message", verbose_name=_("Message"))

    class Meta:
        name = "events"
        verbose_name = _("Events")
        pagination_param = "marker"
        multi_select = False


class IndexView(lists.ListView):
    """What happened in the project."""

    table_class = EventsTable
    page_title = _("Events")
    collection = "events"
    paged = True
