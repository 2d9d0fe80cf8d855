"""Form fields for what a site type says of itself: a JSON schema in, fields and values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from horizon import forms

Schema = Mapping[str, Any]

#: Names of secret fields. Horizon masks exactly these in its operation log.
SECRETS = ("password", "new_password", "confirm_password", "current_password")
#: More characters than this are typed into several lines.
LONG = 4096


def properties(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """What a user can say, without what the schema fixes."""
    for name, one in schema.get("properties", {}).items():
        if "const" not in one:
            yield name, one


def label(name: str) -> str:
    """A property's name for a person."""
    text = name.replace("_", " ")
    return (
        (text[:1].upper() + text[1:])
        .replace("url", "URL")
        .replace(" id", " ID")
        .replace("Ca cert", "CA certificate")
    )


def field(name: str, schema: Schema, *, required: bool, switch: Mapping[str, str]) -> forms.Field:
    """One form field.

    :param switch: attributes that let Horizon show it for one choice only. The service checks what
        is required, since the browser may not ask for what it hides.
    """
    common = {"label": label(name), "help_text": schema.get("description", ""), "required": False}
    attrs = dict(switch)
    if required and not switch:
        common["required"] = True
    if schema.get("type") == "boolean":
        widget = forms.CheckboxInput(attrs=attrs)
        return forms.BooleanField(widget=widget, initial=schema.get("default"), **common)
    if "enum" in schema:
        choices = [(one, one) for one in schema["enum"]]
        select = forms.ThemableSelectWidget(attrs=attrs)
        initial = schema.get("default")
        return forms.ChoiceField(choices=choices, widget=select, initial=initial, **common)
    if schema.get("type") == "integer":
        return forms.IntegerField(widget=forms.NumberInput(attrs=attrs), **common)
    if int(schema.get("maxLength", 0)) > LONG:
        return forms.CharField(widget=forms.Textarea(attrs=attrs | {"rows": "4"}), **common)
    attrs["placeholder"] = str(schema.get("default", ""))
    return forms.CharField(widget=forms.TextInput(attrs=attrs), **common)


def secret(switch: Mapping[str, str], help_text: str) -> forms.Field:
    """A field whose content is never shown again, and never sent back to the browser."""
    widget = forms.PasswordInput(
        attrs=dict(switch) | {"autocomplete": "new-password"}, render_value=False
    )
    return forms.CharField(widget=widget, required=False, label="", help_text=help_text)


def value(schema: Schema, given: Any) -> Any:
    """What goes into the request; None where the user said nothing, or what is usual."""
    if given in ("", None) or given == schema.get("default"):
        return None
    return given
