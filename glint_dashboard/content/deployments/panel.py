"""Project > Image Distribution > Deployments."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Deployments(base.Panel):
    """Which image is where, and which should be."""

    name = _("Deployments")
    slug = "glint_deployments"
    policy_rules = ((base.SERVICE, "matrix:show"),)
