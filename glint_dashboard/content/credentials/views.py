"""The list of credentials, and the dialog that adds one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from glint_dashboard import api
from glint_dashboard.content import dialogs, lists, schemas
from glint_dashboard.content.credentials import forms, tables

INDEX = "horizon:project:glint_credentials:index"


class IndexView(lists.ListView):
    """All credentials that the user may use."""

    table_class = tables.CredentialsTable
    page_title = _("Credentials")
    collection = "credentials"


@method_decorator(sensitive_post_parameters(*schemas.SECRETS), name="dispatch")
class AddView(dialogs.DialogView):
    """Add a credential."""

    form_class = forms.AddForm
    address = "horizon:project:glint_credentials:add"
    success_url = reverse_lazy(INDEX)
    page_title = _("Add Credential")
    submit_label = _("Test and Add")
    explanation = _(
        "A credential is the right to use one site as one project there: a column of the matrix."
        " Glint logs in with it before it is added. An application credential is best: it can be"
        " revoked without changing a password, and belongs to one project."
    )

    def read(self, client: api.Client) -> dict[str, Any]:
        return {
            "kinds": list(client.site_types.list()),
            "sites": list(client.sites.list(page_size=lists.MOST)),
        }
