"""A site for everyone."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms

from glint_dashboard.content.sites import forms as usual


class AddForm(usual.AddForm):
    """As every user's, but for all projects unless that is switched off."""

    shared = forms.BooleanField(label=_("For all projects"), required=False, initial=True)

    def more(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**super().more(data), "shared": data["shared"]}
