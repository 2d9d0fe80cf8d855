"""What the API shows, with something under each key."""

from __future__ import annotations

from typing import Any

from tests.unit.dashboard.base import TIME


def image(ident: str = "i1", **more: Any) -> dict[str, Any]:
    return {
        "id": ident, "name": f"image {ident}", "project_id": "p1", "user_id": "u1", "size": 1024,
        "os_hash_algo": "sha512", "os_hash_value": "ab", "digests": {"sha512": "ab"},
        "disk_format": "qcow2", "container_format": "bare", "min_disk": 0, "min_ram": 0,
        "protected": False, "os_hidden": False, "properties": {"os": "debian"}, "tags": ["b", "a"],
        "disk": None, "repair": False, "state": "ready", "origin": "site", "source_url": None,
        "expected": {}, "generation": 3, "created_at": TIME, "updated_at": TIME, **more,
    }  # fmt: skip


def site(ident: str = "s1", **more: Any) -> dict[str, Any]:
    return {
        "id": ident, "name": f"SITE {ident}", "type": "openstack", "project_id": "p1",
        "user_id": None, "shared": False, "private": False,
        "connection": {"auth_url": "https://k.example.org/v3"}, "enabled": True,
        "home": False, "health": "ok", "health_code": None, "health_detail": None,
        "health_at": None, "max_transfers": 4, "bandwidth": None, "hours": None, "facts": {},
        "generation": 1, "created_at": TIME, "updated_at": TIME, **more,
    }  # fmt: skip


def credential(ident: str = "c1", **more: Any) -> dict[str, Any]:
    return {
        "id": ident, "name": f"COLUMN {ident}", "site_id": "s1", "site_name": "SITE s1",
        "project_id": "p1", "user_id": None, "shared": True,
        "auth": {"auth_type": "password", "username": "bob"}, "managed": False,
        "remote_project_id": "r", "remote_project_name": "hep", "verified_at": TIME,
        "scanned_at": None, "register": [], "facts": None, "error_code": None, "error_detail": None,
        "generation": 1, "created_at": TIME, "updated_at": TIME, **more,
    }  # fmt: skip


def change(**more: Any) -> dict[str, Any]:
    return {
        "deployment_id": "d1", "image_id": "i1", "credential_id": "c1", "wanted": True,
        "transfer_id": None, "state": "done", "error_code": None, "error_detail": None, **more,
    }  # fmt: skip


def operation(ident: str = "operation-1", **more: Any) -> dict[str, Any]:
    return {
        "id": ident, "state": "done", "project_id": "p1", "user_id": "u1", "created_at": TIME,
        "bytes_done": 5, "bytes_total": 10, "rate": 0.0, "eta": None, "changes": [change()], **more,
    }  # fmt: skip


def event(ident: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "id": ident, "at": TIME, "project_id": "p1", "user_id": "u1", "action": "image.create",
        "outcome": "done", "message": "Something happened.", "image_id": None,
        "credential_id": None, "site_id": None, "operation_id": None, "transfer_id": None,
        "error_code": None, **more,
    }  # fmt: skip


def seen(ident: str = "r1", **more: Any) -> dict[str, Any]:
    return {
        "remote_id": ident, "name": f"remote {ident}", "status": "active", "size": 1024,
        "os_hash_algo": None, "os_hash_value": None, "visibility": "private", "protected": False,
        "stamped": False, "seen_at": TIME, "image_id": None, "deployment_id": None, **more,
    }  # fmt: skip


def conductor(ident: str = "host:1:ab", **more: Any) -> dict[str, Any]:
    return {
        "id": ident, "host": "host.example.org", "alive": True, "running": 2, "started_at": TIME,
        "beat_at": TIME, **more,
    }  # fmt: skip


SITE_TYPE = {
    "name": "openstack",
    "description": "OpenStack",
    "connection_schema": {
        "type": "object",
        "required": ["auth_url"],
        "properties": {
            "auth_url": {"type": "string", "description": "Address of Keystone"},
            "region": {"type": "string"},
            "insecure": {"type": "boolean", "default": False},
        },
    },
    "registers": [],
    "auth_schemas": {
        "password": {
            "title": "Password",
            "properties": {
                "auth_type": {"const": "password"},
                "username": {"type": "string"},
                "password": {"type": "string", "writeOnly": True},
            },
        },
    },
}
