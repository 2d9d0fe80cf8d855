"""Admin > Image Distribution."""

from django.utils.translation import gettext_lazy as _

PANEL_GROUP = "image_distribution"
PANEL_GROUP_NAME = _("Image Distribution")
PANEL_GROUP_DASHBOARD = "admin"
