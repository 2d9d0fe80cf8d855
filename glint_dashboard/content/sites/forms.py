"""Adding and changing a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from glint_dashboard import api
from glint_dashboard.content import dialogs, schemas

KIB = 1024


class _Connected(dialogs.Form):
    """Adds the fields of connections, as the site types tell them: ``TYPE__PROPERTY``."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=255)
    max_transfers = forms.IntegerField(
        label=gettext_lazy("Transfers at once"), min_value=1, max_value=100, initial=4
    )
    bandwidth = forms.IntegerField(
        label=gettext_lazy("Bandwidth (KiB/s)"),
        required=False,
        min_value=64,
        max_value=10**9,
        help_text=gettext_lazy("Of all copies to and from it together; empty: no limit."),
    )
    hours = forms.CharField(
        label=gettext_lazy("Hours (UTC)"),
        required=False,
        max_length=64,
        help_text=gettext_lazy("When copies may begin, such as 22:00-06:00; empty: always."),
    )

    def polite(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """How much and when may be copied; None: no limit."""
        width = data["bandwidth"]
        return {
            "max_transfers": data["max_transfers"],
            "bandwidth": None if width is None else width * KIB,
            "hours": data["hours"].strip() or None,
        }

    def add_connections(self, kinds: list[api.Resource], switched: bool) -> None:
        self.kinds = kinds
        for kind in kinds:
            schema = kind["connection_schema"]
            for name, one in schemas.properties(schema):
                key = f"{kind['name']}__{name}"
                switch = {
                    "class": "switched",
                    "data-switch-on": "type",
                    f"data-type-{kind['name']}": schemas.label(name),
                }
                required = name in schema.get("required", ())
                self.fields[key] = schemas.field(
                    name, one, required=required, switch=switch if switched else {}
                )
        # How much may be copied comes after where the site is.
        polite = ("max_transfers", "bandwidth", "hours")
        self.order_fields([key for key in self.fields if key not in polite])

    def connection(self, data: Mapping[str, Any], type_name: str) -> dict[str, Any]:
        kind = next(one for one in self.kinds if one["name"] == type_name)
        found = {
            name: schemas.value(one, data.get(f"{type_name}__{name}", one.get("default")))
            for name, one in schemas.properties(kind["connection_schema"])
        }
        return {name: given for name, given in found.items() if given is not None}


class AddForm(_Connected):
    """A site is written down only after it answered."""

    field_order = ("name", "type")

    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        widget=forms.ThemableSelectWidget(attrs={"class": "switchable", "data-slug": "type"}),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        # The most usual type first: its fields are those that are shown at once.
        kinds = sorted(self.initial.get("kinds", []), key=lambda one: one["name"] != "openstack")
        self.fields["type"].choices = [(one["name"], one["description"]) for one in kinds]
        self.add_connections(kinds, switched=len(kinds) > 1)

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        site = client.sites.create(
            data["name"],
            data["type"],
            self.connection(data, data["type"]),
            **self.more(data),
        )
        return _("Added site %s. It answers.") % site["name"]

    def more(self, data: dict[str, Any]) -> dict[str, Any]:
        """What is asked for besides the connection."""
        return {key: one for key, one in self.polite(data).items() if one is not None}


class EditForm(_Connected):
    """What may change of a site; another address is asked before it is believed."""

    enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False)

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.add_connections(self.initial.get("kinds", []), switched=False)

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        site = self.initial["site"]
        wish = {"name": data["name"], "enabled": data["enabled"], **self.polite(data)}
        if site["bandwidth"] is not None and data["bandwidth"] == site["bandwidth"] // KIB:
            wish["bandwidth"] = site["bandwidth"]  # shown in KiB, it may have been rounded
        changes = {key: value for key, value in wish.items() if value != site[key]}
        connection = self.connection(data, site["type"])
        before = {f"{site['type']}__{name}": one for name, one in site["connection"].items()}
        if connection != self.connection(before, site["type"]):
            changes["connection"] = connection
        if not changes:
            return _("Nothing was changed.")
        site = client.sites.update(site["id"], generation=site["generation"], **changes)
        return _("Changed site %s.") % site["name"]
