"""The list of operations, and what became of one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import views

from glint_dashboard import api, errors
from glint_dashboard.content import lists
from glint_dashboard.content.base import may
from glint_dashboard.content.deployments.views import history, timed
from glint_dashboard.content.operations import tables

#: Lines of history on the page of an operation.
EVENTS = 100


class IndexView(lists.ListView):
    """Saves of the project, newest first."""

    table_class = tables.OperationsTable
    page_title = _("Operations")
    collection = "operations"
    paged = True


class DetailView(views.HorizonTemplateView):
    """Each change of one Save."""

    template_name = "glint_dashboard/operation.html"
    page_title = _("Operation")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        try:
            client = api.client(self.request)
            operation = client.operations.get(self.kwargs["ident"])
            sites = {one["id"]: one["name"] for one in client.credentials.list(page_size=1000)}
            images = {one["id"]: one["name"] for one in client.images.list(page_size=1000)}
            context["operation"] = timed(operation, "created_at")
            context["progress"] = tables.progress(operation)
            context["may_cancel"] = operation["state"] in tables.LIVE and may(
                self.request, tables.Cancel.rule
            )
            context["may_retry"] = operation["state"] == "failed" and may(
                self.request, tables.Retry.rule
            )
            context["changes"] = [
                one
                | {
                    "image": images.get(one["image_id"], one["image_id"]),
                    "site": sites.get(one["credential_id"], one["credential_id"]),
                }
                for one in operation["changes"]
            ]
            context["events"] = history(client, limit=EVENTS, operation_id=operation["id"])
        except errors.FAILURES as error:
            errors.tell(self.request, error)
        return context
