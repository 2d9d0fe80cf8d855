"""Project > Image Distribution > Credentials."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Credentials(base.Panel):
    """The columns of the matrix."""

    name = _("Credentials")
    slug = "glint_credentials"
    policy_rules = ((base.SERVICE, "credential:list"),)
