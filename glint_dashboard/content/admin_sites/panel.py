"""Admin > Image Distribution > Sites."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Sites(base.Panel):
    """Sites of all projects."""

    name = _("Sites")
    slug = "glint_sites"
    policy_rules = ((base.SERVICE, "site:list_all_projects"),)
