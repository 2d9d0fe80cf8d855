"""The matrix, and what happens on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import http
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import generic
from horizon import messages, views

from glint_dashboard import api, errors
from glint_dashboard.content.base import may
from glint_dashboard.content.deployments import page, saves
from glint_dashboard.content.deployments.choice import SIZES, STATES, Choice
from glint_dashboard.content.lists import moment

INDEX = "horizon:project:glint_deployments:index"
#: Lines of history below the matrix.
EVENTS = 8


class IndexView(views.HorizonTemplateView):
    """The matrix itself."""

    template_name = "glint_dashboard/deployments/index.html"
    page_title = gettext_lazy("Deployments")

    #: Ticks of a form that could not be saved: they are shown again, as they were.
    kept: Sequence[saves.Change] = ()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        may_save, base = may(self.request, "operation:create"), reverse(INDEX) + "cell/"
        try:
            client = api.client(self.request)
            found = page.load(client, Choice.read(self.request.GET))
            keep(found, self.kept)
            for row in found.rows:
                row["markup"] = page.cells.markup(row, may_save=may_save, base=base)
            context["page"], context["info"] = found, info(found.counts, len(found.columns))
            context["events"] = history(client, limit=EVENTS)
            context.update(found.around, orders=found.choice.orders, sizes=SIZES)
        except errors.FAILURES as error:
            errors.tell(self.request, error)
        context["may_save"] = may_save
        context["image_base"] = reverse("horizon:project:glint_images:index")
        context["here"] = self.request.GET.urlencode()
        return context


class StateView(generic.View):
    """What has become of the page since it was read: one answer for all of it."""

    def get(self, request: http.HttpRequest) -> http.HttpResponse:
        try:
            client = api.client(request)
            found = page.changes(client, Choice.read(request.GET), request.GET.get("since", ""))
            events = history(client, limit=EVENTS)
        except errors.FAILURES as error:
            return http.JsonResponse({"error": errors.sentence(error)}, status=503)
        rows = {
            row["id"]: {
                "generation": row["generation"],
                "cells": {cell["credential"]: cell for cell in row["cells"]},
            }
            for row in found.rows
        }
        counts = None
        if found.counts is not None:
            counts = {
                "moving": found.counts.get("moving", 0),
                "info": info(found.counts, found.columns),
                "filters": {
                    name: found.counts.get(key or "") for name, (_l, _a, key) in STATES.items()
                },
            }
        return http.JsonResponse(
            {
                "cursor": found.cursor,
                "rows": rows,
                "deleted": found.deleted,
                "counts": counts,
                "events": [
                    {
                        "at": f"{event['at']:%H:%M:%S}",
                        "message": event["message"],
                        "outcome": event["outcome"],
                    }
                    for event in events
                ],
            }
        )


class SaveView(generic.View):
    """A Save: at once where nothing is lost by it, else after the user has seen the plan.

    The script gets JSON, a browser without one gets pages.
    """

    def post(self, request: http.HttpRequest) -> http.HttpResponse:
        try:
            return self._save(request)
        except saves.Malformed:
            return self._refuse(
                request, _("This form is not what the page sent. Load the page again.")
            )
        except api.Conflict as error:
            if error.code != "image.generation_conflict":
                return self._refuse(request, errors.sentence(error))
            return self._conflict(request)
        except errors.FAILURES as error:
            return self._refuse(request, errors.sentence(error))

    def _save(self, request: http.HttpRequest) -> http.HttpResponse:
        client = api.client(request)
        if "confirmed" in request.POST:
            changes = saves.agreed(request.POST)
        else:
            changes = saves.read(request.POST)
            if changes:
                plan = saves.plan(client, changes)
                if plan.asks:
                    return self._ask(request, plan)
        if not changes:
            return self._refuse(request, _("There is nothing to save."))
        operation = client.operations.create([change.body() for change in changes])
        done = ngettext("Saved %(count)d change.", "Saved %(count)d changes.", len(changes)) % {
            "count": len(changes)
        }
        if is_script(request):
            saved = [change.key for change in changes]
            return http.JsonResponse(
                {"operation": operation["id"], "message": done, "saved": saved}
            )
        messages.success(request, done)
        return redirect(back(request))

    def _ask(self, request: http.HttpRequest, plan: saves.Plan) -> http.HttpResponse:
        context = {"plan": plan, "here": request.GET.urlencode()}
        if is_script(request):
            text = render_to_string("glint_dashboard/deployments/_plan.html", context, request)
            return http.JsonResponse({"plan": text})
        context["page_title"] = _("Confirm the changes")
        return render(request, "glint_dashboard/deployments/plan.html", context)

    def _refuse(self, request: http.HttpRequest, told: str) -> http.HttpResponse:
        if is_script(request):
            return http.JsonResponse({"error": told, "conflict": False}, status=400)
        messages.error(request, told)
        return redirect(back(request))

    def _conflict(self, request: http.HttpRequest) -> http.HttpResponse:
        """The page as it is now, with the user's ticks: nothing was saved, and nothing is lost."""
        told = _("Somebody else changed this meanwhile. Look at it, and save again.")
        if is_script(request):
            return http.JsonResponse({"error": told, "conflict": True}, status=409)
        messages.error(request, told)
        kept = saves.agreed if "confirmed" in request.POST else saves.read
        # It is shown under this address, but it is the page of the matrix that is asked for.
        request.method = "GET"
        return IndexView.as_view(kept=kept(request.POST))(request)


