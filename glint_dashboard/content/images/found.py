"""Images that sites have, to be taken into the catalogue."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from horizon import exceptions, tables
from horizon.utils import filters

from glint_dashboard import api, errors
from glint_dashboard.content import base, lists


class Register(tables.LinkAction):
    name = "register"
    verbose_name = _("Register by ID")
    url = "horizon:project:glint_images:register"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = ((base.SERVICE, "image:create"),)


class Look(lists.Verb):
    """Look through the site's images now."""

    name = "look"
    verbose_name = _("Look Now")
    rule = "credential:scan"

    def act(self, client: api.Client, ident: str) -> tuple[str, str]:
        name = client.credentials.scan(self.table.kwargs["credential"])["name"]
        return "info", gettext("The images of %s are being looked through.") % name

    def allowed(self, request: HttpRequest, seen: api.Resource | None = None) -> bool:
        return "credential" in self.table.kwargs


class Take(tables.BatchAction):
    """Take images into the catalogue."""

    name = "take"
    icon = "download"
    policy_rules = ((base.SERVICE, "image:create"),)

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Take into the Catalogue", "Take into the Catalogue", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Took into the catalogue", "Took into the catalogue", count)

    def allowed(self, request: HttpRequest, seen: api.Resource | None = None) -> bool:
        return seen is None or seen["image_id"] is None

    def action(self, request: HttpRequest, ident: str) -> None:
        try:
            api.client(request).images.create(self.table.kwargs["credential"], ident)
        except errors.FAILURES as error:
            errors.tell(request, error)
            raise exceptions.HandledException((type(error), error, error.__traceback__)) from error


def known(seen: api.Resource) -> Any:
    """Whether the catalogue has it."""
    return _("yes") if seen["image_id"] else _("no")


class FoundTable(lists.Table):
    """What one credential saw when it was scanned last."""

    name = tables.Column("name", verbose_name=_("Name"))
    ident = tables.Column("remote_id", verbose_name=_("ID there"))
    size = tables.Column(lists.size, verbose_name=_("Size"))
    visibility = tables.Column("visibility", verbose_name=_("Visibility"))
    status = tables.Column("status", verbose_name=_("Status"))
    known = tables.Column(known, verbose_name=_("In the catalogue"))
    seen = tables.Column(
        lists.when("seen_at"), verbose_name=_("Seen"), filters=[filters.timesince_or_never]
    )

    class Meta:
        name = "found"
        verbose_name = _("Images at the Site")
        pagination_param = "marker"
        table_actions = (Look, Register, Take, tables.NameFilterAction)
        row_actions = (Take,)

    def get_object_id(self, datum: api.Resource) -> str:
        return str(datum["remote_id"])

    def sanitize_id(self, obj_id: str) -> str:
        return str(obj_id)


class IndexView(lists.ListView):
    """Images at the site of one credential; the first one where none is named."""

    table_class = FoundTable
    template_name = "glint_dashboard/found.html"
    page_title = _("Images at Sites")
    paged = True

    def fetch(self, client: api.Client) -> tuple[list[api.Resource], bool]:
        every = list(client.credentials.list(page_size=lists.MOST))
        wish = self.request.GET.get("credential")
        chosen = next((one for one in every if one["id"] == wish), every[0] if every else None)
        self.credentials, self.chosen = every, chosen
        if chosen is None:
            return [], False
        self.table.kwargs["credential"] = chosen["id"]
        return api.inventory(
            client, chosen["id"], limit=lists.PAGE, marker=self.request.GET.get("marker")
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["credentials"] = getattr(self, "credentials", [])
        context["chosen"] = getattr(self, "chosen", None)
        return context
