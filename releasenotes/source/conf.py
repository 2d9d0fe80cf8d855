"""Configuration of Sphinx for the release notes."""

from __future__ import annotations

project = "Glint release notes"
copyright = "Glint contributors"

extensions = ["openstackdocstheme", "reno.sphinxext"]

root_doc = "index"
html_theme = "openstackdocs"
pygments_style = "native"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_bug_project = ""