class CellView(views.HorizonTemplateView):
    """All that is known of one cell."""

    template_name = "glint_dashboard/deployments/cell.html"
    page_title = gettext_lazy("Deployment")

    def get_template_names(self) -> list[str]:
        if is_script(self.request):
            return ["glint_dashboard/deployments/_cell.html"]
        return [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        try:
            context.update(self._cell(api.client(self.request)))
        except errors.FAILURES as error:
            if is_script(self.request):
                context["trouble"] = errors.sentence(error)
            else:
                errors.tell(self.request, error)
        context["may_act"] = may(self.request, "deployment:retry")
        context["here"] = self.request.GET.urlencode()
        return context

    def _cell(self, client: api.Client) -> Mapping[str, Any]:
        image = client.images.get(self.kwargs["image"])
        credential = client.credentials.get(self.kwargs["credential"])
        cell = next(
            client.deployments.list(image_id=image["id"], credential_id=credential["id"]), None
        )
        transfers = [] if cell is None else client.transfers.list(deployment_id=cell["id"])
        return {
            "image": image,
            "credential": credential,
            "cell": cell and timed(cell, "verified_at", "seen_at"),
            "shown": cell and page.cells.shown(cell),
            "transfers": [timed(one, "created_at", "finished_at") for one in transfers],
        }


class ActView(generic.View):
    """Retry, cancel or give up one cell."""

    def post(self, request: http.HttpRequest, deployment: str, verb: str) -> http.HttpResponse:
        try:
            told = self._act(api.client(request), deployment, verb)
        except errors.FAILURES as error:
            told = errors.sentence(error)
            if is_script(request):
                return http.JsonResponse({"error": told}, status=400)
            messages.error(request, told)
            return redirect(back(request))
        if is_script(request):
            return http.JsonResponse({"message": told})
        messages.success(request, told)
        return redirect(back(request))

    def _act(self, client: api.Client, deployment: str, verb: str) -> str:
        if verb == "retry":
            client.deployments.retry(deployment)
            return _("It is tried again.")
        if verb == "cancel":
            client.deployments.cancel(deployment)
            return _("It is being stopped.")
        cell = client.deployments.get(deployment)
        change = {"image_id": cell["image_id"], "credential_id": cell["credential_id"]}
        client.operations.create([change | {"wanted": False}])
        return _("The image is not wanted there any more.")


def is_script(request: http.HttpRequest) -> bool:
    """Whether our script asks, and not a form or a link."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def back(request: http.HttpRequest) -> str:
    """The matrix with the filter and page that it had."""
    query = Choice.read(request.GET).query()
    return reverse(INDEX) + (f"?{query}" if query else "")


def keep(found: page.Page, kept: Sequence[saves.Change]) -> None:
    """Show boxes as a user left them."""
    wishes = {change.key: change.wanted for change in kept}
    for row in found.rows:
        for cell in row["cells"]:
            cell["ticked"] = wishes.get(f"{row['id']}:{cell['credential']}", cell["wanted"])


def info(counts: Mapping[str, int], columns: int) -> str:
    """One line about the whole matrix: images, columns, and images that something is up with."""
    images = counts.get("all", 0)
    said = [
        ngettext("%(count)d image", "%(count)d images", images) % {"count": images},
        ngettext("%(count)d column", "%(count)d columns", columns) % {"count": columns},
    ]
    for name in ("moving", "failed", "drifted", "unknown"):
        if counts.get(name):
            said.append(f"{STATES[name][0]}: {counts[name]}")
    return " · ".join(said)


def history(client: api.Client, *, limit: int, **filters: Any) -> list[api.Resource]:
    """The newest events, with their times as times."""
    found = client.events.list(page_size=limit, **filters)
    return [timed(event, "at") for event, _number in zip(found, range(limit), strict=False)]


def timed(thing: api.Resource, *keys: str) -> api.Resource:
    """The same with times in place of their text."""
    return thing | {key: moment(thing[key]) for key in keys}
