"""Adding a credential. Its secret goes in and is never shown again."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from glint_dashboard import api
from glint_dashboard.content import dialogs, schemas

#: Which way to log in stands first: what can be revoked alone, before what is a person's.
_FIRST = ("v3applicationcredential", "home")


class AddForm(dialogs.Form):
    """A credential is written down only after it was used."""

    no_autocomplete = True

    site = forms.ChoiceField(label=gettext_lazy("Site"), widget=forms.ThemableSelectWidget())
    auth = forms.ChoiceField(
        label=gettext_lazy("Login"),
        widget=forms.ThemableSelectWidget(attrs={"class": "switchable", "data-slug": "auth"}),
    )
    shared = forms.BooleanField(
        label=gettext_lazy("For the whole project"),
        help_text=gettext_lazy("Everybody in the project sees and uses the column."),
        required=False,
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["site"].choices = [
            (one["id"], one["name"]) for one in self.initial.get("sites", [])
        ]
        self.logins: dict[str, api.Resource] = {}
        for kind in self.initial.get("kinds", []):
            self.logins.update(kind["auth_schemas"])
        names = {name: schema.get("title", name) for name, schema in self.logins.items()}
        names["home"] = _("This cloud: let Glint make itself an application credential")
        order = sorted(
            names,
            key=lambda name: (
                name not in _FIRST,
                _FIRST.index(name) if name in _FIRST else 0,
                name,
            ),
        )
        self.fields["auth"].choices = [(name, names[name]) for name in order]
        self._add_fields()

    def _add_fields(self) -> None:
        secrets: dict[str, dict[str, str]] = {}
        for login, schema in self.logins.items():
            slots = iter(schemas.SECRETS)
            for name, one in schemas.properties(schema):
                switch = {"class": "switched", "data-switch-on": "auth"}
                if one.get("writeOnly"):
                    secrets.setdefault(next(slots), {})[f"data-auth-{login}"] = schemas.label(name)
                    continue
                switch[f"data-auth-{login}"] = schemas.label(name)
                self.fields[f"{login}__{name}"] = schemas.field(
                    name, one, required=False, switch=switch
                )
        for slot, labels in secrets.items():
            switch = {"class": "switched", "data-switch-on": "auth", **labels}
            self.fields[slot] = schemas.secret(switch, _("It is never shown again."))

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        login = data["auth"]
        auth: dict[str, Any] = {"auth_type": login}
        slots = iter(schemas.SECRETS)
        for name, one in schemas.properties(self.logins.get(login, {})):
            key = next(slots) if one.get("writeOnly") else f"{login}__{name}"
            given = schemas.value(one, data.get(key))
            if given is not None:
                auth[name] = given
        made = client.credentials.create(data["site"], auth, shared=data["shared"])
        return _("Added credential %s. It works.") % made["name"]
