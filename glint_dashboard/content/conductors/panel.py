"""Admin > Image Distribution > Conductors."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Conductors(base.Panel):
    """The processes that carry everything out."""

    name = _("Conductors")
    slug = "glint_conductors"
    policy_rules = ((base.SERVICE, "conductor:list"),)
