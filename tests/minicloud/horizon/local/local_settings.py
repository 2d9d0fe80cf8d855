"""Horizon's local settings; Horizon swallows an ImportError here, so nothing exotic is imported."""

from __future__ import annotations

import os
import pathlib

import openstack_dashboard.local.enabled

import glint_dashboard

_STATE = pathlib.Path(os.environ["HORIZON_STATE"])

# A bed leaves site-packages alone; an operator links or copies the files, which has a test too.
_ENABLED = pathlib.Path(glint_dashboard.__file__).parent / "enabled"
openstack_dashboard.local.enabled.__path__.append(os.environ.get("HORIZON_ENABLED", str(_ENABLED)))

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
LOCAL_PATH = str(_STATE)
SECRET_KEY = os.environ["HORIZON_SECRET"]
OPENSTACK_KEYSTONE_URL = os.environ["HORIZON_KEYSTONE"]
OPENSTACK_KEYSTONE_DEFAULT_ROLE = "member"

# Signed cookies would be too small for a catalogue, and memcached is one more server.
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = str(_STATE / "sessions")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Compiled when first asked for: offline, Horizon 27 compiles the style of one theme only.
STATIC_ROOT = str(_STATE / "static")
COMPRESS_OFFLINE = False
AVAILABLE_THEMES = [
    ("default", "Default", "themes/default"),
    ("material", "Material", "themes/material"),
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"glint_dashboard": {"level": "DEBUG"}},
}
