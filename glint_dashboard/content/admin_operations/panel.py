"""Admin > Image Distribution > Operations."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Operations(base.Panel):
    """Saves of all projects."""

    name = _("Operations")
    slug = "glint_operations"
    policy_rules = ((base.SERVICE, "operation:list_all_projects"),)
