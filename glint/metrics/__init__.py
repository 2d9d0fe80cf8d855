"""Figures for Prometheus: what is counted, what is read from the database, and the page.

The only part of Glint that imports prometheus_client. Every process has a registry of its own,
made in its composition root; the library's global one is not used.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry as Registry

__all__ = ["MAX_SITES", "OTHER", "Registry"]

#: Sites that get series of their own: users make sites, and a series costs memory at both ends.
MAX_SITES = 200

#: What the rest of the sites is counted under.
OTHER = "other"
