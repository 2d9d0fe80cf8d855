"""Project > Image Distribution > Sites."""

PANEL = "glint_sites"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "project"
ADD_PANEL = "glint_dashboard.content.sites.panel.Sites"
