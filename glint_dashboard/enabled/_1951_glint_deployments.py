"""Project > Image Distribution > Deployments."""

PANEL = "glint_deployments"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "project"
ADD_PANEL = "glint_dashboard.content.deployments.panel.Deployments"
