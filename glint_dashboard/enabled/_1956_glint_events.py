"""Project > Image Distribution > Events."""

PANEL = "glint_events"
PANEL_GROUP = "image_distribution"
PANEL_DASHBOARD = "project"
ADD_PANEL = "glint_dashboard.content.events.panel.Events"
