"""Project > Image Distribution > Images."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Images(base.Panel):
    """The rows of the matrix."""

    name = _("Images")
    slug = "glint_images"
    policy_rules = ((base.SERVICE, "image:list"),)
