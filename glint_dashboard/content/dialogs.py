"""What the forms have in common: they open as dialogs, and show what Glint says about them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from horizon import forms, messages

from glint_dashboard import api, errors


class Form(forms.SelfHandlingForm):
    """A form that ends in one call of the service."""

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        """Do it; return the sentence that tells so."""
        raise NotImplementedError

    def handle(self, request: HttpRequest, data: dict[str, Any]) -> bool:
        try:
            messages.success(request, self.act(api.client(request), data))
        except errors.FAILURES as error:
            # What was typed stays, beside the reason.
            self.api_error(errors.sentence(error))
            return False
        return True


class DialogView(forms.ModalFormView):
    """A form in a dialog, or on a page where there is no script.

    :cvar address: name of the address that the form is sent to.
    :cvar explanation: what stands beside the fields.
    """

    template_name = "glint_dashboard/form.html"
    address = ""
    explanation: Any = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["submit_url"] = reverse(self.address, kwargs=self.kwargs)
        context["modal_header"] = self.page_title
        context["explanation"] = self.explanation
        return context

    def read(self, client: api.Client) -> dict[str, Any]:
        """What the form needs to know, as its initial data."""
        return {}

    def get_initial(self) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_initial()
        try:
            initial.update(self.read(api.client(self.request)))
        except errors.FAILURES as error:
            errors.tell(self.request, error)
        return initial
