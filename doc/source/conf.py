"""Configuration of Sphinx."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from tools import apidocs

project = "Glint"
copyright = "Glint contributors"

extensions = [
    "cliff.sphinxext",
    "openstackdocstheme",
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
]

root_doc = "index"
html_theme = "openstackdocs"
pygments_style = "native"
# The theme would otherwise ask git for a project on opendev.org.
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_bug_project = ""


def setup(app: Any) -> None:
    """The pages that are made of the code are written before the others are read."""
    app.connect("builder-inited", lambda app: apidocs.write(pathlib.Path(app.srcdir, "api/made")))
