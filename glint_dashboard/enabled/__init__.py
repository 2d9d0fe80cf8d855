"""What Horizon reads to find the panels; each file is data."""
