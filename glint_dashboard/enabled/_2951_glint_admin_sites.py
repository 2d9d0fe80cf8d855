"""Admin > Image Distribution > Sites."""

PANEL = "glint_sites"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "admin"
ADD_PANEL = "glint_dashboard.content.admin_sites.panel.Sites"
