"""Project > Image Distribution > Credentials."""

PANEL = "glint_credentials"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "project"
ADD_PANEL = "glint_dashboard.content.credentials.panel.Credentials"
