"""The list of images."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.defaultfilters import capfirst, yesno
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables
from horizon.utils import filters

from glint_dashboard import api
from glint_dashboard.content import base, lists


class Create(tables.LinkAction):
    name = "create"
    verbose_name = _("Create Image")
    url = "horizon:project:glint_images:create"
    icon = "plus"
    policy_rules = ((base.SERVICE, "image:create"),)


class Found(tables.LinkAction):
    name = "found"
    verbose_name = _("Images at Sites")
    url = "horizon:project:glint_images:found"
    icon = "search"
    policy_rules = ((base.SERVICE, "image:create"),)


class Upload(tables.LinkAction):
    """Only what waits for a file takes one."""

    name = "upload"
    verbose_name = _("Upload File")
    url = "horizon:project:glint_images:upload"
    icon = "upload"
    policy_rules = ((base.SERVICE, "image:upload"),)

    def allowed(self, request: HttpRequest, image: api.Resource | None = None) -> bool:
        return image is None or (image["state"], image["origin"]) == ("empty", "file")


class Edit(tables.LinkAction):
    name = "edit"
    verbose_name = _("Edit Image")
    url = "horizon:project:glint_images:edit"
    classes = ("ajax-modal",)
    icon = "pencil"
    policy_rules = ((base.SERVICE, "image:update"),)


class DeleteImage(lists.Delete):
    rule = "image:delete"
    collection = "images"
    help_text = _("The row goes from the matrix. Copies at sites are not removed by this.")

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Image", "Delete Images", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Image", "Deleted Images", count)


_STATES = {
    "empty": _("waits for its file"),
    "unread": _("URL, not read yet"),
    "ready": _("known by hash"),
}
_ORIGINS = {"site": _("a site"), "file": _("a file"), "url": _("a URL")}


def content(image: api.Resource) -> Any:
    """Whether its content is known."""
    return _STATES.get(image["state"], image["state"])


def origin(image: api.Resource) -> Any:
    """Where its content came from first."""
    return _ORIGINS.get(image["origin"], image["origin"])


class ImagesTable(lists.Table):
    """The catalogue."""

    name = tables.Column("name", verbose_name=_("Name"), link="horizon:project:glint_images:detail")
    size = tables.Column(lists.size, verbose_name=_("Size"))
    format = tables.Column("disk_format", verbose_name=_("Format"))
    content = tables.Column(content, verbose_name=_("Content"))
    origin = tables.Column(origin, verbose_name=_("From"))
    protected = tables.Column("protected", verbose_name=_("Protected"), filters=[yesno, capfirst])
    created = tables.Column(
        lists.when("created_at"), verbose_name=_("Registered"), filters=[filters.timesince_or_never]
    )

    class Meta:
        name = "images"
        verbose_name = _("Images")
        pagination_param = "marker"
        table_actions = (Create, Found, DeleteImage, tables.NameFilterAction)
        row_actions = (Upload, Edit, DeleteImage)
