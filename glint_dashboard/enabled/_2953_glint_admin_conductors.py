"""Admin > Image Distribution > Conductors."""

PANEL = "glint_conductors"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "admin"
ADD_PANEL = "glint_dashboard.content.conductors.panel.Conductors"
