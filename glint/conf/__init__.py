"""Configuration: one module per group. It is passed in; nothing here reads the global object."""

from __future__ import annotations

from glint.conf.opts import register_opts

__all__ = ["register_opts"]
