"""The list of images."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables
from horizon.utils import filters

from glint_dashboard.content import base, lists


class Register(tables.LinkAction):
    name = "register"
    verbose_name = _("Register Image")
    url = "horizon:project:glint_images:register"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = ((base.SERVICE, "image:create"),)


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


class ImagesTable(lists.Table):
    """The catalogue."""

    name = tables.Column("name", verbose_name=_("Name"), link="horizon:project:glint_images:detail")
    size = tables.Column("size", verbose_name=_("Size"), filters=[filesizeformat])
    format = tables.Column("disk_format", verbose_name=_("Format"))
    protected = tables.Column("protected", verbose_name=_("Protected"))
    created = tables.Column(
        lists.when("created_at"), verbose_name=_("Registered"), filters=[filters.timesince_or_never]
    )

    class Meta:
        name = "images"
        verbose_name = _("Images")
        pagination_param = "marker"
        table_actions = (Register, DeleteImage, tables.NameFilterAction)
        row_actions = (Edit, DeleteImage)
