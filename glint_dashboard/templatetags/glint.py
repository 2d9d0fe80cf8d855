"""Addresses of the panels' own style and script."""

from __future__ import annotations

import importlib.metadata
import urllib.parse

from django import template
from django.conf import settings

register = template.Library()
_VERSION = urllib.parse.quote(importlib.metadata.version("glint"))


@register.simple_tag
def glint_static(name: str) -> str:
    """The address of a file, which changes with the version: no browser keeps an old one."""
    return f"{settings.STATIC_URL}glint_dashboard/{name}?v={_VERSION}"
