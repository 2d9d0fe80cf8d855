"""What a user can say of an image, whatever it comes from."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from glint_dashboard.content import dialogs


class DescribedForm(dialogs.Form):
    """Name, needs, tags and properties."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=255)
    min_disk = forms.IntegerField(
        label=gettext_lazy("Minimum disk (GB)"), min_value=0, max_value=2**31 - 1, initial=0
    )
    min_ram = forms.IntegerField(
        label=gettext_lazy("Minimum RAM (MB)"), min_value=0, max_value=2**31 - 1, initial=0
    )
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
        widget=forms.Textarea(attrs={"rows": "4"}),
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

    def described(self, data: dict[str, Any]) -> dict[str, Any]:
        """Of the form's data, what these fields gave."""
        return {key: data[key] for key in ("name", "min_disk", "min_ram", "tags", "properties")}
