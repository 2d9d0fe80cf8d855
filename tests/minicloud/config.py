"""The configuration files of the services, each line there for a reason.

Defaults of Keystone and Glance that suit are left out. What differs serves four ends: everything
within the state folder; speed (few hash rounds, a memory cache, larger chunks); today's policy
rules enforced; and Glance allowed to fetch from loopback, which it otherwise refuses.
"""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
from typing import Any

from cryptography import fernet

from tests.minicloud import state, topology

Settings = dict[str, dict[str, Any]]

IMPORT_METHODS = "[glance-direct,web-download,glance-download,copy-image]"
CHUNK = 262144


def _common(folder: pathlib.Path, database: str, log: str) -> Settings:
    return {
        "DEFAULT": {"log_file": folder / log, "use_stderr": "false"},
        "database": {"connection": f"sqlite:///{folder / database}"},
        # Absolute, so that no policy of the machine is picked up instead.
        "oslo_policy": {
            "enforce_scope": "true",
            "enforce_new_defaults": "true",
            "policy_file": folder / "policy.yaml",
            "policy_dirs": folder / "policy.d",
        },
        # Behind a TLS proxy, links in answers must say https.
        "oslo_middleware": {"enable_proxy_headers_parsing": "true"},
    }


def keystone_settings(folder: pathlib.Path) -> Settings:
    """The settings of keystone.conf.

    Access rules of application credentials need none: Keystone takes any rule, and enforcing
    it is the duty of the service that is called (``service_type`` in its ``keystone_authtoken``).
    """
    return _common(folder, "keystone.db", "keystone.log") | {
        "token": {"provider": "fernet", "expiration": 86400},
        "fernet_tokens": {"key_repository": folder / "fernet"},
        "fernet_receipts": {"key_repository": folder / "fernet"},
        "credential": {"key_repository": folder / "credential-keys"},
        "identity": {"password_hash_rounds": 4},
        "cache": {"enabled": "true", "backend": "dogpile.cache.memory"},
    }


def _authtoken(bed: state.Bed, cloud: topology.Cloud, region: str) -> dict[str, Any]:
    return {
        "www_authenticate_uri": bed.auth_url(cloud),
        "auth_url": bed.auth_url(cloud),
        "auth_type": "password",
        "username": "glance",
        "password": bed.passwords[cloud.name]["glance"],
        "project_name": topology.persona("glance").project,
        "user_domain_id": "default",
        "project_domain_id": "default",
        "service_token_roles_required": "true",
        # Without it every application credential that has access rules is refused.
        "service_type": "image",
        "region_name": region,
        "interface": "public",
    }


def _limits(bed: state.Bed, cloud: topology.Cloud, region: str) -> dict[str, Any]:
    """How Glance asks Keystone for limits, once an override sets ``use_keystone_limits``."""
    return {
        "auth_url": bed.auth_url(cloud),
        "auth_type": "password",
        "username": "glance",
        "password": bed.passwords[cloud.name]["glance"],
        "user_domain_id": "default",
        "system_scope": "all",
        "endpoint_service_type": "image",
        "endpoint_region_name": region,
        "endpoint_interface": "public",
    }


def glance_settings(folder: pathlib.Path, bed: state.Bed, service: topology.Service) -> Settings:
    """The settings of glance-api.conf.

    ``public_endpoint`` is not set, so that the links in Glance's version document lead where the
    request came from: a client that was sent to a fault proxy stays on it.
    """
    settings = _common(folder, "glance.db", "glance-api.log")
    known = topology.all_services(topology.CLOUDS + topology.OPTIONAL)
    images = (one for one in known if one.kind == "glance")
    ports = [*(bed.port(one) for one in images), *bed.spare_ports]
    settings["DEFAULT"] |= {
        "worker_self_reference_url": bed.url(service),
        "enabled_backends": "fast:file,slow:file",
        "enabled_import_methods": IMPORT_METHODS,
        "node_staging_uri": f"file://{folder / 'staging'}",
        "show_multiple_locations": "false",
    }
    for group, name in (
        ("fast", "fast"),
        ("slow", "slow"),
        ("os_glance_staging_store", "staging"),
        ("os_glance_tasks_store", "tasks"),
    ):
        settings[group] = {
            "filesystem_store_datadir": folder / name,
            "filesystem_store_chunk_size": CHUNK,
        }
    return settings | {
        "glance_store": {"default_backend": "fast"},
        "task": {"work_dir": folder / "work"},
        "taskflow_executor": {"engine_mode": "serial"},
        # Without it the hash task of the locations API fails.
        "oslo_concurrency": {"lock_path": folder / "locks"},
        "paste_deploy": {"flavor": "keystone", "config_file": _paste_file()},
        "keystone_authtoken": _authtoken(bed, topology.cloud_of(service), service.region),
        "oslo_limit": _limits(bed, topology.cloud_of(service), service.region),
        "import_filtering_opts": {
            "allowed_schemes": "[http,https]",
            "allowed_hosts": f"[{topology.LOOPBACK}]",
            "allowed_ports": "[" + ",".join(map(str, ports)) + "]",
        },
    }


def _paste_file() -> pathlib.Path:
    """Glance's pipeline definition, as its package installed it.

    :raises FileNotFoundError: the package came without it
    """
    for one in importlib.metadata.files("glance") or ():
        if one.name == "glance-api-paste.ini":
            return pathlib.Path(os.path.realpath(str(one.locate())))
    raise FileNotFoundError("the installed glance has no glance-api-paste.ini")


def render(settings: Settings) -> str:
    """The text of a configuration file; a list becomes an option that is given several times."""
    lines = []
    for group, options in settings.items():
        lines.append(f"[{group}]")
        for option, value in options.items():
            values = value if isinstance(value, list | tuple) else [value]
            lines.extend(f"{option} = {one}" for one in values)
    return "\n".join(lines) + "\n"


def _merge(settings: Settings, overrides: Settings) -> Settings:
    merged = {group: dict(options) for group, options in settings.items()}
    for group, options in overrides.items():
        merged.setdefault(group, {}).update(options)
    return merged


FILES = {"keystone": "keystone.conf", "glance": "glance-api.conf"}
FOLDERS = {
    "keystone": ("policy.d",),
    "glance": ("policy.d", "fast", "slow", "staging", "tasks", "work", "locks"),
}


def write(folder: pathlib.Path, bed: state.Bed, service: topology.Service) -> bool:
    """Write a service's configuration; return whether it differs from what was there."""
    for name in FOLDERS[service.kind]:
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "policy.yaml").touch()
    if service.kind == "keystone":
        settings = keystone_settings(folder)
        for name in ("fernet", "credential-keys"):
            _write_key(folder / name)
    else:
        settings = glance_settings(folder, bed, service)
    text = render(_merge(settings, bed.overrides.get(service.name, {})))
    path = folder / FILES[service.kind]
    if path.exists() and path.read_text() == text:
        return False
    state.write_private(path, text)
    return True


def _write_key(folder: pathlib.Path) -> None:
    """Make a key repository: 0 is the staged key, 1 the primary one."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("0", "1"):
        if not (folder / name).exists():
            state.write_private(folder / name, fernet.Fernet.generate_key().decode())


CONFIG_DIR_VARIABLES = {
    "keystone": "OS_KEYSTONE_CONFIG_DIR",
    "glance": "OS_GLANCE_CONFIG_DIR",
}
"""Where a program looks for the folder of its configuration."""
