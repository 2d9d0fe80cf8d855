"""The page that makes an image, and the way of its bytes through here."""

from __future__ import annotations

from typing import Any

from django import http
from django.contrib import messages
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import generic

from glint_dashboard import api, errors
from glint_dashboard.content import dialogs, lists
from glint_dashboard.content.images import making

INDEX = "horizon:project:glint_images:index"
CHUNK = 1 << 20
#: What is read of a refused upload, so that the browser gets to the answer.
MOST_DRAINED = 64 * CHUNK


class CreateView(dialogs.DialogView):
    """A page of its own, since an upload takes long. The script gets JSON."""

    template_name = "glint_dashboard/create.html"
    form_class = making.CreateForm
    form_id = "glint-upload"
    address = "horizon:project:glint_images:create"
    success_url = reverse_lazy(INDEX)
    page_title = submit_label = gettext_lazy("Create Image")
    explanation = gettext_lazy(
        "The image comes into the catalogue; Glint computes its hashes while it comes. A file is"
        " kept by Glint until a site has a proven copy. A URL is read later, and only from where"
        " your operator allows it. What a site has already stands under Images at Sites."
    )

    def read(self, client: api.Client) -> dict[str, Any]:
        return {"credentials": list(client.credentials.list(page_size=lists.MOST))}

    def form_valid(self, form: making.CreateForm) -> http.HttpResponse:
        if not form.cleaned_data["announced"] or form.cleaned_data["source"] != "file":
            return super().form_valid(form)
        try:
            image = form.make(api.client(self.request), form.cleaned_data)
        except errors.FAILURES as error:
            return http.JsonResponse({"errors": [errors.sentence(error)]}, status=400)
        query = http.QueryDict(mutable=True)
        query.update({"new": "1", "first": form.cleaned_data["credential"]})
        address = reverse("horizon:project:glint_images:file", args=[image["id"]])
        return http.JsonResponse({"upload": f"{address}?{query.urlencode()}"})

    def form_invalid(self, form: making.CreateForm) -> http.HttpResponse:
        if not form.data.get("announced"):
            return super().form_invalid(form)
        told = [
            f"{form.fields[name].label}: {text}" if name in form.fields else text
            for name, texts in form.errors.items()
            for text in texts
        ]
        return http.JsonResponse({"errors": told}, status=400)


class UploadView(dialogs.DialogView):
    """The file of an image that waits for it."""

    template_name = "glint_dashboard/create.html"
    form_class = making.UploadForm
    form_id = "glint-upload"
    address = "horizon:project:glint_images:upload"
    success_url = reverse_lazy(INDEX)
    page_title = submit_label = gettext_lazy("Upload File")
    explanation = gettext_lazy("The image is in the catalogue, and waits for its content.")

    def read(self, client: api.Client) -> dict[str, Any]:
        return {"image": client.images.get(self.kwargs["ident"])}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["upload_url"] = reverse(
            "horizon:project:glint_images:file", args=[self.kwargs["ident"]]
        )
        return context


class FileView(generic.View):
    """The bytes of a file, straight through to Glint: nothing is kept on this host."""

    def put(self, request: http.HttpRequest, ident: str) -> http.HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length.isdigit() or int(length) == 0:
            return http.JsonResponse(
                {"errors": [_("Choose a file that is not empty.")]}, status=400
            )
        try:
            making.send(
                api.client(request),
                ident,
                request,
                int(length),
                request.GET.get("first") or None,
                new=request.GET.get("new") == "1",
            )
        except errors.FAILURES as error:
            _drain(request)
            return http.JsonResponse({"errors": [errors.sentence(error)]}, status=400)
        # Horizon's own messages would go into this answer, and not to the page that follows.
        messages.success(request, _("The file was uploaded."))
        return http.JsonResponse({"next": reverse(INDEX)})


def _drain(request: http.HttpRequest) -> None:
    left = MOST_DRAINED
    try:
        while left > 0 and (piece := request.read(CHUNK)):
            left -= len(piece)
    except OSError:
        errors.LOG.info("the browser broke an upload off")
