"""Horizon in this process, a user who is logged in, and a Glint that gives canned answers.

The answers are held against the schemas of the real API, so they cannot drift away from it.
"""

from __future__ import annotations

import atexit
import datetime
import os
import pathlib
import shutil
import sys
import tempfile
from types import SimpleNamespace
from typing import Any
from unittest import mock

import fixtures
import requests_mock
import testtools

from glint.api.schemas import parts
from glint.api.validation import Validator
from tests.minicloud import horizon

URL = "http://glint.example.org:9494"
KEYSTONE = "http://keystone.example.org:5000/v3"
TIME = "2026-11-20T10:00:00Z"
SERVICE = {
    "type": "image-distribution",
    "name": "glint",
    "endpoints": [
        {"interface": "public", "region": "one", "region_id": "one", "url": URL, "id": "e"}
    ],
}


#: Horizon itself looks for Keystone when it draws its side bar.
IDENTITY = SERVICE | {
    "type": "identity",
    "name": "keystone",
    "endpoints": [
        {"interface": "public", "region": "one", "region_id": "one", "url": KEYSTONE, "id": "k"}
    ],
}


def set_up_django() -> None:
    """Make Horizon ready in this process, once; its logging stays out of the tests'."""
    from django.apps import apps

    if apps.ready:
        return
    state = tempfile.mkdtemp(prefix="horizon-unit-")
    atexit.register(shutil.rmtree, state, ignore_errors=True)
    os.environ.update(
        HORIZON_STATE=state,
        HORIZON_KEYSTONE=KEYSTONE,
        HORIZON_SECRET="not secret at all",
        DJANGO_SETTINGS_MODULE="openstack_dashboard.settings",
    )
    (pathlib.Path(state) / "sessions").mkdir()
    sys.path.insert(0, str(pathlib.Path(horizon.__file__).parent))
    import django
    from django.conf import settings

    settings.LOGGING_CONFIG = None
    settings.COMPRESS_ENABLED = False
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.ALLOWED_HOSTS = ["testserver"]
    # The themes' style sheets take seconds to compile, and are no matter here.
    settings.COMPRESS_PRECOMPILERS = ()
    django.setup()
    from django.test.utils import setup_test_environment

    setup_test_environment()


def user(roles: tuple[str, ...], services: list[dict[str, Any]]) -> Any:
    """Whom Horizon takes for logged in."""
    from openstack_auth.user import User

    token = SimpleNamespace(
        id="token",
        project={"id": "p1", "name": "hep"},
        tenant={"id": "p1", "name": "hep"},
        user={"id": "u1", "name": "alice"},
        domain={"id": None, "name": None},
        expires=datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1),
        serviceCatalog=services,
    )
    found = User(
        id="u1",
        token=token,
        user="alice",
        user_domain_id="default",
        project_id="p1",
        project_name="hep",
        enabled=True,
        service_catalog=services,
        roles=[{"name": role} for role in roles],
        endpoint=KEYSTONE,
        services_region="one",
    )
    found._authorized_tenants = []  # or Horizon asks Keystone for its project menu
    return found


def cell(status: str = "absent", wanted: bool = False, **more: Any) -> dict[str, Any]:
    """A cell of the matrix as the API shows it."""
    return {
        "deployment_id": None, "wanted": wanted, "status": status, "bytes_done": 0,
        "bytes_total": None, "rate": 0.0, "eta": None, "phase": None, "remote_id": None,
        "stamped": False, "seen_hash_algo": None, "seen_hash_value": None, "verified_at": None,
        "error_code": None, "error_detail": None, "not_carried": [], "method": None,
        "reason": None, "transfer_id": None, "pending": False, "hash_state": "none",
        "generation": None, **more,
    }  # fmt: skip


def column(ident: str, **more: Any) -> dict[str, Any]:
    """The head of a column."""
    return {
        "id": ident, "name": f"{ident.upper()} (hep)", "site_id": f"site-{ident}",
        "site_name": ident.upper(), "site_type": "openstack", "home": False, "enabled": True,
        "health": "ok", **more,
    }  # fmt: skip


def row(ident: str, cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row of the matrix."""
    return {
        "id": ident, "name": f"image {ident}", "size": 1 << 20, "os_hash_algo": "sha512",
        "os_hash_value": "ab", "disk_format": "qcow2", "state": "ready", "ownership": "project",
        "generation": 3, "conflicts": [],
        "created_at": TIME, "updated_at": TIME, "cells": cells, **more,
    }  # fmt: skip


class DashboardTestCase(testtools.TestCase):
    """A member of the project hep, unless a test says otherwise.

    :ivar glint: what was asked of the service, and its canned answers
    """

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        set_up_django()
        from django.core.cache import cache
        from django.test import Client

        cache.clear()
        self.client = Client()
        self.log_in("member", "reader")
        self.glint = requests_mock.Mocker()
        self.glint.start()
        self.addCleanup(self.glint.stop)
        links = [{"rel": "self", "href": KEYSTONE}]
        version = {"id": "v3.14", "status": "stable", "links": links, "media-types": []}
        self.glint.get(KEYSTONE, json={"version": version})

    def log_in(self, *roles: str, services: list[dict[str, Any]] | None = None) -> None:
        who = user(roles, [IDENTITY, *([SERVICE] if services is None else services)])
        patcher = mock.patch("openstack_auth.utils.get_user", return_value=who)
        patcher.start()
        self.addCleanup(patcher.stop)

    def serve(
        self, path: str, schema: parts.Schema, answer: dict[str, Any], method: str = "GET"
    ) -> None:
        """Let the service answer something, which is checked first."""
        complaint = Validator(schema).complaint(answer)
        self.assertIsNone(complaint)
        self.glint.register_uri(method, f"{URL}/v1/{path}", json=answer)

    def refuse(self, path: str, status: int, code: str, detail: str, method: str = "GET") -> None:
        """Let the service refuse something."""
        error = {"status": status, "code": code, "title": "No", "detail": detail}
        answer = {"errors": [error]}
        self.glint.register_uri(method, f"{URL}/v1/{path}", json=answer, status_code=status)

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of what was asked of one address."""
        return [
            one.json() if one.text else None
            for one in self.glint.request_history
            if one.method == method and one.path == f"/v1/{path}"
        ]
