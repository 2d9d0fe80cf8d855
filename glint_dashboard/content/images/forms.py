"""Registering and changing an image."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from glint_dashboard import api
from glint_dashboard.content import dialogs


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


class EditForm(dialogs.Form):
    """Change what an image is called and what is said of it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=255)
    min_disk = forms.IntegerField(label=gettext_lazy("Minimum disk (GB)"), min_value=0)
    min_ram = forms.IntegerField(label=gettext_lazy("Minimum RAM (MB)"), min_value=0)
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("One on each line."),
        widget=forms.Textarea(attrs={"rows": "3"}),
    )
    properties = forms.CharField(
        label=gettext_lazy("Properties"),
        required=False,
        help_text=gettext_lazy("One on each line, as name=value."),
        widget=forms.Textarea(attrs={"rows": "5"}),
    )

    def clean_properties(self) -> dict[str, str]:
        """:raises ValidationError: a line has no equals sign."""
        found = {}
        for line in filter(str.strip, self.cleaned_data["properties"].splitlines()):
            name, equals, value = line.partition("=")
            if not equals:
                raise ValidationError(_("Each line is name=value."))
            found[name.strip()] = value.strip()
        return found

    def clean_tags(self) -> list[str]:
        lines = (line.strip() for line in self.cleaned_data["tags"].splitlines())
        return sorted({line for line in lines if line})

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        image = self.initial["image"]
        before = {**image, "tags": sorted(image["tags"])}
        changes = {key: value for key, value in data.items() if value != before[key]}
        if not changes:
            return _("Nothing was changed.")
        changed = client.images.update(image["id"], generation=image["generation"], **changes)
        return _("Changed image %s.") % changed["name"]
