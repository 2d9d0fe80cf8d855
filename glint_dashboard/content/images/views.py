"""The list of images, the dialogs about one, and all that is known of one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from horizon import views

from glint_dashboard import api, errors
from glint_dashboard.content import dialogs, lists
from glint_dashboard.content.base import may
from glint_dashboard.content.deployments import cells
from glint_dashboard.content.deployments.views import history
from glint_dashboard.content.images import forms, tables

INDEX = "horizon:project:glint_images:index"
#: Lines of history on the page of an image.
EVENTS = 30


class IndexView(lists.ListView):
    """The catalogue."""

    table_class = tables.ImagesTable
    page_title = _("Images")
    collection = "images"
    paged = True


class RegisterView(dialogs.DialogView):
    """Register an image that is at a site."""

    form_class = forms.RegisterForm
    address = "horizon:project:glint_images:register"
    success_url = reverse_lazy(INDEX)
    page_title = submit_label = _("Register by ID")
    explanation = _(
        "Glint looks at the image where it is, and takes its name, size and hash into the"
        " catalogue. Nothing is copied by this: tick it in the matrix for that."
    )

    def read(self, client: api.Client) -> dict[str, Any]:
        return {"credentials": list(client.credentials.list(page_size=lists.MOST))}


class EditView(dialogs.DialogView):
    """Change an image."""

    form_class = forms.EditForm
    address = "horizon:project:glint_images:edit"
    success_url = reverse_lazy(INDEX)
    page_title = submit_label = _("Edit Image")
    explanation = _("The content of an image never changes; this is what is said about it.")

    def read(self, client: api.Client) -> dict[str, Any]:
        image = client.images.get(self.kwargs["ident"])
        usual = {key: image[key] for key in ("name", "min_disk", "min_ram", "repair")}
        lines = [f"{name}={value}" for name, value in sorted(image["properties"].items())]
        texts = {"tags": "\n".join(sorted(image["tags"])), "properties": "\n".join(lines)}
        return {"image": image, **usual, **texts}


class DetailView(views.HorizonTemplateView):
    """What an image is, where it is, and what happened to it."""

    template_name = "glint_dashboard/image.html"
    page_title = _("Image")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        try:
            client = api.client(self.request)
            image = client.images.get(self.kwargs["ident"])
            names = {one["id"]: one["name"] for one in client.credentials.list(page_size=1000)}
            context["image"] = image
            context["content"], context["origin"] = tables.content(image), tables.origin(image)
            context["places"] = [
                cell | cells.shown(cell) | {"site": names.get(cell["credential_id"], "?")}
                for cell in client.deployments.list(image_id=image["id"])
            ]
            context["events"] = history(client, limit=EVENTS, image_id=image["id"])
        except errors.FAILURES as error:
            errors.tell(self.request, error)
        context["cell_base"] = reverse("horizon:project:glint_deployments:index") + "cell/"
        context["may_edit"] = may(self.request, "image:update")
        context["may_upload"] = may(self.request, "image:upload")
        return context
