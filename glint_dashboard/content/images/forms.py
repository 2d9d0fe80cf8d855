"""Registering an image by its id at a site, and changing one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from glint_dashboard import api
from glint_dashboard.content import dialogs
from glint_dashboard.content.images.described import DescribedForm


class RegisterForm(dialogs.Form):
    """Take an image that is at a site into the catalogue."""

    credential = forms.ChoiceField(
        label=gettext_lazy("Where it is"), widget=forms.ThemableSelectWidget()
    )
    remote_id = forms.CharField(
        label=gettext_lazy("Image ID there"),
        max_length=255,
        help_text=gettext_lazy("As the site's own list of images shows it."),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["credential"].choices = [
            (one["id"], one["name"]) for one in self.initial.get("credentials", [])
        ]

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        image = client.images.create(data["credential"], data["remote_id"].strip())
        return _("Image %s is in the catalogue.") % image["name"]


class EditForm(DescribedForm):
    """Change what an image is called and what is said of it."""

    repair = forms.BooleanField(
        label=gettext_lazy("Repair by itself"),
        required=False,
        help_text=gettext_lazy("A copy that is lost or altered at a site is made again unasked."),
    )

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        image = self.initial["image"]
        before = {**image, "tags": sorted(image["tags"])}
        wish = {**self.described(data), "repair": data["repair"]}
        changes = {key: value for key, value in wish.items() if value != before[key]}
        if not changes:
            return _("Nothing was changed.")
        changed = client.images.update(image["id"], generation=image["generation"], **changes)
        return _("Changed image %s.") % changed["name"]
