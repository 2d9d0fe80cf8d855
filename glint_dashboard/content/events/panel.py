"""Project > Image Distribution > Events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from glint_dashboard.content import base


class Events(base.Panel):
    """What happened, for people."""

    name = _("Events")
    slug = "glint_events"
    policy_rules = ((base.SERVICE, "event:list"),)
