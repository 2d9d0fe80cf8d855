"""Admin > Image Distribution > Operations."""

PANEL = "glint_operations"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "admin"
ADD_PANEL = "glint_dashboard.content.admin_operations.panel.Operations"
