"""Project > Image Distribution > Images."""

PANEL = "glint_images"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "project"
ADD_PANEL = "glint_dashboard.content.images.panel.Images"
