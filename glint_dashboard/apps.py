"""The plugin as a Django application."""

from __future__ import annotations

import pathlib

from django.apps import AppConfig
from django.conf import settings

_CONF = pathlib.Path(__file__).parent / "conf"
_SERVICE = "image-distribution"


class GlintDashboard(AppConfig):
    """Tells Horizon Glint's policies, so that nothing has to be copied; an operator's own win."""

    name = "glint_dashboard"

    def ready(self) -> None:
        settings.POLICY_FILES.setdefault(_SERVICE, str(_CONF / "policy.yaml"))
        settings.DEFAULT_POLICY_FILES.setdefault(_SERVICE, str(_CONF / "default_policies.yaml"))
