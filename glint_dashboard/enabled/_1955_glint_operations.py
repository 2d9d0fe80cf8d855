"""Project > Image Distribution > Operations."""

PANEL = "glint_operations"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "project"
ADD_PANEL = "glint_dashboard.content.operations.panel.Operations"
